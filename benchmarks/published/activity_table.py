"""activity.csv: input densities that `published_activity.py` measured, by data and network."""

from __future__ import annotations

import csv
from pathlib import Path

from spikecycle.simulator.validation.weight_compression.workload import ROWS

ACTIVITY = Path(__file__).parent / "activity.csv"
FULL_SIZE = "128 pixels"
"""What activity.csv calls a measurement without a network, on frames of the study's size."""


def read_activity(data: str, network: str, path: Path = ACTIVITY) -> dict[str, float]:
    """Densities that `published_activity.py` measured on that data with that network, by row.

    Conv1 is that of the study's 128 x 128 pixels where it was measured. ValueError where a row is missing.
    """
    with path.open(newline="", encoding="utf-8") as file:
        lines = [line for line in csv.DictReader(file) if line["data"] == data]
    found = {line["layer"]: float(line["input_density"]) for line in lines if line["network"] == network}
    found |= {line["layer"]: float(line["input_density"]) for line in lines if line["network"] == FULL_SIZE}
    if set(found) != {row.name for row in ROWS}:
        raise ValueError(f"{path}: rows of {data}, {network} are missing")
    return found
