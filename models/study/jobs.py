"""Units of work of a study, their progress events, and the context that they need.

A `Context` is a study that is being run: what it asks for, its data, its folder, and the keys of its results. Contexts
and jobs travel to worker processes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from spikecycle.models.data.frames import DataSplit
from spikecycle.models.study.compression_entries import CompressionEntry
from spikecycle.models.study.schema import LoadedStudy, NetworkChoice, Study
from spikecycle.models.study.store import Store, data_digest, key_of, simulator_digest
from spikecycle.simulator import Machine


@dataclass(frozen=True)
class Context:
    """A study that is being run: what it asks for, its data, and where its results go."""

    name: str
    study: Study
    machines: dict[str, dict[str, Machine]]
    data: DataSplit
    folder: Path

    @classmethod
    def of(cls, loaded: LoadedStudy, data: DataSplit, store: Store) -> Context:
        """The context of a study that was read."""
        return cls(loaded.name, loaded.study, loaded.machines, data, store.folder)

    @property
    def store(self) -> Store:
        """The folder."""
        return Store(self.folder)

    def network(self, width: float | None) -> NetworkChoice:
        """The study's network, of that width, or of its own where that is None."""
        network = self.study.network
        if width is None:
            return network
        return network.model_copy(update={"options": network.options.model_copy(update={"width": width})})

    def float_key(self, seed: int, width: float | None) -> str:
        """Of the float network of that width, None for the study's own, that is trained with that seed."""
        network = _given(self.network(width))
        return key_of(data=self._data, network=network, training=_given(self.study.training), seed=seed)

    def network_key(self, seed: int, compression: CompressionEntry) -> str:
        """Of the network that is compressed so, and its trace. Its name is not part of the key."""
        keys = _given(compression)
        del keys["name"]
        keys.pop("width", None)  # in the key of the float network
        mixed = keys.pop("mixed", {})
        if compression.mixed is not None:  # its bits are chosen by what the simulator says of that machine
            machine = self.machines[compression.mixed.machine][compression.mixed.format]
            keys["mixed"] = {**mixed, "machine": _dumped(machine), "simulator": simulator_digest()}
        return key_of(
            float=self.float_key(seed, compression.width),
            compression=keys,
            record_per_class=self.study.record_per_class,
            seed=seed,
        )

    def simulation_key(self, trace_sha256: str, machine: Machine) -> str:
        """Of the simulation of that trace on that machine."""
        return key_of(trace_sha256=trace_sha256, machine=_dumped(machine), simulator=simulator_digest())

    @cached_property
    def _data(self) -> str:
        return data_digest(self.data)


def _dumped(model: Any) -> dict[str, Any]:
    dumped: dict[str, Any] = model.model_dump(mode="json")
    return dumped


def _given(model: Any) -> dict[str, Any]:
    """Without the keys that are none: an option that is added later, and not used, leaves older keys as they are."""
    dumped: dict[str, Any] = model.model_dump(mode="json", exclude_none=True)
    return dumped


@dataclass(frozen=True)
class FloatJob:
    """Train the float network of a seed. width: None for the study's own."""

    key: str
    seed: int
    width: float | None
    epochs: int

    @property
    def title(self) -> str:
        """What a progress bar calls it."""
        width = "" if self.width is None else f" of width {self.width:g}"
        return f"float network{width}, seed {self.seed}"

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
