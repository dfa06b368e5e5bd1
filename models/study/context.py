"""What every part of a study needs to know, and the keys that follow from it. It travels to worker processes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from spikecycle.models.data.frames import DataSplit
from spikecycle.models.study.asked import CompressionEntry
from spikecycle.models.study.keys import data_digest, key_of, simulator_digest
from spikecycle.models.study.schema import LoadedStudy, Study
from spikecycle.models.study.store import Store
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

    def float_key(self, seed: int) -> str:
        """Of the float network that is trained with that seed."""
        return key_of(
            data=self._data, network=_dumped(self.study.network), training=_dumped(self.study.training), seed=seed
        )

    def network_key(self, seed: int, compression: CompressionEntry) -> str:
        """Of the network that is compressed so, and its trace. What it is called decides nothing."""
        asked = _dumped(compression)
        del asked["name"]
        mixed = asked.pop("mixed")
        if compression.mixed is not None:  # its bits are chosen by what the simulator says of that machine
            machine = self.machines[compression.mixed.machine][compression.mixed.format]
            asked["mixed"] = {**mixed, "machine": _dumped(machine), "simulator": simulator_digest()}
        return key_of(
            float=self.float_key(seed), compression=asked, record_per_class=self.study.record_per_class, seed=seed
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
