"""Sparse formats: what weights and spikes take in memory, how they are encoded, and how fast they are decoded.

A weight format is data, a combination of levels (`WeightFormat`); a new combination is one entry in `weights.py`. A
new kind of level is a code in `levels.py` and a branch in `sizes.py`, `codec.py` and `schedule.py` each, and a rate in
`decoder.py`. `axes` says along which dimensions of the weights a fiber runs. Spike formats store a timestep (`spikes`)
or a window of timesteps (`windows`).
"""

from spikecycle.simulator.formats.axes import FIBER_AXES, NAMED_AXES, UNKNOWN_AXES, FiberAxes
from spikecycle.simulator.formats.base import WEIGHT_FORMATS, WeightFormat
from spikecycle.simulator.formats.choice import (
    OperatorCost,
    candidates,
    check_operators,
    check_weight_format,
    pick,
    spike_format,
    weight_format,
    with_picked,
)
from spikecycle.simulator.formats.codec import EncodedFibers, decode, encode
from spikecycle.simulator.formats.decoder import RATE_KEYS, missing_rate, needed_kinds, slots_per_step
from spikecycle.simulator.formats.levels import Codes, FormatSpec, Located, Positions, Values
from spikecycle.simulator.formats.schedule import decode_schedule, goes_by
from spikecycle.simulator.formats.sizes import FiberSizes, directory_entry_bits, measure, measure_fibers
from spikecycle.simulator.formats.spikes import (
    SPIKE_FORMATS,
    EncodedSpikes,
    SpikeFormat,
    SpikeLayout,
    count_entries,
    decode_spikes,
    encode_spikes,
    silent_entries,
)
from spikecycle.simulator.formats.windows import (
    EncodedRows,
    RowSizes,
    WindowLayout,
    decode_rows,
    encode_rows,
    measure_rows,
    window_layout,
)

__all__ = [
    "FIBER_AXES",
    "NAMED_AXES",
    "RATE_KEYS",
    "SPIKE_FORMATS",
    "UNKNOWN_AXES",
    "WEIGHT_FORMATS",
    "Codes",
    "EncodedFibers",
    "EncodedRows",
    "EncodedSpikes",
    "FiberAxes",
    "FiberSizes",
    "FormatSpec",
    "Located",
    "OperatorCost",
    "Positions",
    "RowSizes",
    "SpikeFormat",
    "SpikeLayout",
    "Values",
    "WeightFormat",
    "WindowLayout",
    "candidates",
    "check_operators",
    "check_weight_format",
    "count_entries",
    "decode",
    "decode_rows",
    "decode_schedule",
    "decode_spikes",
    "directory_entry_bits",
    "encode",
    "encode_rows",
    "encode_spikes",
    "goes_by",
    "measure",
    "measure_fibers",
    "measure_rows",
    "missing_rate",
    "needed_kinds",
    "pick",
    "silent_entries",
    "slots_per_step",
    "spike_format",
    "weight_format",
    "window_layout",
    "with_picked",
]
