"""Sparse formats: what weights and spikes take in memory, how they are encoded, and how fast they are decoded."""

from simulator.formats.base import WEIGHT_FORMATS, WeightFormat
from simulator.formats.levels import FormatSpec, Located, Positions, Values
from simulator.formats.measure import FiberSizes, directory_entry_bits, measure, measure_fibers
from simulator.formats.schedule import decode_schedule

__all__ = [
    "WEIGHT_FORMATS",
    "FiberSizes",
    "FormatSpec",
    "Located",
    "Positions",
    "Values",
    "WeightFormat",
    "decode_schedule",
    "directory_entry_bits",
    "measure",
    "measure_fibers",
]
