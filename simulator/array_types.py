"""Types of NumPy arrays, by dtype, for signatures: the only place of the simulator that defines any."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from spikecycle.traces.frames import ComputedFrames
from spikecycle.traces.packing import PackedSpikes

UInt8 = npt.NDArray[np.uint8]
UInt16 = npt.NDArray[np.uint16]
UInt32 = npt.NDArray[np.uint32]
UInt64 = npt.NDArray[np.uint64]
Int8 = npt.NDArray[np.int8]
Int16 = npt.NDArray[np.int16]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.integer[Any]]
"""Any integer dtype."""
Unsigned = npt.NDArray[np.unsignedinteger[Any]]
"""Any unsigned integer dtype."""
Inputs = UInt8 | UInt16
"""Values of a tensor at the inputs of an operator: spikes, counts or unsigned activations."""
Frames = Integers | PackedSpikes | ComputedFrames
"""Values (T, C, H, W) of a tensor, timestep by timestep: an array, binary spikes packed as they are recorded, or values
that are computed anew whenever somebody goes through them; see `spikecycle.traces.frames`."""
WeightCodes = Int8 | Int16 | Int32
"""Weight codes in the smallest type that holds them."""
