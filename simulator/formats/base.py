"""The definition of a weight format, as data: a combination of known levels is one more `WeightFormat`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from spikecycle.simulator.array_types import Int64, WeightCodes
from spikecycle.simulator.errors import UsageError
from spikecycle.simulator.formats.axes import NAMED_AXES, UNKNOWN_AXES, FiberAxes
from spikecycle.simulator.formats.groups import first_full_group
from spikecycle.simulator.formats.levels import Codes, FormatSpec, Located, Positions, Values
from spikecycle.simulator.registry import Registry

LEVEL_COMBINATIONS = frozenset(
    {
        ("fixed", "implicit", "in_place"),
        ("fixed", "mask", "in_place"),
        ("fixed", "group_index", "packed"),
        ("offsets", "implicit", "in_place"),
        ("offsets", "mask", "in_place"),
        ("offsets", "mask", "packed"),
        ("offsets", "coordinate", "packed"),
        ("offsets", "run", "packed"),
    }
)
"""(located, positions, values) that can be decoded: packed values need explicit positions and a size of their own, or
groups that all store as many."""

Axis = Literal["output_channel", "input_channel", "kernel", "fan_in"]


@dataclass(frozen=True)
class WeightFormat:
    """How the weight codes of a fiber (the weights that are stored and fetched together) lie in memory.

    name: as machine files call it. title: the field's term. source: where it is described.
    located, positions, values, codes: the levels; see `Located`, `Positions`, `Values` and `Codes`.
    offset_pairs: whether the format counts an offset per fiber (and one more) as metadata of its own, as the
        upper rank of CSR does; the directory that a machine keeps of its fibers is not counted here.
    run_bits: bits of a run of zeros; 0 unless positions are runs.
    code_word_bits: bits of the words that entries with runs are packed in, whole entries to a word, the last bit of a
        word telling whether it is the fiber's last; 0 if entries just follow each other.
    index_bits: bits of an index into the codebook; 0 without one.
    kept, group, group_axis: of every `group` neighbouring weights along that axis, `kept` are stored; 0, 0 and None
        unless positions are indices in groups.
    settings: those of the fields above that a machine file may set, besides the name.
    """

    name: str
    title: str
    source: str
    located: Literal["fixed", "offsets"]
    positions: Literal["implicit", "mask", "coordinate", "run", "group_index"]
    values: Literal["in_place", "packed"]
    offset_pairs: bool = False
    run_bits: int = 0
    codes: Literal["plain", "codebook", "trits"] = "plain"
    code_word_bits: int = 0
    index_bits: int = 0
    kept: int = 0
    group: int = 0
    group_axis: Axis | None = None
    settings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for problem in self._problems():
            raise ValueError(f"format {self.name!r}: {problem}")

    def _problems(self) -> Iterator[str]:
        if (self.located, self.positions, self.values) not in LEVEL_COMBINATIONS:
            yield f"nothing can decode {self.located}/{self.positions}/{self.values}"
        if self.offset_pairs and self.located == "fixed":
            yield "fibers of fixed size need no offsets"
        if (self.run_bits > 0) != (self.positions == "run"):
            yield "run_bits go with positions 'run', and only with them"
        if self.code_word_bits > 0 and self.positions != "run":
            yield "code_word_bits go with positions 'run'"
        if (self.index_bits > 0) != (self.codes == "codebook"):
            yield "index_bits go with codes 'codebook', and only with them"
        if self.codes == "trits" and (self.positions, self.values) != ("implicit", "in_place"):
            yield "trits are packed in place, their positions implicit"
        if self.positions == "group_index":
            if not 0 < self.kept <= self.group:
                yield f"a group keeps 1 to {self.group} of its {self.group} weights, found {self.kept}"
            if self.group_axis not in NAMED_AXES:
                yield f"group_axis must be one of {', '.join(NAMED_AXES)}, found {self.group_axis!r}"
        elif self.kept or self.group or self.group_axis:
            yield "kept, group and group_axis go with positions 'group_index'"

    def spec(self, value_bits: int) -> FormatSpec:
        """This format for weights of `value_bits` bits, as kernels take it.

        Raises UsageError for weights of which not even one fits in a code word.
        """
        stored_bits = self.index_bits if self.codes == "codebook" else int(value_bits)
        if self.code_word_bits and self.run_bits + stored_bits >= self.code_word_bits:
            raise UsageError(
                f"weight format {self.name!r}: a run of {self.run_bits} bits, a weight of {stored_bits} bits and the "
                f"end bit do not fit in a word of {self.code_word_bits} bits"
            )
        return FormatSpec(
            located=int(Located[self.located.upper()]),
            positions=int(Positions[self.positions.upper()]),
            values=int(Values[self.values.upper()]),
            value_bits=stored_bits,
            run_bits=self.run_bits,
            codes=int(Codes[self.codes.upper()]),
            code_word_bits=self.code_word_bits,
            kept=self.kept,
            group=self.group,
        )

    def table_bits(self, value_bits: int) -> int:
        """Bits of the codebook, one table a layer: an entry of `value_bits` bits for every index; 0 without one."""
        return value_bits << self.index_bits if self.codes == "codebook" else 0

    def refused_axes(self, axes: FiberAxes) -> str | None:
        """Why fibers along these axes cannot be stored, whatever their values are, or None if they can."""
        if self.group_axis is None or not axes.dimensions or axes.storage_order(self.group_axis) is not None:
            return None
        return (
            f"its groups of {self.group} weights lie along {self.group_axis}, the machine's fibers run along {axes}"
            + ("" if axes.reorderable else ", the last one fastest")
        )

    def accepts(
        self, values: WeightCodes, starts: Int64, axes: FiberAxes = UNKNOWN_AXES, segments: Int64 | None = None
    ) -> str | None:
        """Why fibers cannot be stored in this format, in words that follow its name, or None if they can.

        values: codes (total,), in the order in which they are stored (`FiberAxes.storage_order`); starts: int64
        (F + 1,). axes: along which the fibers run. segments: int64 (F,), see `spikecycle.simulator.formats.groups`.
        """
        refused = self.refused_axes(axes)
        if refused is not None:
            return refused
        if self.codes == "trits":
            wrong = np.flatnonzero((values < -1) | (values > 1))
            if len(wrong):
                return f"value {values[wrong[0]]} is no trit (-1, 0 or 1)"
        if self.codes == "codebook":
            different = len(np.unique(values[values != 0])) + 1
            if different > 1 << self.index_bits:
                return (
                    f"{different} different values, zero counted, are more than the codebook's {1 << self.index_bits}"
                )
        if self.positions == "group_index":
            lengths = np.diff(starts) if segments is None else segments
            fiber, first, last, non_zeros = first_full_group(values, starts, lengths, self.kept, self.group)
            if fiber >= 0:
                apart = f" (neighbours are {axes.step} apart in the layer)" if axes.step > 1 else ""
                return (
                    f"not {self.kept}:{self.group} along {self.group_axis}{apart}: fiber {fiber} has {non_zeros} "
                    f"non-zero values in weights {first}..{last}"
                )
        return None


WEIGHT_FORMATS: Registry[WeightFormat] = Registry(
    "weight format", "spikecycle.simulator.formats", WeightFormat, "spikecycle.weight_formats"
)
