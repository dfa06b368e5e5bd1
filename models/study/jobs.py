"""The parts of a study that are done in one go, and what they tell while they are at it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from spikecycle.models.study.asked import CompressionEntry


@dataclass(frozen=True)
class FloatJob:
    """Train the float network of a seed."""

    key: str
    seed: int
    epochs: int

    @property
    def title(self) -> str:
        """What a progress bar calls it."""
        return f"float network, seed {self.seed}"

    @property
    def units(self) -> int:
        """How much work it is, in epochs."""
        return self.epochs


@dataclass(frozen=True)
class NetworkJob:
    """Compress the float network of a seed and record it, unless that is done, and simulate what is not simulated."""

    key: str
    seed: int
    compression: CompressionEntry
    simulations: int
    trained: bool

    @property
    def title(self) -> str:
        """What a progress bar calls it."""
        return f"{self.compression.name}, seed {self.seed}"

    @property
    def epochs(self) -> int:
        """Of all trainings that it still needs."""
        return 0 if self.trained else sum(schedule.epochs for schedule in self.compression.phases.values())

    @property
    def units(self) -> int:
        """How much work it is: epochs, and simulations, which take about as long."""
        return self.epochs + self.simulations


Job = FloatJob | NetworkJob


class Epoch(NamedTuple):
    """An epoch of a job's training is done."""

    phase: str
    epoch: int
    epochs: int
    loss: float
    samples_per_second: float


class Simulated(NamedTuple):
    """A simulation of a job is done."""

    done: int
    total: int


Event = Epoch | Simulated
OnEvent = Callable[[Event], None]
