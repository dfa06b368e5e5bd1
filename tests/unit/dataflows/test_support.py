"""What is not declared is refused by name, with the machines that run it; formats too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import spikecycle
from spikecycle.simulator.errors import MappingError
from spikecycle.simulator.machine.loader import shipped_machines
from spikecycle.traces import GraphBuilder, Neuron

NEURON = Neuron("if", 3, potential_bits=8)
ARRAYS = {"spike_array", "spike_array_edge", "eyeriss_snn", "eyeriss_sparseloop"}
CORES = {"catalyst_n1", "loihi", "snn_fpga", "spiker", "spiker_plus", "stems", "tinyodin", "truenorth"}
CROSSBARS = {"spikesim_rram", "spikesim_sram"}
DENSE = {"eyeriss", "systolic_output_stationary", "systolic_weight_stationary"}
RUN_BY = {
    # those whose papers run spiking transformers, or are compared on one, and the dense baselines
    "scores": {"bishop", "mint", "prosperity", "prosperity_bit", "ptb", "sato", *DENSE},
    # values with a sign go through multipliers; a spike has none
    "grouped": {"bishop", *DENSE},
    # arrays, cores and crossbars keep neurons beside the weights that feed them
    "attended": set(shipped_machines()) - ARRAYS - CORES - CROSSBARS,
}
"""Machines by the operator of the network below."""


def refusal(path: Path, machine: str, **options: object) -> list[str]:
    """The lines of the refusal."""
    with pytest.raises(MappingError) as error:
        spikecycle.simulate(path, machine, **options)  # type: ignore[arg-type]
    return str(error.value).splitlines()


def test_every_operator_that_cannot_be_mapped_is_named_with_the_machines_that_run_it(tmp_path: Path) -> None:
    graph = GraphBuilder(timesteps=1)
    x = graph.input("x", np.ones((1, 1, 2, 1, 4), int))
    signed = graph.input("signed", -np.ones((1, 1, 2, 1, 4), int), bits=2, signed=True)
    scores = graph.attention("scores", x, x, transpose_right=True)
    grouped = graph.conv2d("grouped", signed, np.ones((2, 1, 1, 2), int), weight_bits=2, groups=2)
    graph.neuron("fires", grouped, NEURON)
    graph.neuron("attended", scores, NEURON)
    graph.write(tmp_path / "net.h5")
    lines = [line.partition("; machines that run it: ") for line in refusal(tmp_path / "net.h5", "spike_array")]
    where = "cannot be mapped on machine 'spike_array' (dataflow spike_array)"
    assert [line for line, _, _ in lines] == [
        f"operator 'scores' {where}: attention is not supported, supported: add, concatenate, conv1d, conv2d, "
        "linear, neuron, pool",
        f"operator 'grouped' {where}: a signed input is not supported",
        f"operator 'attended' {where}: none of its inputs comes from weights of its own",
    ]
    for operator, (_, _, machines) in zip(("scores", "grouped", "attended"), lines, strict=True):
        assert machines.split(", ") == sorted(RUN_BY[operator]), operator


def test_what_no_machine_runs(tmp_path: Path) -> None:
    graph = GraphBuilder(timesteps=1)
    wide = graph.input("x", np.ones((1, 1, 2, 4, 4), int), bits=20)
    graph.neuron("fires", graph.conv2d("conv", wide, np.ones((2, 2, 1, 1), int), weight_bits=2), NEURON)
    graph.write(tmp_path / "net.h5")
    (line,) = refusal(tmp_path / "net.h5", "mint")
    assert line.endswith("inputs of 20 bits are not supported, at most 16; machines that run it: none")


def test_spikes_below_zero_are_not_added_as_if_they_were_not(tmp_path: Path) -> None:
    """An identity input of the arrays is unsigned."""
    graph = GraphBuilder(timesteps=1)
    x = graph.input("x", np.ones((1, 1, 2, 4, 4), int))
    below = graph.input("below", -np.ones((1, 1, 2, 4, 4), int), bits=2, signed=True)
    graph.neuron("n", [graph.conv2d("conv", x, np.ones((2, 2, 1, 1), int), weight_bits=2), below], NEURON)
    graph.write(tmp_path / "net.h5")
    (line,) = refusal(tmp_path / "net.h5", "eyeriss_snn")
    assert "operator 'n'" in line and "a signed input without weights is not supported" in line
    assert spikecycle.simulate(tmp_path / "net.h5", "mint", verify=True).verification[0].mismatches == 0  # type: ignore[index]


@pytest.mark.parametrize(
    ("machine", "spikes", "problem"),
    [
        ("spike_array", "firing_words", "scans spikes timestep by timestep, and the format stores all timesteps"),
        ("spike_array", "time_sorted", "scans spikes timestep by timestep, and the format stores all timesteps"),
        ("eyeriss_snn", "run_length", "the format does not tell bits by their number"),
        ("eyeriss_snn", "firing_words", "the format stores all timesteps together"),
    ],
)
def test_a_spike_format_that_is_not_declared(machine: str, spikes: str, problem: str) -> None:
    (line,) = refusal(Path("digits-ternary"), machine, formats={"spikes": spikes})
    assert (
        line.startswith(f"machine {machine!r} (dataflow ") and f" cannot take spikes in the format {spikes!r}: " in line
    )
    assert problem in line


def test_a_weight_format_that_is_not_declared() -> None:
    (line,) = refusal(Path("digits-ternary"), "eyeriss_snn", formats={"weights": "eie"})
    assert line == (
        "machine 'eyeriss_snn' (dataflow row_stationary) cannot take weights of 'conv1' in the format 'eie': a "
        "row-stationary array has no decoder of codebook"
    )
