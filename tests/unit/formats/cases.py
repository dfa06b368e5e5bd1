"""Generated cases for the formats: fibers of few and many zeros, widths, and every combination of levels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from spikecycle.simulator.formats import WeightFormat
from spikecycle.simulator.formats.base import LEVEL_COMBINATIONS

TITLE = SOURCE = "generated"


@dataclass(frozen=True)
class Fibers:
    """A set of fibers, as lists and as the arrays that kernels take, whose values fit in `value_bits` bits."""

    lists: list[list[int]]
    value_bits: int

    @property
    def values(self) -> npt.NDArray[np.int32]:
        return np.array([value for fiber in self.lists for value in fiber], dtype=np.int32)

    @property
    def starts(self) -> npt.NDArray[np.int64]:
        return np.cumsum([0, *(len(fiber) for fiber in self.lists)], dtype=np.int64)


def fiber_lists(value_bits: int, longest: int) -> st.SearchStrategy[list[int]]:
    """Fibers with no, few, many or only zeros; runs of zeros longer than short counters are common."""
    code = st.integers(-(2 ** (value_bits - 1)), 2 ** (value_bits - 1) - 1)
    run = st.integers(0, 20).map(lambda zeros: [0] * zeros)
    pieces = st.lists(st.one_of(code.map(lambda value: [value]), run), max_size=12)
    return pieces.map(lambda parts: [value for part in parts for value in part][:longest])


@st.composite
def fibers(draw: st.DrawFn, most: int = 6, longest: int = 40) -> Fibers:
    """Up to `most` fibers of up to `longest` positions."""
    value_bits = draw(st.integers(1, 10))
    return Fibers(draw(st.lists(fiber_lists(value_bits, longest), max_size=most)), value_bits)


@st.composite
def weight_formats(draw: st.DrawFn) -> WeightFormat:
    """Any combination of levels that can be decoded, registered or not."""
    located, positions, values = draw(st.sampled_from(sorted(LEVEL_COMBINATIONS)))
    return WeightFormat(
        name="generated",
        title=TITLE,
        source=SOURCE,
        located=located,
        positions=positions,
        values=values,
        offset_pairs=located == "offsets" and draw(st.booleans()),
        run_bits=draw(st.integers(1, 5)) if positions == "run" else 0,
    )
