"""What plugins register is gone when the test is over."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from spikecycle.simulator.plugins import REGISTRIES


@pytest.fixture(autouse=True)
def registries() -> Iterator[None]:
    before = {registry: registry.registered() for registry in REGISTRIES}
    yield
    for registry, members in before.items():
        registry.restore(members)
