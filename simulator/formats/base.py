"""What a weight format is: data. Adding a combination of the known levels is one more `WeightFormat`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from spikecycle.simulator.formats.levels import FormatSpec, Located, Positions, Values
from spikecycle.simulator.registry import Registry

LEVEL_COMBINATIONS = frozenset(
    {
        ("fixed", "implicit", "in_place"),
        ("fixed", "mask", "in_place"),
        ("offsets", "implicit", "in_place"),
        ("offsets", "mask", "in_place"),
        ("offsets", "mask", "packed"),
        ("offsets", "coordinate", "packed"),
        ("offsets", "run", "packed"),
    }
)
"""(located, positions, values) that can be decoded: packed values need explicit positions and a size of their own."""


@dataclass(frozen=True)
class WeightFormat:
    """How the weight codes of a fiber (the weights that are stored and fetched together) lie in memory.

    name: as machine files call it. title: the field's term. source: where it is described.
    located, positions, values: the levels; see `Located`, `Positions` and `Values`.
    offset_pairs: whether the format counts an offset per fiber (and one more) as metadata of its own, as the
        upper rank of CSR does; the directory that a machine keeps of its fibers is not counted here.
    run_bits: bits of a run of zeros; 0 unless positions are runs.
    """

    name: str
    title: str
    source: str
    located: Literal["fixed", "offsets"]
    positions: Literal["implicit", "mask", "coordinate", "run"]
    values: Literal["in_place", "packed"]
    offset_pairs: bool = False
    run_bits: int = 0

    def __post_init__(self) -> None:
        if (self.located, self.positions, self.values) not in LEVEL_COMBINATIONS:
            raise ValueError(f"format {self.name!r}: nothing can decode {self.located}/{self.positions}/{self.values}")
        if self.offset_pairs and self.located == "fixed":
            raise ValueError(f"format {self.name!r}: fibers of fixed size need no offsets")
        if (self.run_bits > 0) != (self.positions == "run"):
            raise ValueError(f"format {self.name!r}: run_bits go with positions 'run', and only with them")

    def spec(self, value_bits: int) -> FormatSpec:
        """This format for weights of `value_bits` bits, as kernels take it."""
        return FormatSpec(
            located=int(Located[self.located.upper()]),
            positions=int(Positions[self.positions.upper()]),
            values=int(Values[self.values.upper()]),
            value_bits=int(value_bits),
            run_bits=self.run_bits,
        )


WEIGHT_FORMATS: Registry[WeightFormat] = Registry("weight format", "spikecycle.simulator.formats")
