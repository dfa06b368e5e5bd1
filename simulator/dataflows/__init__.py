"""Dataflows: one module or folder for each way of mapping a layer on an array; found by scanning this package."""

from simulator.dataflows.base import Dataflow
from simulator.registry import Registry

DATAFLOWS: Registry[Dataflow] = Registry("dataflow", "simulator.dataflows")

__all__ = ["DATAFLOWS", "Dataflow"]
