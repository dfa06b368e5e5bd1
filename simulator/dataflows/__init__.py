"""Dataflows: one module or folder for each way of mapping a layer on an array; found by scanning this package."""

from spikecycle.simulator.dataflows.base import Dataflow
from spikecycle.simulator.registry import Registry

DATAFLOWS: Registry[Dataflow] = Registry("dataflow", "spikecycle.simulator.dataflows", Dataflow, "spikecycle.dataflows")

__all__ = ["DATAFLOWS", "Dataflow"]
