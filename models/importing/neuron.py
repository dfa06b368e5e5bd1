"""Spiking neurons as frameworks compute them: in real numbers, each in its order of leak, reset and comparison."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

FloatReset = Literal["hard", "soft", "none"]
ResetTiming = Literal["same", "next"]
Reals = npt.NDArray[np.float64]
ONE, ZERO = np.ones(()), np.zeros(())


@dataclass(frozen=True, eq=False)
class FloatNeuron:
    """Neurons of a population, one timestep of which is

        i = current_leak i + arriving                                  with a synaptic current; else i = arriving
        v = leak v + gain i + drive
        fires where v > threshold (strict) or v >= threshold
        v = reset_value where it fired (hard), v - threshold (soft)

    All parameters are float64 that broadcast to the maps (M, P, Q): one number, (M, 1, 1), or one per neuron. In every
    sample v begins at `start`, i at 0. reset `none`: neurons that never fire and whose output are their potentials.
    reset_timing `next`: the reset is taken in the timestep after the spike, after the leak and before anything is
    added (snntorch).
    """

    leak: Reals
    threshold: Reals
    reset: FloatReset
    strict: bool = True
    gain: Reals = field(default_factory=lambda: ONE)
    drive: Reals = field(default_factory=lambda: ZERO)
    reset_value: Reals = field(default_factory=lambda: ZERO)
    start: Reals = field(default_factory=lambda: ZERO)
    reset_timing: ResetTiming = "same"
    current_leak: Reals | None = None

    def __post_init__(self) -> None:
        """NumPy makes numbers of arrays without axes."""
        for each in fields(self):
            value = getattr(self, each.name)
            if isinstance(value, int | float | np.generic) and not isinstance(value, bool):
                object.__setattr__(self, each.name, np.asarray(value, dtype=np.float64))

    @property
    def reads_out(self) -> bool:
        """Whether the neurons never fire: their potentials are the output."""
        return self.reset == "none"

    def arrays(self) -> dict[str, Reals]:
        """The parameters that are numbers, by name."""
        return {each.name: value for each in fields(self) if isinstance(value := getattr(self, each.name), np.ndarray)}

    def words(self) -> str:
        """Leak and reset, for people."""
        if self.reads_out:
            return f"never fires (readout), leak {_span(self.leak)}"
        when = " in the next timestep, after the leak" if self.reset_timing == "next" else ""
        how = f"reset to {_span(self.reset_value)}" if self.reset == "hard" else "reset by subtraction"
        current = "" if self.current_leak is None else f", synaptic current with leak {_span(self.current_leak)}"
        start = f", starts at {_span(self.start)}" if self.start.any() else ""
        return f"{how}{when}, leak {_span(self.leak)}{current}{start}"


class NeuronRun:
    """Neurons of a batch on their way through the timesteps."""

    def __init__(self, neuron: FloatNeuron, shape: tuple[int, int, int], dtype: torch.dtype) -> None:
        self._neuron = neuron
        self._shape = shape
        self._values = {
            name: torch.tensor(value if value.size == 1 else np.broadcast_to(value, shape), dtype=dtype)
            for name, value in neuron.arrays().items()
        }
        self.peak = torch.zeros(())
        """The potential of the last timestep, before a reset in the same one."""
        self.arriving = torch.zeros(())
        """What arrived in the last timestep."""
        self.current: Tensor | None = None
        self.potential = torch.zeros(())
        """Of the last timestep, after a reset in the same one."""
        self._fired = torch.zeros(())
        self._begun = False

    def step(self, arriving: Tensor) -> Tensor:
        """Spikes, 0 and 1, or potentials (N, M, P, Q) for what arrives; `potential` is then v before a late reset."""
        neuron, values = self._neuron, self._values
        self.arriving = arriving
        if not self._begun:
            self._begun = True
            self.potential = (values["start"] + torch.zeros_like(arriving)).clone()
            self.current = torch.zeros_like(arriving) if neuron.current_leak is not None else None
            self._fired = torch.zeros_like(arriving)
        if self.current is not None:
            arriving = self.current = values["current_leak"] * self.current + arriving
        kept = values["leak"] * self.potential
        if neuron.reset_timing == "next":
            kept = (
                kept - self._fired * values["threshold"]
                if neuron.reset == "soft"
                else torch.where(self._fired > 0, values["reset_value"], kept)
            )
        self.potential = self.peak = kept + values["gain"] * arriving + values["drive"]
        if neuron.reads_out:
            return self.potential
        above = self.potential > values["threshold"] if neuron.strict else self.potential >= values["threshold"]
        self._fired = above.to(arriving.dtype)
        if neuron.reset_timing == "same":
            after = self.potential - values["threshold"] if neuron.reset == "soft" else values["reset_value"]
            self.potential = torch.where(above, after, self.potential)
        return self._fired


def _span(values: Any) -> str:
    low, high = float(np.min(values)), float(np.max(values))
    return f"{low:.6g}" if low == high else f"{low:.6g} to {high:.6g}"
