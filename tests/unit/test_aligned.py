"""Arrays that begin where a cache line begins."""

from __future__ import annotations

import numpy as np
import pytest

from spikecycle.simulator.aligned import LINE_BYTES, aligned_zeros


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int64])
@pytest.mark.parametrize("shape", [(0,), (3,), (5, 7), (2, 3, 64)])
def test_arrays_begin_with_a_cache_line(shape: tuple[int, ...], dtype: type) -> None:
    for _ in range(5):
        array = aligned_zeros(shape, dtype)
        assert (array.shape, array.dtype) == (shape, dtype)
        assert array.size == 0 or array.ctypes.data % LINE_BYTES == 0
        assert not array.any()
        assert array.flags.c_contiguous
        assert array.flags.writeable
