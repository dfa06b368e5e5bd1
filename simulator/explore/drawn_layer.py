"""One layer of a network that is to be drawn: its geometry, and statistics of its own."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from spikecycle.simulator.machine.schema import Section
from spikecycle.traces import LayerShape
from spikecycle.traces.clustered import MOST_CORRELATED
from spikecycle.traces.schema import MAX_NAME_CHARACTERS


def _is_name(name: str) -> str:
    if not name.isprintable():
        raise ValueError("1 to 120 printable characters are needed")
    return name


Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME_CHARACTERS), AfterValidator(_is_name)]
Share = Annotated[float, Field(ge=0, le=1)]
Size = Annotated[int, Field(ge=1, le=2**24)]
WeightBits = Annotated[int, Field(ge=2, le=32)]
Variation = Annotated[float, Field(ge=0)]
Correlation = Annotated[float, Field(ge=0, le=MOST_CORRELATED)]
Pair = Size | Annotated[list[Size], Field(min_length=2, max_length=2)]
Padding = Annotated[int, Field(ge=0)] | Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=2, max_length=4)]


class LayerToDraw(Section):
    """One layer; what it leaves out is as for all."""

    name: Name
    kind: Literal["conv1d", "conv2d", "linear"]
    C: Size
    H: Size = 1
    W: Size = 1
    M: Size
    R: Size = 1
    S: Size = 1
    stride: Pair = 1
    padding: Padding = 0
    dilation: Pair = 1
    groups: Size = 1
    density: Share | None = None
    weight_sparsity: Share | None = None
    weight_bits: WeightBits | None = None
    channel_variation: Variation | None = None
    time_correlation: Correlation | None = None
    space_correlation: Correlation | None = None

    def shape(self) -> LayerShape:
        """The geometry; TraceError where sizes do not fit each other."""
        flat = self.kind == "conv1d"
        stride, padding, dilation = (_pair(value, flat, usual) for value, usual in (
            (self.stride, 1), (self.padding, 0), (self.dilation, 1),
        ))  # fmt: skip
        return LayerShape(
            self.kind, C=self.C, H=self.H, W=self.W, M=self.M, R=self.R, S=self.S,
            stride=stride, padding=padding, dilation=dilation, groups=self.groups,
        )  # fmt: skip


def _pair(value: int | list[int], flat: bool, usual: int) -> Any:
    """A single number is of both directions; of a row alone, of its columns."""
    if isinstance(value, list):
        return tuple(value)
    return (usual, value) if flat else (value, value)
