"""Keys of an array's neuron unit: what a layer needs is named, and costs what is worked out by hand here."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from spikecycle.simulator.activity import POTENTIALS, Activity
from spikecycle.simulator.dataflows.layer import LayerSample, LayerTask
from spikecycle.simulator.dataflows.neuron_unit import NeuronUnit, potential_words
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
NEEDS = {"late_reset": LATE, "start_potentials": STARTED, "leaks_per_channel": OWN, "potential_outputs": SILENT}


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


def test_leaks_that_differ_within_a_channel_are_refused_whatever_the_keys() -> None:
    unit = NeuronUnit(**dict.fromkeys(NEEDS, True))
    neuron = Neuron("lif", 3, 8, leak_numerator=np.array([[[1, 2]]]), leak_shift=2)
    assert unit.refusal(neuron).startswith("its neurons have leaks that differ within a channel")
    assert unit.refusal(Neuron("lif", 3, 8, leak_numerator=np.array([[[1]], [[2]]]), leak_shift=2)) == ""


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
