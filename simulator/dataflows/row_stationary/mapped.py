"""A mapped layer as one bundle that kernels take."""

from __future__ import annotations

from typing import NamedTuple

from spikecycle.simulator.array_types import Int64
from spikecycle.simulator.dataflows.row_stationary.records import RowBits
from spikecycle.simulator.dataflows.row_stationary.specs import ArrayMapping, ArraySpec, LayerSpec, Storage
from spikecycle.simulator.dataflows.row_stationary.tables import WeightTables, Widths


class Mapped(NamedTuple):
    """Everything about a layer on an array that does not depend on the sample.

    applied_weights: int64 (F, J, R, C' * S), `weights_applied` with the taps of an array row side by side; 0 where
    inputs are skipped and the row is not delivered.
    """

    layer: LayerSpec
    array: ArraySpec
    storage: Storage
    mapping: ArrayMapping
    widths: Widths
    tables: WeightTables
    input_row: RowBits
    output_row: RowBits
    applied_weights: Int64
