"""What cannot be mapped is refused for that reason, not for the memory that a run would need, and before any run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spikecycle.simulator import simulate
from spikecycle.simulator.errors import MappingError, MemoryLimitError
from spikecycle.simulator.machine.loader import load_machine, shipped_machines
from spikecycle.traces import GraphBuilder, LayerShape, Neuron
from spikecycle.traces.synthetic import synthetic_trace

LITTLE_BYTES = 100
"""Fewer than any run needs."""
SHAPES = (LayerShape("conv2d", C=2, H=4, W=4, M=3, R=3, S=3, padding=(1, 1)), LayerShape.linear(48, 5))
"""32 inputs, 48 and 5 neurons, of 16 bits each."""
KINDS = {load_machine(name).dataflow.kind: name for name in reversed(shipped_machines())}
"""A machine of every dataflow."""
LATE_RESET = "dataflow.neuron_unit.late_reset"
NARROW = {"dataflow.accumulator_bits": 8, "buffers.global_buffer.width_bits": 8}
ONE_CORE = {"width": 1, "height": 1, "cores_per_tile": 1, "link_buffer": 1}


@pytest.fixture(scope="module")
def layers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("refused") / "layers.h5"
    synthetic_trace(path, SHAPES, 4, 1, 0.1, 0.5, 8, 1, output_density=0.1)
    return path


@pytest.mark.parametrize("machine", sorted(KINDS.values()))
def test_what_fits_but_for_memory_is_refused_for_memory(machine: str, layers: Path) -> None:
    """Sizes alone must refuse nothing that can be mapped."""
    with pytest.raises(MemoryLimitError, match=rf"may use {LITTLE_BYTES} bytes \(--max-memory\)"):
        simulate(layers, machine, max_memory_bytes=LITTLE_BYTES)


@pytest.mark.parametrize(
    ("machine", "settings", "message"),
    [
        ("tinyodin", {"dataflow.mapping.cores": 1}, "needs 2 cores of 256 neurons, there are 1"),
        ("catalyst_n1", {"dataflow.mapping": {"cores": 52, "neurons_per_core": 1}}, "needs 53 cores of 1 neurons"),
        ("loihi", {"dataflow.mapping.cores": 1, "dataflow.mesh": ONE_CORE}, "needs 3 cores of 1024 neurons"),
        ("truenorth", {"dataflow.synapses_of": {"fc": "dense"}}, "dataflow.synapses_of.fc: .* no such synapse"),
        ("spike_array", {"buffers.outputs": {"size_kib": 0.0078125, "width_bits": 64}, "dataflow.pes": 256}, "outputs"),
        ("eyeriss_snn", {"dataflow.rows": 2}, "its kernel has 3 rows, dataflow.rows is 2"),
        ("eyeriss_snn", NARROW, "a potential has 16 bits"),
        ("eyeriss_snn", {"dataflow.weight_decoders": []}, "among dataflow.weight_decoders"),
        ("spikesim_rram", {"dataflow.epitomes": {"fc": 1}}, "dataflow.epitomes"),
    ],
)  # fmt: skip
def test_a_network_that_no_memory_would_make_fit(
    machine: str, settings: dict[str, Any], message: str, layers: Path
) -> None:
    with pytest.raises(MappingError, match=message) as refused:
        simulate(layers, machine, settings=settings, max_memory_bytes=LITTLE_BYTES)
    assert not isinstance(refused.value, MemoryLimitError)


@pytest.fixture
def two_layers(tmp_path: Path) -> Path:
    """Of the second layer, neurons are reset to 1, a timestep late."""
    graph = GraphBuilder(2)
    source = graph.input("x", np.ones((1, 2, 3, 1, 1), int))
    fires = Neuron("if", 1, potential_bits=12)
    first = graph.neuron("first", graph.linear("fc1", source, np.ones((3, 3), int), weight_bits=4), fires)
    late = Neuron("if", 4, potential_bits=12, reset="hard", reset_value=1, reset_timing="next")
    graph.neuron("second", graph.linear("fc2", first, np.ones((3, 3), int), weight_bits=4), late)
    graph.write(tmp_path / "two.h5")
    return tmp_path / "two.h5"


@pytest.mark.parametrize(
    ("machine", "settings", "message"),
    [
        ("mint", {LATE_RESET: False}, "neuron_unit.late_reset"),
        ("eyeriss_snn", {LATE_RESET: False}, "neuron_unit.late_reset"),
        ("spike_array", {LATE_RESET: False}, "neuron_unit.late_reset"),
        ("spike_array", {LATE_RESET: True, "dataflow.update": "sparse"}, "sparse needs a reset_value of 0, found 1"),
    ],
)
@pytest.mark.parametrize("limit_bytes", [LITTLE_BYTES, None])
def test_a_layer_further_on_is_refused_before_the_first_is_run(
    machine: str, settings: dict[str, Any], message: str, limit_bytes: int | None, two_layers: Path
) -> None:
    done: list[str] = []
    with pytest.raises(MappingError, match=message):
        simulate(
            two_layers, machine, settings=settings, max_memory_bytes=limit_bytes,
            progress=lambda stage, step, steps: done.append(stage),
        )  # fmt: skip
    assert not done
