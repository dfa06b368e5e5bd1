"""How well the SRAM model predicts SRAMs that it has not seen: rows of another table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spikecycle.simulator.array_types import Float64
from spikecycle.simulator.energy.sram import SramModel
from spikecycle.simulator.energy.sram_table import QUANTITIES, SramTable


@dataclass(frozen=True)
class ErrorSummary:
    """Size of a relative error over many predictions, percent."""

    quantity: str
    rows: int
    median_percent: float
    p90_percent: float
    max_percent: float


def prediction_errors(model: SramModel, table: SramTable) -> Float64:
    """Relative errors (n, 6) of the model's estimates of the rows of `table`: estimate / row - 1."""
    coordinates = np.exp2(table.points)
    estimates = [
        model.estimate(float(node_nm), float(size_kib), round(width_bits), round(banks))
        for node_nm, size_kib, width_bits, banks in coordinates
    ]
    predicted = np.array([[getattr(estimate, quantity) for quantity in QUANTITIES] for estimate in estimates])
    return np.asarray(predicted / np.exp(table.values) - 1)


def summarize(errors: Float64) -> tuple[ErrorSummary, ...]:
    """Median, 90th percentile and largest absolute error of each quantity."""
    size = 100 * np.abs(errors)
    return tuple(
        ErrorSummary(
            quantity,
            len(size),
            float(np.median(size[:, column])),
            float(np.percentile(size[:, column], 90)),
            float(size[:, column].max()),
        )
        for column, quantity in enumerate(QUANTITIES)
    )
