"""Sparse formats: what weights and spikes take in memory, how they are encoded, and how fast they are decoded.

A weight format is data, a combination of levels (`WeightFormat`); a new combination is one entry in `weights.py`. A
new kind of level is a code in `levels.py` and a branch in `sizes.py`, `codec.py` and `schedule.py` each.
"""

from spikecycle.simulator.formats.base import WEIGHT_FORMATS, WeightFormat
from spikecycle.simulator.formats.choice import spike_format, weight_format
from spikecycle.simulator.formats.codec import EncodedFibers, decode, encode
from spikecycle.simulator.formats.levels import FormatSpec, Located, Positions, Values
from spikecycle.simulator.formats.schedule import decode_schedule
from spikecycle.simulator.formats.sizes import FiberSizes, directory_entry_bits, measure, measure_fibers
from spikecycle.simulator.formats.spikes import (
    SPIKE_FORMATS,
    EncodedSpikes,
    SpikeFormat,
    SpikeLayout,
    decode_spikes,
    encode_spikes,
)

__all__ = [
    "SPIKE_FORMATS",
    "WEIGHT_FORMATS",
    "EncodedFibers",
    "EncodedSpikes",
    "FiberSizes",
    "FormatSpec",
    "Located",
    "Positions",
    "SpikeFormat",
    "SpikeLayout",
    "Values",
    "WeightFormat",
    "decode",
    "decode_schedule",
    "decode_spikes",
    "directory_entry_bits",
    "encode",
    "encode_spikes",
    "measure",
    "measure_fibers",
    "spike_format",
    "weight_format",
]
