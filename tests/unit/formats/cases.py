"""Generated cases for the formats: fibers of few and many zeros, widths, and every combination of levels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from spikecycle.simulator.formats import NAMED_AXES, WeightFormat
from spikecycle.simulator.formats.base import LEVEL_COMBINATIONS
from tests.reference.formats import groups

TITLE = SOURCE = "generated"


@dataclass(frozen=True)
class Fibers:
    """A set of fibers, as lists and as the arrays that kernels take, whose values fit in `value_bits` bits.

    segment_lists: of each fiber, the positions after which groups begin anew.
    """

    lists: list[list[int]]
    value_bits: int
    segment_lists: list[int]

    @property
    def values(self) -> npt.NDArray[np.int32]:
        return np.array([value for fiber in self.lists for value in fiber], dtype=np.int32)

    @property
    def starts(self) -> npt.NDArray[np.int64]:
        return np.cumsum([0, *(len(fiber) for fiber in self.lists)], dtype=np.int64)

    @property
    def segments(self) -> npt.NDArray[np.int64]:
        return np.array(self.segment_lists, dtype=np.int64)


def fiber_lists(value_bits: int, longest: int) -> st.SearchStrategy[list[int]]:
    """Fibers with no, few, many or only zeros; runs of zeros longer than short counters are common."""
    code = st.integers(-(2 ** (value_bits - 1)), 2 ** (value_bits - 1) - 1)
    run = st.integers(0, 20).map(lambda zeros: [0] * zeros)
    pieces = st.lists(st.one_of(code.map(lambda value: [value]), run), max_size=12)
    return pieces.map(lambda parts: [value for part in parts for value in part][:longest])


def storable(fibers: list[list[int]], weight_format: WeightFormat, segments: list[int]) -> list[list[int]]:
    """The fibers, changed where the format does not accept them: fewer values, smaller ones, or more zeros."""
    if weight_format.codes == "trits":
        fibers = [[max(-1, min(1, value)) for value in fiber] for fiber in fibers]
    if weight_format.codes == "codebook":
        different = sorted({value for fiber in fibers for value in fiber if value != 0})
        held = different[: 2**weight_format.index_bits - 1]
        fibers = [[value if value in held else 0 for value in fiber] for fiber in fibers]
    if weight_format.positions == "group_index":
        fibers = [list(fiber) for fiber in fibers]
        for fiber, segment in zip(fibers, segments, strict=True):
            for group in groups(len(fiber), segment, weight_format.group):
                for position in [i for i in group if fiber[i] != 0][weight_format.kept :]:
                    fiber[position] = 0
    return fibers


@st.composite
def fibers(draw: st.DrawFn, weight_format: WeightFormat, most: int = 6, longest: int = 40) -> Fibers:
    """Up to `most` fibers of up to `longest` positions that the format accepts."""
    value_bits = draw(st.integers(1, 10))
    lists = draw(st.lists(fiber_lists(value_bits, longest), max_size=most))
    segments = [draw(st.integers(1, max(1, len(fiber)))) for fiber in lists]
    return Fibers(storable(lists, weight_format, segments), value_bits, segments)


@st.composite
def weight_formats(draw: st.DrawFn) -> WeightFormat:
    """Any combination of levels that can be decoded, registered or not."""
    located, positions, values = draw(st.sampled_from(sorted(LEVEL_COMBINATIONS)))
    codes = draw(st.sampled_from(["plain", "plain", "codebook", *(["trits"] * 2 if positions == "implicit" else [])]))
    group = draw(st.integers(1, 9)) if positions == "group_index" else 0
    return WeightFormat(
        name="generated",
        title=TITLE,
        source=SOURCE,
        located=located,
        positions=positions,
        values=values,
        offset_pairs=located == "offsets" and draw(st.booleans()),
        run_bits=draw(st.integers(1, 5)) if positions == "run" else 0,
        codes=codes,
        code_word_bits=draw(st.sampled_from([0, 0, 16, 17, 33, 64])) if positions == "run" else 0,
        index_bits=draw(st.integers(1, 5)) if codes == "codebook" else 0,
        kept=draw(st.integers(1, group)) if group else 0,
        group=group,
        group_axis=draw(st.sampled_from(sorted(NAMED_AXES))) if group else None,
    )


@st.composite
def formats_and_fibers(draw: st.DrawFn, most: int = 6, longest: int = 40) -> tuple[WeightFormat, Fibers]:
    """A format and fibers that it accepts."""
    weight_format = draw(weight_formats())
    return weight_format, draw(fibers(weight_format, most, longest))
