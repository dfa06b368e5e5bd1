"""Types of NumPy arrays, for signatures: the only place of the package `traces` that defines any."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
"""Any dtype: checked where values come in."""
Integers = npt.NDArray[Any]
"""Whole numbers of any dtype."""
UInt8 = npt.NDArray[np.uint8]
UInt16 = npt.NDArray[np.uint16]
Int8 = npt.NDArray[np.int8]
Int16 = npt.NDArray[np.int16]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
WeightCodes = Int8 | Int16 | Int32
"""Weight codes in the smallest type that holds them."""
Float64 = npt.NDArray[np.float64]
