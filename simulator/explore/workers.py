"""Who runs the chunks of a sweep: this process, processes on this computer, or the workers of a Dask cluster.

Which worker runs what, and what happens to the work of one that is lost, is Dask's business (`dask.distributed`). Here
a chunk is handed over, its rows come back, and what it had no time for is handed over again.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from spikecycle.simulator.errors import UsageError
from spikecycle.simulator.explore import worker_process
from spikecycle.simulator.explore.extra import needs_extra
from spikecycle.simulator.explore.frames import Row
from spikecycle.simulator.explore.measure import Chunk, failed, run_chunk, split

CONNECT_S = 15
"""How long a scheduler may take to answer."""
_ALLOWED_FAILURES = 2
"""Workers that may end under a chunk before Dask gives it up."""
_ALLOWED_STARTS = 3
"""Times that all processes are started, where one of them ends before it has begun."""
_LAST_PORT = 2**16 - 1
"""Of TCP. Source: RFC 9293, section 3.1."""
_ANY_PORT = "127.0.0.1:0"
"""Dask's scheduler has a web server even without a dashboard; told nothing, it warns where port 8787 is taken."""
_QUIET = {
    "distributed.admin.low-level-log-length": 0,
    "distributed.worker.profile.enabled": False,
    "distributed.scheduler.allowed-failures": _ALLOWED_FAILURES,
    "distributed.comm.timeouts.connect": f"{CONNECT_S}s",
}


def run_here(chunks: Iterable[Chunk]) -> Iterator[list[Row]]:
    """Rows of all points, chunk by chunk, in this process."""
    waiting = deque(chunks)
    while waiting:
        chunk = waiting.popleft()
        rows = run_chunk(chunk)
        yield rows
        if len(rows) < len(chunk.points):
            waiting.appendleft(replace(chunk, points=chunk.points[len(rows) :]))


@contextmanager
def scheduler_client(address: str | None) -> Iterator[Any]:
    """A client of the scheduler at an address; None where there is no address.

    UsageError where the address is none, or nobody answers there.
    """
    if address is None:
        yield None
        return
    distributed = needs_extra("distributed")
    with _dask_settings():
        try:
            _check_address(address)
            with ThreadPoolExecutor(1) as other:  # this thread may have a loop that runs, as in a notebook
                other.submit(asyncio.run, _connect(address)).result()
            client = distributed.Client(address, timeout=CONNECT_S, set_as_default=False)
        except (OSError, ValueError, TypeError, RuntimeError, ImportError, TimeoutError) as error:
            words = " ".join(str(error).split())
            raise UsageError(f"no Dask scheduler answers at {address!r}: {words}; write tcp://HOST:PORT") from error
        with client:
            yield client


@contextmanager
def local_client(jobs: int) -> Iterator[Any]:
    """A client of `jobs` processes that are started on this computer; UsageError where they do not start."""
    distributed = needs_extra("distributed")
    with _dask_settings(), _local_cluster(jobs) as cluster, distributed.Client(cluster) as client:
        yield client


@contextmanager
def _dask_settings() -> Iterator[None]:
    with needs_extra("dask").config.set(_QUIET), _silent():
        yield


def _check_address(address: str) -> None:
    """ValueError on what is not PROTOCOL://HOST:PORT, the protocol being TCP if none is named; ImportError if the
    package of the protocol is not installed."""
    comm = needs_extra("distributed").comm
    protocol, location = comm.parse_address(address, strict=False)
    _, port = comm.parse_host_port(location)
    comm.registry.get_backend(protocol)
    if not 0 < port <= _LAST_PORT:
        raise ValueError(f"ports are 1 to {_LAST_PORT}")


async def _connect(address: str) -> None:
    """Connect to a scheduler once, before a client does: one that cannot, waits 10 to 30 s for itself when it is closed
    or deleted, and may end with a traceback."""
    distributed = needs_extra("distributed")
    arguments = distributed.Security().get_connection_args("client")
    connection = await distributed.comm.connect(address, timeout=CONNECT_S, **arguments)
    await connection.close()


def _local_cluster(jobs: int) -> Any:
    """Processes on this computer; UsageError where they do not come up, even when that is tried again."""
    distributed = needs_extra("distributed")
    problem: Exception | None = None
    for _ in range(_ALLOWED_STARTS):
        try:
            with worker_process.interrupts_put_off():
                return distributed.LocalCluster(
                    n_workers=jobs, threads_per_worker=1, processes=True, dashboard_address=None,
                    scheduler_kwargs={"dashboard_address": _ANY_PORT}, silence_logs=logging.CRITICAL,
                    preload=[worker_process.__name__],
                )  # fmt: skip
        except (RuntimeError, OSError, TimeoutError) as error:  # one of them was killed before it had begun
            problem = error
    raise UsageError(
        f"the processes of --jobs {jobs} do not start: {' '.join(str(problem).split())}; what is finished is kept, run "
        "the same again to go on, perhaps with --jobs 1"
    ) from problem


def threads(client: Any) -> int:
    """How many chunks the workers of a client run at the same time; 1 where none has come yet."""
    by_worker: Mapping[str, int] = client.nthreads()
    return max(1, sum(by_worker.values()))


def run_on_dask(client: Any, chunks: Iterable[Chunk]) -> Iterator[list[Row]]:
    """Rows of all points as they come in; points under which workers end again and again fail by themselves.

    UsageError where the scheduler is lost.
    """
    distributed = needs_extra("distributed")
    waiting: dict[Any, Chunk] = {}

    def submit(chunk: Chunk) -> Any:
        future = client.submit(run_chunk, chunk, pure=False)
        waiting[future.key] = chunk
        return future

    coming = distributed.as_completed([submit(chunk) for chunk in chunks], loop=client.loop)
    try:
        for future in coming:
            chunk = waiting.pop(future.key)
            rows, rest = _outcome(future, chunk)
            yield rows
            coming.update([submit(part) for part in rest])
    except (OSError, TimeoutError) as error:  # of the connection: what runs on a worker never raises
        raise _lost(error) from error


def _outcome(future: Any, chunk: Chunk) -> tuple[list[Row], list[Chunk]]:
    """What became of a chunk: rows, and what is left to run."""
    distributed = needs_extra("distributed")
    if future.status == "cancelled":
        raise _lost("it has forgotten the work")
    error = future.exception() if future.status == "error" else None
    if error is None:
        rows: list[Row] = future.result()
        done = len(rows)
        # What is left goes to as many processes as it takes to be done in the same time again.
        return rows, split(replace(chunk, points=chunk.points[done:]), done)
    if isinstance(error, distributed.KilledWorker):
        if len(chunk.points) > 1:  # one of them did it: each by itself
            return [], split(chunk, 1)
        times = _ALLOWED_FAILURES + 1
        return [failed(chunk.points[0], f"{times} processes ended while they ran it: out of memory, most likely")], []
    words = " ".join(f"{type(error).__name__}: {error}".split())
    raise UsageError(f"the workers cannot run spikecycle as it is here: {words}") from error


def _lost(reason: object) -> UsageError:
    words = " ".join(str(reason).split())
    return UsageError(f"the Dask scheduler is lost: {words}; what is finished is kept, run the same again to go on")


@contextmanager
def _silent() -> Iterator[None]:
    """Without what Dask logs when workers come and go: what matters is told as an error."""
    parts = ("", ".core", ".comm", ".nanny", ".scheduler", ".worker", ".client", ".batched")
    names = (*(f"distributed{part}" for part in parts), "tornado.application", "asyncio")
    before: Mapping[str, int] = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)
