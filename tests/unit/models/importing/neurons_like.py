"""Neurons that compute what those of SpikingJelly and Norse do, written for the tests, as these are not installed.

What each does in a timestep is as their documentation has it; importers know such modules by the names of classes and
attributes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn


class BaseNode(nn.Module):
    """A neuron with a potential v, in single steps or over a leading axis of timesteps."""

    v: Any

    def __init__(self, v_threshold: float = 1.0, v_reset: float | None = 0.0, step_mode: str = "s") -> None:
        super().__init__()
        self.v_threshold, self.v_reset, self.step_mode = v_threshold, v_reset, step_mode
        self.reset()

    def reset(self) -> None:
        """Forget."""
        self.v = 0.0 if self.v_reset is None else self.v_reset

    def charge(self, x: Tensor) -> None:
        """Take what arrives."""
        raise NotImplementedError

    def _step(self, x: Tensor) -> Tensor:
        if not isinstance(self.v, Tensor):
            self.v = torch.full_like(x, self.v)
        self.charge(x)
        spike = (self.v >= self.v_threshold).to(x)
        if self.v_reset is None:
            self.v = self.v - spike * self.v_threshold
        else:
            self.v = (1 - spike) * self.v + spike * self.v_reset
        return spike

    def forward(self, x: Tensor) -> Tensor:
        if self.step_mode == "s":
            return self._step(x)
        return torch.stack([self._step(each) for each in x])


class IFNode(BaseNode):
    """No leak."""

    def charge(self, x: Tensor) -> None:
        self.v = self.v + x


class LIFNode(BaseNode):
    """Leaks to v_reset, with or without dividing the input."""

    def __init__(self, tau: float = 2.0, decay_input: bool = True, **options: Any) -> None:
        super().__init__(**options)
        self.tau, self.decay_input = tau, decay_input

    def charge(self, x: Tensor) -> None:
        rest = self.v_reset or 0.0
        if self.decay_input:
            self.v = self.v + (x - (self.v - rest)) / self.tau
        else:
            self.v = self.v - (self.v - rest) / self.tau + x


class ParametricLIFNode(BaseNode):
    """1 / tau is the sigmoid of a parameter."""

    def __init__(self, w: float = 0.3, decay_input: bool = True, **options: Any) -> None:
        super().__init__(**options)
        self.w, self.decay_input = nn.Parameter(torch.tensor(w)), decay_input

    def charge(self, x: Tensor) -> None:
        rest, rate = self.v_reset or 0.0, self.w.sigmoid()
        if self.decay_input:
            self.v = self.v + (x - (self.v - rest)) * rate
        else:
            self.v = self.v - (self.v - rest) * rate + x


class IzhikevichNode(BaseNode):
    """A kind that no importer knows."""

    def charge(self, x: Tensor) -> None:
        self.v = self.v + x * self.v * self.v


class SeqToANN(nn.Sequential):
    """Layers without states on timesteps and samples as one axis."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.flatten(0, 1)).unflatten(0, x.shape[:2])


class Parameters(NamedTuple):
    """Of a Norse cell."""

    tau_syn_inv: Tensor = torch.tensor(200.0)
    tau_mem_inv: Tensor = torch.tensor(100.0)
    v_leak: Tensor = torch.tensor(0.0)
    v_th: Tensor = torch.tensor(1.0)
    v_reset: Tensor = torch.tensor(0.0)


class LIFCell(nn.Module):
    """Norse's leaky cell with a synaptic current: the input enters the current after the potential has taken it."""

    def __init__(self, p: Parameters = Parameters(), dt: float = 1e-3) -> None:  # noqa: B008 (as Norse has it)
        super().__init__()
        self.p, self.dt = p, dt

    def forward(self, input_tensor: Tensor, state: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Any]:
        v, i = state or (self.p.v_leak.expand_as(input_tensor), torch.zeros_like(input_tensor))
        v, i = self.changed(v, i, input_tensor)
        spike = (v > self.p.v_th).to(input_tensor)
        return spike, ((1 - spike) * v + spike * self.p.v_reset, i)

    def changed(self, v: Tensor, i: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        """Potential and current after a timestep."""
        v = v + self.dt * self.p.tau_mem_inv * (self.p.v_leak - v + i)
        return v, i - self.dt * self.p.tau_syn_inv * i + x


class JumpFirst(LIFCell):
    """As in versions in which the input acts at once."""

    def changed(self, v: Tensor, i: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        i = i + x
        v = v + self.dt * self.p.tau_mem_inv * (self.p.v_leak - v + i)
        return v, i - self.dt * self.p.tau_syn_inv * i


class LIFBoxCell(nn.Module):
    """Norse's leaky cell without a synaptic current."""

    def __init__(self, p: Parameters = Parameters(), dt: float = 1e-3) -> None:  # noqa: B008 (as Norse has it)
        super().__init__()
        self.p, self.dt = p, dt

    def forward(self, input_tensor: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        v = self.p.v_leak.expand_as(input_tensor) if state is None else state
        v = v + self.dt * self.p.tau_mem_inv * (self.p.v_leak - v + input_tensor)
        spike = (v > self.p.v_th).to(input_tensor)
        return spike, (1 - spike) * v + spike * self.p.v_reset


Make = Callable[..., nn.Module]
