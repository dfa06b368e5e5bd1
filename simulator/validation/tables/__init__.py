"""Figures of others, shipped as small tables: CSV files whose first lines, after `#`, say what they are and whose."""

from __future__ import annotations

import csv
from importlib import resources
from pathlib import Path


def read_table(name: str) -> list[dict[str, str]]:
    """Rows of the shipped table `name` (without .csv), by column."""
    text = (Path(str(resources.files(__name__))) / f"{name}.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))
