"""A mapped layer as one bundle that kernels take."""

from __future__ import annotations

from typing import NamedTuple

from spikecycle.simulator.array_types import Int64
from spikecycle.simulator.dataflows.row_stationary.records import RowBits
from spikecycle.simulator.dataflows.row_stationary.specs import Array, ArrayMapping, Layer, Storage
from spikecycle.simulator.dataflows.row_stationary.tables import WeightTables, Widths


class Mapped(NamedTuple):
    """Everything about a layer on an array that does not depend on the sample.

    served: int64 (F, J, R, C' * S), `totals.served_weights` with the taps of an array row side by side; 0 where inputs
    are skipped and the row is not delivered.
    """

    layer: Layer
    array: Array
    storage: Storage
    mapping: ArrayMapping
    widths: Widths
    tables: WeightTables
    input_row: RowBits
    output_row: RowBits
    served: Int64
