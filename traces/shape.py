"""The geometry of a synaptic operator, in the field's usual letters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from spikecycle.traces.checks import check_choice, check_integer
from spikecycle.traces.errors import TraceError, one_line
from spikecycle.traces.schema import MAX_DIMENSION

SynapseKind = Literal["conv1d", "conv2d", "linear"]


@dataclass(frozen=True)
class LayerShape:
    """Shape of one layer: a convolution on maps, or a linear layer written as a 1x1 convolution on a 1x1 map.

    C, H, W are input channels, height and width; M output channels; R, S kernel height and width; `stride` and
    `dilation` (steps between kernel taps) are (vertical, horizontal); `padding`, zeros around the map, is given as
    (vertical, horizontal) or as (top, bottom, left, right), and kept as the latter; channels are split into `groups`
    that do not mix. Output (p, q) and tap (r, s) meet in input

        h = p * stride[0] + r * dilation[0] - padding_top        w = q * stride[1] + s * dilation[1] - padding_left

    Because a 1-D convolution is the special case H = R = 1, and a linear layer H = W = R = S = 1, nothing downstream
    needs to ask which operator it has. TraceError on sizes that are no integers, out of range, or do not fit
    each other.
    """

    operator: SynapseKind
    C: int
    H: int
    W: int
    M: int
    R: int
    S: int
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] | tuple[int, int, int, int] = (0, 0)
    groups: int = 1
    dilation: tuple[int, int] = (1, 1)

    def __post_init__(self) -> None:
        check_choice("operator", self.operator, get_args(SynapseKind))
        for name in ("C", "H", "W", "M", "R", "S", "groups"):
            object.__setattr__(self, name, check_integer(name, getattr(self, name), 1, MAX_DIMENSION))
        object.__setattr__(self, "stride", check_pair("stride", self.stride, lowest=1))
        object.__setattr__(self, "dilation", check_pair("dilation", self.dilation, lowest=1))
        object.__setattr__(self, "padding", check_padding(self.padding))
        if self.C % self.groups or self.M % self.groups:
            raise TraceError(f"groups ({self.groups}) must divide C ({self.C}) and M ({self.M})")
        if self.P < 1 or self.Q < 1:
            dilated = "" if self.dilation == (1, 1) else f" with dilation {self.dilation}"
            raise TraceError(
                f"a {self.R}x{self.S} kernel{dilated} does not fit a {self.H}x{self.W} map "
                f"with padding {self.short_padding}"
            )
        self._check_kind()

    def _check_kind(self) -> None:
        vertical = (self.H, self.R, self.stride[0], self.dilation[0]) == (1,) * 4 and self.sides[:2] == (0, 0)
        horizontal = (self.W, self.S, self.stride[1], self.dilation[1]) == (1,) * 4 and self.sides[2:] == (0, 0)
        if self.operator == "linear" and not (vertical and horizontal and self.groups == 1):
            raise TraceError("a linear layer has H = W = R = S = groups = 1, stride (1, 1) and padding (0, 0)")
        if self.operator == "conv1d" and not vertical:
            raise TraceError("a conv1d layer has H = R = 1, vertical stride and dilation 1 and no vertical padding")

    @classmethod
    def linear(cls, inputs: int, outputs: int) -> LayerShape:
        """Shape of a fully connected layer."""
        return cls("linear", C=inputs, H=1, W=1, M=outputs, R=1, S=1)

    @property
    def sides(self) -> tuple[int, int, int, int]:
        """The padding: rows of zeros above and below the map, columns at its left and right."""
        top, bottom, left, right = self.padding  # type: ignore[misc]  # a pair was made four by __post_init__
        return (top, bottom, left, right)

    @property
    def padding_top(self) -> int:
        """Rows of zeros above the map."""
        return self.sides[0]

    @property
    def padding_left(self) -> int:
        """Columns of zeros at the left of the map."""
        return self.sides[2]

    @property
    def short_padding(self) -> tuple[int, int] | tuple[int, int, int, int]:
        """(vertical, horizontal) where opposite sides are equal, else all four sides."""
        top, bottom, left, right = self.sides
        return (top, left) if (top, left) == (bottom, right) else self.sides

    @property
    def P(self) -> int:
        """Output height."""
        return output_size(self.H, self.R, self.stride[0], self.sides[:2], self.dilation[0])

    @property
    def Q(self) -> int:
        """Output width."""
        return output_size(self.W, self.S, self.stride[1], self.sides[2:], self.dilation[1])

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Shape of one timestep's inputs: (C, H, W)."""
        return (self.C, self.H, self.W)

    @property
    def output_shape(self) -> tuple[int, int, int]:
        """Shape of one timestep's outputs: (M, P, Q)."""
        return (self.M, self.P, self.Q)

    @property
    def weight_shape(self) -> tuple[int, int, int, int]:
        """Shape of the weight codes: (M, C / groups, R, S)."""
        return (self.M, self.C // self.groups, self.R, self.S)

    @property
    def input_count(self) -> int:
        """Input positions of one timestep, C x H x W."""
        return self.C * self.H * self.W

    @property
    def output_count(self) -> int:
        """Output neurons, M x P x Q."""
        return self.M * self.P * self.Q

    @property
    def fan_in(self) -> int:
        """Weights that reach one output neuron."""
        return self.C // self.groups * self.R * self.S

    @property
    def dense_sops_per_timestep(self) -> int:
        """Dense-equivalent synaptic operations of one timestep: every weight, for every output neuron."""
        return self.output_count * self.fan_in


def output_size(size: int, window: int, stride: int, padding: tuple[int, ...], dilation: int = 1) -> int:
    """Output positions along one axis: windows of `window` taps that fit the padded axis; 0 or less if none does."""
    return (size + sum(padding) - (window - 1) * dilation - 1) // stride + 1


def check_pair(name: str, value: object, lowest: int) -> tuple[int, int]:
    """The value as two ints (vertical, horizontal); TraceError unless it is a pair of integers from `lowest` on."""
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise TraceError(f"{name} must be a pair (vertical, horizontal), found {one_line(value)}")
    first, second = (check_integer(f"{name}[{i}]", value[i], lowest, MAX_DIMENSION) for i in range(2))
    return (first, second)


def check_padding(value: object) -> tuple[int, int, int, int]:
    """Padding as four ints (top, bottom, left, right), of four integers or of a pair (vertical, horizontal)."""
    if not isinstance(value, tuple | list) or len(value) != 4:
        vertical, horizontal = check_pair("padding", value, lowest=0)
        return (vertical, vertical, horizontal, horizontal)
    top, bottom, left, right = (check_integer(f"padding[{i}]", value[i], 0, MAX_DIMENSION) for i in range(4))
    return (top, bottom, left, right)
