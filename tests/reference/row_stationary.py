"""The row-stationary array and its choice of a mapping, in plain Python: `row_stationary_array` is the array,
`row_stationary_mapping` the rule that cuts a layer.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from spikecycle.simulator.formats import weight_format
from tests.reference import replay
from tests.reference.expected import Expected, Sample, of_records
from tests.reference.layers import layer_of
from tests.reference.row_stationary_array import Record, RowStationary
from tests.reference.row_stationary_mapping import Chooser

__all__ = ["Record", "RowStationary", "expected"]


def expected(machine: Any, stage: Any, network: Any, sample: Sample) -> Expected:
    """One layer and sample, cut by the rule; the sums that the array ends with are those of the layer."""
    task, inputs, population = layer_of(stage, network, sample)
    chosen = weight_format(machine.formats.weights)
    best = Chooser(machine, task, chosen).choose()
    assert best is not None
    mapping = SimpleNamespace(
        filters_per_pe=best.p, channels_per_pe=best.q, filter_sets=best.filter_sets, channel_sets=best.channel_sets,
        tile_rows=best.h, tile_columns=best.w, folds_per_group=best.G,
        kept=("tile", "group", "pass").index(best.kept), resident=best.resident,
    )  # fmt: skip
    twin = RowStationary(machine, task, mapping, chosen)
    twin.run(inputs, sample[population.output.name])
    assert len(twin.sums) == task.timesteps * task.shape.output_count
    for (t, m, p, q), total in twin.sums.items():
        assert total == replay.gather(task.shape, task.weights, inputs[t], m, p, q)[0]
    return of_records(twin.records, twin.counts)
