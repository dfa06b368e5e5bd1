"""How much work a run is, in counts that no load of the computer changes: guards against becoming slow again."""

from __future__ import annotations

import ast
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from spikecycle.simulator import pricing, simulate
from spikecycle.simulator.dataflows import DATAFLOWS, stage, support
from spikecycle.simulator.dataflows.layer import LayerSample, LayerTask
from spikecycle.simulator.dataflows.row_stationary import global_buffer, mapping, slowest_pe, updates, weight_streams
from spikecycle.simulator.dataflows.row_stationary import replay as row_replay
from spikecycle.simulator.dataflows.row_stationary.plan import RowStationaryPlan
from spikecycle.simulator.dataflows.spike_array import plan as plan_module
from spikecycle.simulator.dataflows.spike_array import replay
from spikecycle.simulator.dataflows.spike_array.frame import SampleFrame
from spikecycle.simulator.dataflows.spike_array.input_passes import InputCutter
from spikecycle.simulator.dataflows.spike_array.plan import SpikeArrayPlan
from spikecycle.simulator.energy import sram
from spikecycle.simulator.machine import yaml_file
from spikecycle.simulator.machine.loader import load_machine
from spikecycle.simulator.replay import replay_layer
from spikecycle.simulator.workload import non_zero_sums, spike_counts
from spikecycle.traces import Layer, LayerShape, Neuron, conv2d_layer, open_trace, schema, write_trace
from spikecycle.traces.packing import PackedSpikes
from tests.children import run_child
from tests.unit.row_stationary import cases as row_stationary
from tests.unit.spike_array import cases as spike_array

KERNELS_OF_ROW_STATIONARY = {
    node.name
    for path in Path(weight_streams.__file__).parent.glob("*.py")
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    if isinstance(node, ast.FunctionDef) and any(ast.unparse(one).endswith("kernel") for one in node.decorator_list)
}
RANDOM = np.random.default_rng(3)
SHAPE = LayerShape("conv2d", C=4, H=6, W=6, M=6, R=3, S=3, padding=(1, 1))


def task(timesteps: int) -> LayerTask:
    return spike_array.layer(SHAPE, RANDOM.integers(-7, 8, SHAPE.weight_shape), timesteps)


@pytest.fixture
def count(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any, str], Counter[tuple[Any, ...]]]:
    """Replaces a function of a module or class by itself, and counts the arguments that it is called with."""

    def watch(owner: Any, name: str) -> Counter[tuple[Any, ...]]:
        called: Counter[tuple[Any, ...]] = Counter()
        original = getattr(owner, name)

        def counting(*arguments: Any, **named: Any) -> Any:
            called[tuple(one for one in arguments if isinstance(one, int))] += 1
            return original(*arguments, **named)

        monkeypatch.setattr(owner, name, counting)
        return called

    return watch


@pytest.mark.parametrize("timesteps", [1, 9])
@pytest.mark.parametrize(("few_pes", "kernel"), [(8, "accumulate_abreast"), (0, "accumulate_passes")])
def test_a_spike_array_is_replayed_by_one_call_of_a_kernel(
    count: Any, monkeypatch: pytest.MonkeyPatch, few_pes: int, kernel: str, timesteps: int
) -> None:
    """Whatever the tiles: all channel tiles are sent the events of a pass, which are listed once."""
    monkeypatch.setattr(plan_module, "FEW_PES", few_pes)
    # half of the 8 words of 16 bits holds the 24 positions of two channels' 4 x 6 inputs, not those of three; 18 words
    # hold half of the map's potentials; half of the 24 holds the 36 weights (4 bits) of one output channel, not of two
    chosen = spike_array.machine(
        buffers__spikes=spike_array.buffer(8, 16),
        buffers__potentials=spike_array.buffer(18, 16),
        buffers__weights=spike_array.buffer(24, 16),
    )
    layer = task(timesteps)
    kernels, cuts = count(replay, kernel), count(InputCutter, "_of_timestep")
    inputs = (RANDOM.random((timesteps, 4, 6, 6)) < 0.3).astype(np.uint8)
    outputs = replay_layer(layer, inputs).outputs.astype(np.uint8)
    plan = SpikeArrayPlan(chosen, layer)
    activity = plan.run(LayerSample(inputs, outputs))
    tiling = plan.tiling()
    assert tiling["channel_tiles"] > 1 and tiling["map_tiles"] > 1
    tiles = tiling["channel_tiles"] * tiling["map_tiles"]
    assert len(activity.work.cycles) > tiles * timesteps, "several passes in a timestep"
    assert kernels.total() == 1
    assert cuts.total() == tiling["map_tiles"], "a bit map is cut alike in every timestep"


@pytest.mark.parametrize(("changes", "frames"), [({}, 2), ({"formats__spikes__format": "aer"}, 5)])
def test_what_does_not_depend_on_spikes_is_worked_out_once(count: Any, changes: dict[str, Any], frames: int) -> None:
    """Four samples that load their weights, and one that finds them on chip: addresses are as many as spikes."""
    chosen, layer, made = spike_array.machine(**changes), task(2), count(SampleFrame, "of")
    plan = SpikeArrayPlan(chosen, layer)
    inputs = (RANDOM.random((2, 4, 6, 6)) < 0.3).astype(np.uint8)
    outputs = replay_layer(layer, inputs).outputs.astype(np.uint8)
    for weights_on_chip in (False, False, True, False, False):
        plan.run(LayerSample(inputs, outputs, weights_on_chip=weights_on_chip))
    assert made.total() == frames


def test_a_mapping_is_chosen_without_asking_twice(count: Any) -> None:
    fitted, measured = count(mapping, "most_filters"), count(weight_streams, "measure")
    plan = RowStationaryPlan(row_stationary.machine(dataflow__rows=9), task(4))
    assert plan.mapped.mapping.filters_per_pe > 0
    # by channels of a PE and windows in its pad: the input pad of 12 entries holds 4 channels of 3 taps
    assert {channels for channels, _ in fitted} == {1, 2, 3, 4}
    assert max(fitted.values()) == 1
    # fibers of a fold of 1, 2, 3 or 4 channels
    assert 0 < measured.total() <= 4


def test_a_mapping_is_chosen_by_bounds_and_few_measured_fibers(count: Any) -> None:
    # 12 array rows and 12 inputs a pad: folds of 1 to 12, 14, 15, 16 ... channels of 3 x 3 taps could be tried
    shape = LayerShape("conv2d", C=64, H=12, W=12, M=32, R=3, S=3, padding=(1, 1))
    weights = RANDOM.integers(-7, 8, shape.weight_shape) * (RANDOM.random(shape.weight_shape) < 0.2)
    estimated, measured = count(mapping, "estimate"), count(weight_streams, "measure")
    plan = RowStationaryPlan(load_machine("eyeriss_snn"), spike_array.layer(shape, weights, 4))
    assert plan.mapped.mapping.filter_sets > 0
    assert measured.total() <= 3
    assert estimated.total() <= 6, "candidates are estimated many at a time"


def test_passes_of_a_row_stationary_array_take_no_call_each(count: Any) -> None:
    shape = LayerShape("conv2d", C=32, H=12, W=40, M=64, R=3, S=3, padding=(1, 1))
    plan = RowStationaryPlan(load_machine("eyeriss_snn"), spike_array.layer(shape, np.ones(shape.weight_shape), 9))
    inputs = (RANDOM.random((9, *shape.input_shape)) < 0.3).astype(np.uint8)
    outputs = np.zeros((9, *shape.output_shape), np.uint8)
    watched = [count(row_replay, "count_ranges"), count(slowest_pe, "go_through_ranges")]
    watched.append(count(updates.ArrayNeurons, "update"))
    watched += [count(global_buffer, name) for name in ("deliver_row", "result_words")]
    passes = len(plan.run(LayerSample(inputs, outputs)).work.cycles)
    ranges = plan.order.ranges
    assert ranges > 1 and passes > 500
    counted, gone_through, updated, delivered, words = (calls.total() for calls in watched)
    assert (counted, gone_through) == (1, 1), "all ranges together"
    assert updated == len(set((plan.order.column_ends - plan.order.column_starts).tolist())), "once for each width"
    assert delivered <= 3, "once for each width of a tile"
    assert words == 1
    plan.run(LayerSample(inputs, outputs))
    alike = tuple(calls.total() for calls in watched[2:])
    assert (updated, delivered, words) == alike, "a second sample delivers alike, and updates as many neurons"


def test_the_same_text_is_parsed_once(count: Any) -> None:
    composed = count(yaml_file._Composer, "get_single_node")
    text = "one: [1, 2]  # of the test of how often a text is parsed"
    first = yaml_file.parse_yaml(text)
    first["one"].append(3)
    assert yaml_file.parse_yaml(text) == {"one": [1, 2]}, "nobody sees what another did with the value"
    assert composed.total() == 1


def test_of_the_tables_of_srams_only_the_wanted_one_is_read(count: Any) -> None:
    sram._load.cache_clear()
    read = count(sram, "read_validated")
    assert sram._load("itrs-lstp", 300, 2).constants.table == "sram_lstp_300k_1r1w.csv"
    assert read.total() == 1


def test_what_prices_rest_on_is_looked_up_once_for_machines_with_the_same_keys(tmp_path: Path, count: Any) -> None:
    """However many runs and layers there are, and although each run makes a machine of its own."""
    pricing._kept_prices.cache_clear()
    machine, key = load_machine("spike_array"), "technology.clock_mhz"
    pricing._kept_prices.cache_clear()
    estimates, units = count(pricing, "estimate_memory"), count(type(machine), "units")
    for times, changes in ((1, None), (1, {key: machine.technology.clock_mhz}), (2, {key: 100}), (2, None)):
        for layers in (1, 3):
            result = simulate(_trace_of(tmp_path / f"{layers}.h5", layers), machine, settings=changes)
            assert result.machine_overrides == (changes or {}), "a machine is told from where it comes"
            assert estimates.total() == times * len(machine.memories())
            assert units.total() == times


def test_each_attribute_of_a_trace_is_opened_once(tmp_path: Path, count: Any) -> None:
    path = _trace_of(tmp_path / "t.h5", layers=2)
    opened = count(h5py.h5a, "open")
    with open_trace(path):
        pass
    of_layers = len(schema.LAYER_ATTRIBUTES) * 2
    assert opened.total() == len(schema.ROOT_ATTRIBUTES) + of_layers


def _trace_of(path: Path, layers: int) -> Path:
    neuron = Neuron("if", np.full(6, 9), 16, leak_numerator=1)
    spikes, weights = np.ones((1, 2, 4, 6, 6), np.uint8), np.ones((6, 4, 3, 3), np.int8)
    write_trace(
        path, [conv2d_layer(f"conv{each}", spikes, weights, 4, neuron, padding=(1, 1)) for each in range(layers)], {}
    )  # fmt: skip
    return path


def test_weights_are_read_once_for_a_machine(count: Any, tmp_path: Path) -> None:
    """For its mapping: their zeros are counted then, and not when the result is made."""
    path = tmp_path / "small.h5"
    arrays = conv2d_layer(
        "conv", np.ones((1, 2, 1, 4, 4), np.uint8), np.array([[[[1, 0], [0, 2]]], [[[0, 0], [0, 3]]]]), 4,
        Neuron("if", np.full(2, 5), 12), outputs=np.zeros((1, 2, 2, 3, 3), np.uint8),
    )  # fmt: skip
    write_trace(path, [arrays], provenance={})
    read = count(Layer, "codes")
    result = simulate(path, "spike_array")
    assert result.layers[0].storage.zero_weights == 5
    assert read.total() == 1


@pytest.mark.usefixtures("all_threads_help")
@pytest.mark.parametrize("threads", [1, 2])
def test_a_rule_looks_at_weights_once_and_unpacks_no_spikes(
    count: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, threads: int
) -> None:
    """Whatever the samples: what follows from weights alone is there for the next. Two threads may both begin."""
    monkeypatch.setattr(spike_counts, "LEAST_BYTES", 0)
    path, layers, samples = tmp_path / "small.h5", 2, 5
    spikes = (RANDOM.random((samples, 3, 4, 6, 6)) < 0.3).astype(np.uint8)
    weights, neuron = RANDOM.integers(-7, 8, SHAPE.weight_shape), Neuron("if", np.full(SHAPE.M, 5), 12)
    outputs = np.zeros((samples, 3, *SHAPE.output_shape), np.uint8)
    arrays = [
        conv2d_layer(f"conv{each}", spikes, weights, 4, neuron, padding=(1, 1), outputs=outputs)
        for each in range(layers)
    ]
    write_trace(path, arrays, {})
    turned, counted = count(non_zero_sums, "event_weights"), count(stage, "non_zero_weights")
    unpacked = count(PackedSpikes, "__getitem__")
    result = simulate(path, "prosperity", threads=threads)
    assert result.sum_synaptic_operations > 0
    assert layers <= turned.total() <= threads * layers
    assert layers <= counted.total() <= threads * layers
    assert unpacked.total() == 0


COMPILED = """
import json
from spikecycle.simulator import pricing, simulate
from spikecycle.simulator.compiling import told_of_compiling

names = []
with told_of_compiling(names.append):
    simulate("digits-8bit", "eyeriss_snn")
print(json.dumps(names))
"""


def test_a_first_run_compiles_what_it_uses_and_each_kernel_for_one_kind_of_arrays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Compiling is what a first run waits for: seconds, where kernels take everything that there is of a layer."""
    for name in ("NUMBA_DISABLE_JIT", "NUMBA_BOUNDSCHECK"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SPIKECYCLE_CACHE_DIR", str(tmp_path))
    ended = run_child(["-c", COMPILED], memory_bytes=4 * 2**30)
    assert ended.status == 0, ended.err
    compiled = Counter(json.loads(ended.out))
    passes = {"find_run", "next_run", "look_up", "record_passes"}
    slowest = {"find_slowest", "keep_slowest", "add_taps", "keep_longest", "raise_to", "longest_of_timesteps"}
    once = {"go_through_ranges", "count_windows", "longest_pair", "deliver_row", *passes, *slowest}
    mine = {name: compiled[name] for name in compiled if name in KERNELS_OF_ROW_STATIONARY}
    assert mine == dict.fromkeys(once, 1), "rows of fixed size need no count of outputs"
    assert compiled.total() <= 38, compiled


def test_what_a_dataflow_supports_is_told_of_all_operators_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not one for every operator, which has to go through all of them."""
    looks: Counter[str] = Counter()

    def counting(what: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def counted(network: Any) -> Any:
            looks[what.__name__] += 1
            return what(network)

        return counted

    for look in (support.pooled_currents, support.made_by_synapses):
        monkeypatch.setattr(support, look.__name__, counting(look))
    with open_trace("digits-8bit") as network:
        machine = load_machine("spike_array")
        supports = DATAFLOWS.lookup(machine.dataflow.kind).supports
        support.refuse_unsupported(supports, machine.dataflow.kind, machine.name, network, dict)
        assert len(network.operators) > 2
    assert looks == {"pooled_currents": 1, "made_by_synapses": 1}
