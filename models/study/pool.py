"""Runs jobs in one or several processes, with the same results in whatever order they end.

Each worker has one pipe to this process, for jobs and for what it tells of them. When this process dies, however it
does, its workers end; when a worker dies, the pipe ends and this process says so.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import cast

from spikecycle.models.errors import ModelsError
from spikecycle.models.study.jobs import Context, Event, Job
from spikecycle.models.study.store import Failure
from spikecycle.models.study.work import do_job, prepare

OnJobEvent = Callable[[Job, Event], None]


@dataclass(frozen=True)
class Done:
    """A job has ended, well or with a failure."""

    failure: Failure | None


@dataclass
class _Worker:
    process: BaseProcess
    connection: Connection
    job: Job


def run_jobs(
    context: Context, jobs: Sequence[Job], processes: int, on_event: OnJobEvent
) -> Iterator[tuple[Job, Failure | None]]:
    """Do all jobs and yield each as it ends. What hinders all of them, a full disk, is raised."""
    if processes == 1 or len(jobs) <= 1:
        prepare()
        for job in jobs:
            yield job, do_job(context, job, lambda event, job=job: on_event(job, event))  # type: ignore[misc]
        return
    waiting = deque(jobs)
    workers: list[_Worker] = []
    try:
        while waiting and len(workers) < processes:
            workers.append(_started(context, waiting.popleft()))
        while workers:
            ready = wait([worker.connection for worker in workers])
            for worker in [worker for worker in workers if worker.connection in ready]:
                message = _received(worker)
                if not isinstance(message, Done):
                    on_event(worker.job, message)
                    continue
                finished = worker.job
                if waiting:
                    worker.job = waiting.popleft()
                    _send(worker, worker.job)
                else:
                    workers.remove(worker)
                    _end(worker)
                yield finished, message.failure
    finally:
        for worker in workers:
            _end(worker)


def _started(context: Context, job: Job) -> _Worker:
    spawn = multiprocessing.get_context("spawn")  # a fork would share the threads of torch and polars
    here, there = spawn.Pipe()
    # The data go through our own pipe, not with the arguments: those are written to a pipe of which this process holds
    # both ends, so that it would wait forever for a child that is dead.
    process = spawn.Process(target=_work, args=(there,), daemon=True)
    with _for_this_process_alone():
        process.start()
    there.close()
    worker = _Worker(process, here, job)
    _send(worker, context)
    _send(worker, job)
    return worker


@contextmanager
def _for_this_process_alone() -> Iterator[None]:
    """Ctrl-C reaches a process that is started here never, and this one when the start is over.

    A child is born with the signals of its parent's thread blocked, so that it is not hit while it loads its modules;
    other threads of this process still hear them, so that they are put off too.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    resource_tracker.ensure_running()  # started with the first child otherwise, it would unblock them
    put_off: list[int] = []
    handler = signal.signal(signal.SIGINT, lambda number, frame: put_off.append(number))
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        signal.signal(signal.SIGINT, handler)
        if put_off:
            signal.raise_signal(signal.SIGINT)


def _send(worker: _Worker, what: Context | Job) -> None:
    try:
        worker.connection.send(what)
    except (EOFError, ConnectionError) as error:
        raise _gone(worker) from error


def _gone(worker: _Worker) -> ModelsError:
    worker.process.join()
    return ModelsError(
        f"{worker.job.title}: its process ended with status {worker.process.exitcode}, perhaps for want of memory; "
        "what is finished is kept, run again with fewer --jobs"
    )


def _received(worker: _Worker) -> Event | Done:
    try:
        message = worker.connection.recv()
    except (EOFError, ConnectionError):
        raise _gone(worker) from None
    if isinstance(message, BaseException):
        raise message
    return cast(Event | Done, message)


def _end(worker: _Worker) -> None:
    worker.connection.close()
    worker.process.terminate()
    worker.process.join()


def _work(connection: Connection) -> None:
    """What a worker process does: it takes the context, then one job after another, until nobody sends any."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process hears it too, and ends this one
    threading.Thread(target=_end_with_parent, daemon=True).start()
    prepare()
    try:
        context = connection.recv()
        while True:
            job = connection.recv()
            try:
                connection.send(Done(do_job(context, job, connection.send)))
            except (EOFError, ConnectionError):
                raise
            except Exception as error:
                connection.send(error)
    except (EOFError, ConnectionError):
        return  # the first process is gone


def _end_with_parent() -> None:
    """End this process as soon as the first one is gone: it may be in the middle of a long epoch."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
