"""Keys of an array's neuron unit: what a layer needs is named, and costs what is worked out by hand here."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from spikecycle.simulator.activity import POTENTIALS, Activity
from spikecycle.simulator.dataflows.layer import LayerSample, LayerTask
from spikecycle.simulator.dataflows.neuron_unit import NeuronUnit, own_parameter_bits, potential_words
from spikecycle.simulator.dataflows.row_stationary import RowStationaryPlan
from spikecycle.simulator.dataflows.spike_array import SpikeArrayPlan
from spikecycle.simulator.errors import MappingError
from spikecycle.simulator.machine.loader import load_machine, override
from spikecycle.simulator.replay import replay_layer
from spikecycle.traces import LayerShape, Neuron
from tests.rtl.harness.bundles import NotCoveredError
from tests.rtl.harness.coverage import check_layer
from tests.unit.row_stationary.cases import machine as row_stationary_machine
from tests.unit.spike_array.cases import buffer, layer
from tests.unit.spike_array.cases import machine as spike_array_machine

LATE = Neuron("lif", 3, 8, leak_numerator=1, leak_shift=1, reset="soft", reset_timing="next")
STARTED = Neuron("if", 9, 8, start_potential=2)
SILENT = Neuron("readout", potential_bits=8)
OWN = Neuron("lif", 3, 8, leak_numerator=[1, 2], leak_shift=2)
PLAIN = Neuron("lif", 3, 8, leak_numerator=1, leak_shift=1)
SYNAPTIC = Neuron(
    "synaptic", 3, 8, leak_numerator=1, leak_shift=1, current_leak_numerator=1, current_leak_shift=1, current_bits=6
)
PLACES = Neuron("lif", np.array([[[3, 4, 5]], [[3, 3, 3]]]), 8, leak_numerator=1, leak_shift=1)
NEEDS = {
    "late_reset": LATE, "start_potentials": STARTED, "leaks_per_channel": OWN, "potential_outputs": SILENT,
    "two_states": SYNAPTIC, "parameters_per_neuron": PLACES,
}  # fmt: skip


def two_channels(neuron: Neuron, timesteps: int = 2) -> LayerTask:
    """A 1 x 1 convolution of one input channel, a map of 1 x 3, two output channels of weight 1."""
    return layer(LayerShape("conv2d", C=1, H=1, W=3, M=2, R=1, S=1), np.ones((2, 1, 1, 1)), timesteps, neuron=neuron)


def run(plan: SpikeArrayPlan | RowStationaryPlan, task: LayerTask) -> Activity:
    """One input spike, in the first timestep."""
    inputs = np.zeros((task.timesteps, 1, 1, 3), np.uint8)
    inputs[0, 0, 0, 0] = 1
    replay = replay_layer(task, inputs, track_active=True)
    return plan.run(LayerSample(inputs, replay.outputs, replay.active))


def on_spike_array(neuron: Neuron, **changes: Any) -> Activity:
    """`two_channels` on a spike array of two PEs, one output channel each."""
    task = two_channels(neuron)
    return run(SpikeArrayPlan(spike_array_machine(**changes), task), task)


def on_row_stationary(neuron: Neuron, **changes: Any) -> Activity:
    """`two_channels` on a row-stationary array."""
    task = two_channels(neuron)
    return run(RowStationaryPlan(row_stationary_machine(**changes), task), task)


@pytest.mark.parametrize("key", NEEDS)
def test_a_unit_without_the_key_refuses_the_layer_and_names_it(key: str) -> None:
    unit = {name: name != key for name in NEEDS}
    task = two_channels(NEEDS[key])
    for plan, chosen in (
        (SpikeArrayPlan, spike_array_machine(dataflow__neuron_unit=unit)),
        (RowStationaryPlan, row_stationary_machine(dataflow__neuron_unit=unit)),
    ):
        with pytest.raises(MappingError, match=rf"^layer 'generated' .*: its neurons .*dataflow\.neuron_unit\.{key}"):
            plan(chosen, task)
    for other in set(NEEDS) - {key}:
        assert NeuronUnit(**unit).refusal(NEEDS[other]) == ""


def test_what_a_channel_shares_is_no_parameter_per_neuron() -> None:
    """Whether it is written once per channel or once per neuron."""
    unit, by_channel = NeuronUnit(leaks_per_channel=True), NeuronUnit(parameters_per_neuron=True)
    for shared in (np.array([[[1]], [[2]]]), np.array([[[1, 1]], [[2, 2]]])):
        neuron = Neuron("lif", 2 + shared, 8, leak_numerator=shared, leak_shift=2)
        assert own_parameter_bits(neuron) == 0
        assert unit.refusal(neuron) == ""
        assert by_channel.refusal(neuron).endswith("dataflow.neuron_unit.leaks_per_channel: true")
    current = Neuron("readout", (), 8, current_leak_numerator=[1, 0], current_bits=6)
    assert "leaks_per_channel" in NeuronUnit(two_states=True, potential_outputs=True).refusal(current)


def test_bits_of_parameters_per_neuron() -> None:
    """A threshold is at most the largest potential; a leak of shift 9 has 0 to 512."""
    own = np.array([[[1, 2]]])
    assert own_parameter_bits(Neuron("lif", own, 8)) == 7
    assert own_parameter_bits(Neuron("lif", own, 8, leak_numerator=own, leak_shift=9)) == 17
    states = {"current_leak_numerator": own, "current_leak_shift": 4, "current_bits": 8}
    assert own_parameter_bits(Neuron("synaptic", own, 8, leak_numerator=own, leak_shift=9, **states)) == 22


def test_what_a_unit_adds_has_no_area_and_results_say_so() -> None:
    for machine in (spike_array_machine, row_stationary_machine):
        assert "multiplexers and registers of dataflow.neuron_unit" in machine().unmodelled()
        assert not any("neuron_unit" in part for part in machine(dataflow__neuron_unit={}).unmodelled())


@pytest.mark.parametrize("key", NEEDS)
def test_the_rtl_has_none_of_them(key: str) -> None:
    with pytest.raises(NotCoveredError, match=rf"^layer 'generated': neuron: .*{key}: true; the RTL has none"):
        check_layer(two_channels(NEEDS[key]))


def test_a_late_reset_takes_what_an_early_one_takes() -> None:
    early = Neuron("lif", 3, 8, leak_numerator=1, leak_shift=1, reset="soft")
    for place in (on_spike_array, on_row_stationary):
        one, other = place(LATE), place(early)
        assert one.counts == other.counts
        assert one.work.breakdown.tolist() == other.work.breakdown.tolist()


def test_start_potentials_are_written_before_the_first_pass_of_a_spike_array() -> None:
    """Three neurons in each of two PEs: 3 cycles, one neuron at a time; 6 words."""
    plain, started = (on_spike_array(neuron) for neuron in (Neuron("if", 9, 8), STARTED))
    more = started.work.breakdown - plain.work.breakdown
    assert more.sum() == more[0, started.work.categories.index("update")] == 3
    assert started.counts["potentials.write"] - plain.counts["potentials.write"] == 6
    assert started.moves.load_bits.tolist() == plain.moves.load_bits.tolist()


def test_start_potentials_of_every_neuron_come_from_dram() -> None:
    """Six potentials of 8 bits, once a sample."""
    own = Neuron("if", 9, 8, start_potential=np.array([[[0, 1, 2]], [[3, -4, 0]]]))
    for place, plain in ((on_spike_array, on_spike_array(STARTED)), (on_row_stationary, on_row_stationary(STARTED))):
        more = place(own).moves.load_bits - plain.moves.load_bits
        assert more.sum() == more[:, POTENTIALS].sum() == 48


def test_flags_of_start_potentials_are_written_in_groups() -> None:
    """Three flags a PE, two at a time: two groups in each of two PEs; all six neurons are updated in both timesteps
    (an `if` neuron keeps its 2), none otherwise but those that the spike reaches."""
    changes = {"dataflow__update": "sparse", "dataflow__flags_per_cycle": 2}
    plain, started = (on_spike_array(neuron, **changes) for neuron in (Neuron("if", 9, 8), STARTED))
    assert (plain.counts["neuron.compare"], started.counts["neuron.compare"]) == (4, 12)
    assert started.counts["flags.write"] - plain.counts["flags.write"] == 4


@pytest.mark.parametrize(("ports", "sweep"), [(2, 3 * 2 + 2), (1, 3 * 4 + 2)])
def test_two_states_are_read_and_written_one_after_the_other(ports: int, sweep: int) -> None:
    """Three neurons in each of two PEs, one at a time, two timesteps: 12 updates of two words; 2 accumulates."""
    found = on_spike_array(SYNAPTIC, buffers__potentials=buffer(4096, 24, banks=2, ports=ports))
    update = found.work.categories.index("update")
    assert found.work.breakdown[:, update].tolist() == [sweep, sweep]
    assert found.counts["potentials.read"] == found.counts["potentials.write"] == 24 + 2
    for counter, count in (("integrate", 12), ("current_leak", 12), ("leak", 12), ("compare", 12), ("control", 24)):
        assert found.counts[f"neuron.{counter}"] == count
    assert found.counts["sweep.update"] == 24
    assert found.accesses_by_bank["potentials"].sum() == 2 * 26
    assert "neuron.integrate" not in on_spike_array(PLAIN).counts


def test_parameters_of_neurons_are_loaded_once_and_read_by_every_update() -> None:
    """A word each for thresholds of 7 bits: 3 cycles and 6 writes before the first pass; 12 updates read it."""
    plain, found = on_spike_array(PLAIN), on_spike_array(PLACES)
    update = found.work.categories.index("update")
    assert found.work.breakdown[:, update].tolist() == [3 + 3 * 2 + 2, 3 * 2 + 2]
    assert (found.moves.load_bits - plain.moves.load_bits)[:, POTENTIALS].tolist() == [6 * 7, 0]
    more = {name: found.counts[name] - plain.counts[name] for name in found.counts}
    assert {name: count for name, count in more.items() if count} == {
        "potentials.read": 12, "potentials.write": 6, "bank_wire.move": 18, "sweep.update": 12
    }  # fmt: skip


@pytest.mark.parametrize(("shift", "words"), [(10, 2), (11, 3)])
def test_parameters_take_whole_words(shift: int, words: int) -> None:
    """7 bits of a threshold and 11 or 12 of a leak, in words of 9."""
    leaks = np.array([[[1, 4, 5]], [[3, 3, 3]]])
    neuron = Neuron("lif", PLACES.threshold, 8, leak_numerator=leaks, leak_shift=shift)
    found = on_spike_array(neuron, buffers__potentials=buffer(4096, 9, banks=2, ports=2))
    assert found.counts["potentials.read"] == 12 * (1 + words) + 2
    assert found.moves.load_bits[:, POTENTIALS].tolist() == [6 * (7 + shift + 1), 0]


@pytest.mark.parametrize(("neuron", "words", "columns"), [(PLAIN, 3, 3), (SYNAPTIC, 8, 3), (SYNAPTIC, 7, 2)])
def test_states_share_the_room_for_potentials(neuron: Neuron, words: int, columns: int) -> None:
    """Two banks: with two states, half of 8 words has 4, half of 7 has 2, a whole row of banks."""
    chosen = spike_array_machine(buffers__potentials=buffer(words, 24, banks=2, ports=2))
    assert SpikeArrayPlan(chosen, two_channels(neuron)).tiling()["tile_columns"] == columns


def test_what_does_not_fit_is_said_in_words_of_states_and_parameters() -> None:
    chosen = spike_array_machine(buffers__potentials=buffer(3, 24, banks=2, ports=2))
    with pytest.raises(MappingError, match=r"has 4 words of states and parameters \(2 per neuron\) of one .* holds 3"):
        SpikeArrayPlan(chosen, two_channels(SYNAPTIC))


@pytest.mark.parametrize(
    ("width", "current_bits", "reason"),
    [
        (7, 6, "a state of a neuron has 8 bits, .* set it to 8,"),
        (12, 12, "exact sum .* needs 13 bits, .* set it to 13,"),
    ],
)
def test_a_word_holds_the_sums_of_currents_and_the_potentials(width: int, current_bits: int, reason: str) -> None:
    neuron = Neuron("synaptic", 3, 8, current_leak_numerator=1, current_bits=current_bits)
    for more in (0, 1):
        chosen = spike_array_machine(buffers__potentials=buffer(64, width + more, banks=2, ports=2))
        if more:
            SpikeArrayPlan(chosen, two_channels(neuron))
        else:
            with pytest.raises(MappingError, match=reason):
                SpikeArrayPlan(chosen, two_channels(neuron))


def test_a_neuron_with_a_current_is_not_at_rest() -> None:
    """The spike takes both neurons that it reaches over the threshold, and their potentials are 0 again; the currents
    stay."""
    sparse = {"dataflow__update": "sparse"}
    keeps = Neuron("synaptic", 1, 8, current_leak_numerator=1, current_bits=6)
    assert on_spike_array(Neuron("if", 1, 8), **sparse).counts["neuron.compare"] == 2
    assert on_spike_array(keeps, **sparse).counts["neuron.compare"] == 4


def test_two_states_take_two_cycles_of_a_row_stationary_unit() -> None:
    """12 updates in one time group, two neurons at a time; a sum is added to the current, and that to the potential."""
    plain, found = on_row_stationary(PLAIN), on_row_stationary(SYNAPTIC)
    update = found.work.categories.index("update")
    assert (plain.work.breakdown[:, update].sum(), found.work.breakdown[:, update].sum()) == (6 + 2, 12 + 2)
    assert (plain.counts["neuron.add"], found.counts["neuron.add"]) == (12, 24)
    assert (found.counts["neuron.leak"], found.counts["neuron.current_leak"]) == (12, 12)


def test_states_wait_together_and_parameters_come_with_them() -> None:
    """Timestep by timestep, with potentials in DRAM: six neurons of 8 and 6 bits wait once; six thresholds of 7 bits
    come in both timesteps."""
    by_timestep = {"dataflow__time_batching": False, "dataflow__potentials_wait_in": "dram"}
    for neuron, loads, stores in ((PLAIN, 48, 48), (SYNAPTIC, 84, 84), (PLACES, 48 + 84, 48)):
        found = on_row_stationary(neuron, **by_timestep)
        assert found.moves.load_bits[:, POTENTIALS].sum() == loads
        assert found.moves.store_bits[:, POTENTIALS].sum() == stores
        assert found.counts["dram_wire.potentials"] == loads + stores


def test_a_current_wider_than_a_word_of_the_global_buffer_is_refused() -> None:
    neuron = Neuron("synaptic", 3, 8, current_leak_numerator=1, current_bits=25)
    chosen = row_stationary_machine(buffers__global_buffer=buffer(4096, 24, banks=2))
    with pytest.raises(MappingError, match=r"a synaptic current has 25 bits, .* is 24"):
        RowStationaryPlan(chosen, two_channels(neuron))


def test_potentials_are_written_beside_the_sweep() -> None:
    """Six potentials of 8 bits, two to a word of 16: 3 words a timestep. The sweep takes 3 + 2 cycles and the words
    begin with its third, so that none is left; with words of 4 bits there are 12, 9 of them behind the sweep."""
    wide, narrow = on_spike_array(SILENT), on_spike_array(SILENT, buffers__outputs=buffer(4096, 4))
    encode = wide.work.categories.index("encode")
    assert wide.work.breakdown[:, encode].tolist() == [0, 0]
    assert narrow.work.breakdown[:, encode].tolist() == [9, 9]
    assert (wide.counts["outputs.write"], narrow.counts["outputs.write"]) == (6, 24)
    assert wide.moves.store_bits.sum() == narrow.moves.store_bits.sum() == 2 * 48
    assert wide.counts["neuron.compare"] == 0
    assert wide.counts["neuron.control"] == 12


def test_potentials_leave_a_row_stationary_array_as_plain_values() -> None:
    """2 timesteps of 6 potentials of 8 bits, whatever the format of spikes and the least width of an output."""
    for changes in ({}, {"formats__spikes__format": "aer"}, {"dataflow__activation_bits": 5}):
        found = on_row_stationary(SILENT, **changes)
        assert found.moves.store_bits.sum() == 96
        assert found.counts["neuron.compare"] == 0
    assert on_row_stationary(SILENT, dataflow__activation_bits=10).moves.store_bits.sum() == 120


@pytest.mark.parametrize(("bits", "width", "words"), [(8, 16, 3), (8, 8, 5), (9, 8, 10), (5, 16, 2), (24, 16, 10)])
def test_words_of_five_potentials(bits: int, width: int, words: int) -> None:
    assert potential_words(5, bits, width) == words


@pytest.mark.parametrize("name", ["spike_array", "spike_array_edge", "eyeriss_snn", "eyeriss_sparseloop", "mint"])
def test_shipped_arrays_have_all_of_it(name: str) -> None:
    machine = load_machine(name)
    without = override(machine, {"dataflow.neuron_unit.late_reset": False})
    assert all(machine.dataflow.neuron_unit.refusal(neuron) == "" for neuron in NEEDS.values())
    assert without.dataflow.neuron_unit.refusal(LATE) == (
        "its neurons reset in the next timestep, which needs dataflow.neuron_unit.late_reset: true"
    )
