"""The small networks, written once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache

import pytest

from spikecycle.traces import Trace, open_trace
from tests.contracts.networks import write_network


@pytest.fixture(scope="session")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Trace]]:
    """The open trace of a network, by name."""
    folder = tmp_path_factory.mktemp("networks")
    with ExitStack() as stack:
        yield cache(lambda name: stack.enter_context(open_trace(write_network(name, folder))))
