"""Values by name that are worked out when somebody looks at them: they take much more than what they belong to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from spikecycle.simulator.computed_once import computed_once

V = TypeVar("V")


@dataclass(frozen=True, eq=False)
class OnDemand(Mapping[str, V]):
    """work_out: works them out, the same whenever and in whatever thread somebody looks."""

    work_out: Callable[[], Mapping[str, V]]

    @computed_once
    def _found(self) -> Mapping[str, V]:
        return self.work_out()

    def __getitem__(self, name: str) -> V:
        return self._found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)
