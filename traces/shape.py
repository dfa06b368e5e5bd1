"""The geometry of a layer, in the field's usual letters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from spikecycle.traces.checks import check_choice, check_integer
from spikecycle.traces.errors import TraceError, one_line
from spikecycle.traces.schema import MAX_DIMENSION

Operator = Literal["conv2d", "linear"]


@dataclass(frozen=True)
class LayerShape:
    """Shape of one layer: a 2-D convolution, or a linear layer written as a 1x1 convolution on a 1x1 map.

    C, H, W are input channels, height and width; M output channels; R, S kernel height and width; `stride` and
    `padding` are (vertical, horizontal); channels are split into `groups` that do not mix. Because a linear
    layer is the special case H = W = R = S = 1, nothing downstream needs to ask which operator it has.
    TraceError on sizes that are no integers, out of range, or do not fit each other.
    """

    operator: Operator
    C: int
    H: int
    W: int
    M: int
    R: int
    S: int
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    groups: int = 1

    def __post_init__(self) -> None:
        check_choice("operator", self.operator, get_args(Operator))
        for name in ("C", "H", "W", "M", "R", "S", "groups"):
            object.__setattr__(self, name, check_integer(name, getattr(self, name), 1, MAX_DIMENSION))
        object.__setattr__(self, "stride", _pair("stride", self.stride, lowest=1))
        object.__setattr__(self, "padding", _pair("padding", self.padding, lowest=0))
        if self.C % self.groups or self.M % self.groups:
            raise TraceError(f"groups ({self.groups}) must divide C ({self.C}) and M ({self.M})")
        if self.P < 1 or self.Q < 1:
            raise TraceError(
                f"a {self.R}x{self.S} kernel does not fit a {self.H}x{self.W} map with padding {self.padding}"
            )
        plain = (self.H, self.W, self.R, self.S, self.groups, *self.stride, *self.padding) == (1,) * 7 + (0, 0)
        if self.operator == "linear" and not plain:
            raise TraceError("a linear layer has H = W = R = S = groups = 1, stride (1, 1) and padding (0, 0)")

    @classmethod
    def linear(cls, inputs: int, outputs: int) -> LayerShape:
        """Shape of a fully connected layer."""
        return cls("linear", C=inputs, H=1, W=1, M=outputs, R=1, S=1)

    @property
    def P(self) -> int:
        """Output height."""
        return (self.H + 2 * self.padding[0] - self.R) // self.stride[0] + 1

    @property
    def Q(self) -> int:
        """Output width."""
        return (self.W + 2 * self.padding[1] - self.S) // self.stride[1] + 1

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Shape of one timestep's inputs: (C, H, W)."""
        return (self.C, self.H, self.W)

    @property
    def output_shape(self) -> tuple[int, int, int]:
        """Shape of one timestep's output spikes: (M, P, Q)."""
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


def _pair(name: str, value: tuple[int, int], lowest: int) -> tuple[int, int]:
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise TraceError(f"{name} must be a pair (vertical, horizontal), found {one_line(value)}")
    first, second = (check_integer(f"{name}[{i}]", value[i], lowest, MAX_DIMENSION) for i in range(2))
    return (first, second)
