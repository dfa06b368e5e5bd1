"""Validation: what this package computes beside what others published or measured, row by row.

A check is one module of `checks`; it makes rows from tables that are shipped (`tables/*.csv`) or from data files of
others that are not (`--data FOLDER`). A new check is a new module there, nothing else:

    CHECKS.register("my_source", Check("my_source", "one line", ("mint",), needs=("their_spikes.npz",), rows=rows))

Accepted differences are numbered in `tests/validation/DEVIATIONS.md`; a row that has one names it in its note.
"""

from __future__ import annotations

from spikecycle.simulator.registry import Registry
from spikecycle.simulator.validation.row import Check, Report, Row, Skipped

CHECKS: Registry[Check] = Registry("check", "spikecycle.simulator.validation.checks", Check)

__all__ = ["CHECKS", "Check", "Report", "Row", "Skipped"]
