"""Schedules: how work and memory traffic of a network's stages overlap in time, by a policy of the machine."""

from typing import Any

from spikecycle.simulator.registry import Registry
from spikecycle.simulator.schedule.base import (
    Overlap,
    OverlapOptions,
    Schedule,
    Spans,
    StageSchedule,
    add_by_name,
    sum_by_name,
)
from spikecycle.simulator.schedule.dram import DramTiming

OVERLAPS: Registry[Overlap[Any]] = Registry(
    "overlap policy", "spikecycle.simulator.schedule", Overlap, "spikecycle.overlaps"
)

__all__ = [
    "OVERLAPS",
    "DramTiming",
    "Overlap",
    "OverlapOptions",
    "Schedule",
    "Spans",
    "StageSchedule",
    "add_by_name",
    "sum_by_name",
]
