"""Neurons that compute what Sinabs' do, written for the tests, as Sinabs is not installed for them.

What each does in a timestep is as its documentation has it; the importer knows such modules by names and attributes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn


class SingleSpike:
    """At most one spike in a timestep."""

    @staticmethod
    def apply(v_mem: Tensor, threshold: Tensor) -> Tensor:
        """Spikes."""
        return (v_mem - threshold >= 0).to(v_mem)


class MultiSpike:
    """As many spikes as thresholds fit."""

    @staticmethod
    def apply(v_mem: Tensor, threshold: Tensor) -> Tensor:
        """Spikes."""
        return (v_mem > 0) * torch.div(v_mem, threshold, rounding_mode="trunc")


@dataclass
class MembraneSubtract:
    """Takes the threshold off for every spike."""

    subtract_value: float | None = None

    def __call__(self, v_mem: Tensor, spikes: Tensor, threshold: Tensor) -> Tensor:
        return v_mem - spikes * (threshold if self.subtract_value is None else self.subtract_value)


@dataclass
class MembraneReset:
    """Forgets the potential of what fired, and adds a value to all."""

    reset_value: float = 0.0

    def __call__(self, v_mem: Tensor, spikes: Tensor, threshold: Tensor) -> Tensor:
        return v_mem * (spikes == 0) + self.reset_value


SUBTRACT = MembraneSubtract()


class LIF(nn.Module):
    """Leaky neurons of (samples, timesteps, ...)."""

    v_mem: Tensor
    i_syn: Tensor

    def __init__(
        self, tau_mem: Any = None, tau_syn: float | None = None, spike_threshold: float = 1.0,
        spike_fn: Any = SingleSpike, reset_fn: Any = SUBTRACT, min_v_mem: float | None = None,
        norm_input: bool = True,
    ) -> None:  # fmt: skip
        super().__init__()
        self.tau_mem, self.tau_syn, self.norm_input = tau_mem, tau_syn, norm_input
        self.spike_threshold = torch.tensor(spike_threshold)
        self.spike_fn, self.reset_fn = spike_fn, reset_fn
        self.min_v_mem = None if min_v_mem is None else torch.tensor(min_v_mem)
        for name in ("v_mem", "i_syn") if tau_syn else ("v_mem",):
            self.register_buffer(name, torch.zeros(0))

    @property
    def alpha_mem_calculated(self) -> Tensor:
        """What is left of a potential."""
        return torch.ones(()) if self.tau_mem is None else torch.exp(-1 / torch.as_tensor(self.tau_mem))

    @property
    def alpha_syn_calculated(self) -> Tensor | None:
        """What is left of a current."""
        return None if self.tau_syn is None else torch.exp(-1 / torch.as_tensor(self.tau_syn))

    def forward(self, input_data: Tensor) -> Tensor:
        sizes = (len(input_data), *input_data.shape[2:])
        for name, buffer in self.named_buffers():
            if buffer.shape != sizes:
                assert buffer.numel() == 0 or buffer.shape[1:] != sizes[1:], "Sinabs would draw states by chance"
                setattr(self, name, torch.zeros(sizes))
        sent = [self._step(input_data[:, t]) for t in range(input_data.shape[1])]
        return torch.stack(sent, dim=1)

    def _step(self, arriving: Tensor) -> Tensor:
        leak, current_leak = self.alpha_mem_calculated, self.alpha_syn_calculated
        if current_leak is not None:
            self.i_syn = arriving = current_leak * (self.i_syn + arriving)
        self.v_mem = leak * self.v_mem + ((1 - leak) * arriving if self.norm_input else arriving)
        if self.spike_fn is None:
            return self.v_mem.clone()
        spikes: Tensor = self.spike_fn.apply(self.v_mem, self.spike_threshold)
        self.v_mem = self.reset_fn(self.v_mem, spikes, self.spike_threshold)
        if self.min_v_mem is not None:
            self.v_mem = torch.maximum(self.v_mem, self.min_v_mem)
        return spikes


class IAF(LIF):
    """Neurons that do not leak."""

    def __init__(self, **options: Any) -> None:
        super().__init__(norm_input=False, **options)


class ExpLeak(LIF):
    """Potentials that leak, and nothing else."""

    def __init__(self, tau_mem: float, norm_input: bool = False) -> None:
        super().__init__(tau_mem, spike_fn=None, reset_fn=None, norm_input=norm_input)


class IAFRecurrent(IAF):
    """Neurons with weights from themselves."""


class LIFSqueeze(LIF):
    """Samples and timesteps in one axis."""

    def __init__(self, batch_size: int = -1, num_timesteps: int = -1, **options: Any) -> None:
        super().__init__(**options)
        self.batch_size, self.num_timesteps = batch_size, num_timesteps

    def forward(self, input_data: Tensor) -> Tensor:
        apart = input_data.reshape(self.batch_size, self.num_timesteps, *input_data.shape[1:])
        return super().forward(apart).flatten(0, 1)
