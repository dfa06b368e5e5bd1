"""What a network on cores takes of the computer's memory at most, from sizes alone."""

from __future__ import annotations

from collections.abc import Mapping
from math import gcd

from spikecycle.simulator import activity
from spikecycle.simulator.dataflows.cores.chip_steps import ChipNetwork
from spikecycle.simulator.dataflows.cores.fan_out import ENTRIES_AT_ONCE, ENTRY_BYTES, KEPT_ENTRIES
from spikecycle.simulator.dataflows.cores.placement import CoreRanks, Placement
from spikecycle.simulator.dataflows.cores.through_synapse import most_reached
from spikecycle.simulator.dataflows.stage import Stage
from spikecycle.simulator.memory import Need
from spikecycle.traces import Synapse

WORKED_OUT = 3  # copies of entries while they are worked out: as found, trimmed, merged
KEPT_ROW_BYTES = 16  # of a core in a timestep: narrow numbers of it, and spikes that leave
ROW_BYTES = 320  # of a core in a timestep while it is a row of work: cycles by category, and what a schedule needs
CUT_BYTES = 4  # of a weight that is not 0: how many there are up to it
OPERATION_BYTES = 5  # of a weight
CORE_BYTES = 200  # of a core, whatever it does: its neurons, its name, its part of a result


def entry_needs(chip: ChipNetwork, ranks: Mapping[str, CoreRanks], skips_zeros: bool) -> tuple[Need, ...]:
    """What it takes to know whom spikes reach; see `fan_out`. skips_zeros: whether weights of 0 may be no synapses."""
    entries, largest, counted = 0, 0, 0
    for population in chip.populations:
        there = ranks[population.output.name]
        for spikes in chip.inputs[population.name]:
            if spikes.synapse is None:
                entries += there.neurons
                continue
            shape, most = spikes.synapse.shape, most_reached(spikes.synapse.shape, there)
            entries += shape.C * shape.H * shape.W * most
            largest = max(largest, most)
            counted += _cut_bytes(spikes.synapse, there) if skips_zeros else 0
    together = min(entries, max(ENTRIES_AT_ONCE, largest))
    kept = min(entries, KEPT_ENTRIES)
    return (
        Need(2 * ENTRY_BYTES * kept, f"{kept} entries of fan-outs (neurons x cores that each reaches)"),
        Need(WORKED_OUT * ENTRY_BYTES * together, f"{together} entries of fan-outs at a time", is_kept=False),
        Need(counted, "where the weights that are not 0 are, by core"),
    )


def operations_need(stage: Stage) -> Need:
    """Weights as they are to count synaptic operations: int32, and which are not 0."""
    weights = sum(synapse.shape.M * synapse.shape.fan_in for synapse in stage.synapses())
    return Need(OPERATION_BYTES * weights, f"{weights} weights whose operations are counted", is_kept=False)


def row_needs(steps: int, placement: Placement) -> tuple[Need, ...]:
    """What cores do in every timestep of the chip."""
    rows = steps * (1 + placement.cores)
    what = f"{rows} rows of work (timesteps of the chip x cores)"
    at_once = min(rows, max(activity.ROWS_AT_ONCE, 1 + placement.cores))
    return (
        Need(KEPT_ROW_BYTES * rows, what),
        Need(ROW_BYTES * at_once, what, is_kept=False),
        Need(ROW_BYTES * rows, what, is_of_timeline=True),
        Need(CORE_BYTES * placement.cores, f"{placement.cores} cores"),
    )


def _cut_bytes(synapse: Synapse, ranks: CoreRanks) -> int:
    """Of the counts of a synapse's weights; see `fan_out.ChannelRuns`."""
    shape = synapse.shape
    inside = shape.M
    if ranks.channel_rank == 1:
        inside = min(ranks.cores, shape.M // gcd(shape.M, ranks.per_core))
    cuts = min(shape.M, inside + shape.groups) + 1
    return CUT_BYTES * shape.fan_in * (cuts + 2)
