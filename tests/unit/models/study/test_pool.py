"""Workers are started so that Ctrl-C, which reaches the whole group of processes, is for the first one alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from multiprocessing.context import SpawnProcess
from typing import Any

import pytest

from spikecycle.models.errors import ModelsError
from spikecycle.models.study.jobs import FloatJob
from spikecycle.models.study.pool import _for_this_process_alone, run_jobs

pytestmark = pytest.mark.train
PROGRAM = "import signal; print(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, []))"


def _blocked_in_a_child() -> bool:
    return subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True).stdout == "True\n"


def test_a_child_is_born_deaf_and_this_process_hears_again() -> None:
    with _for_this_process_alone():
        assert _blocked_in_a_child()
    assert not _blocked_in_a_child()
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])


def test_an_interrupt_meanwhile_is_put_off_and_not_lost() -> None:
    handler = signal.getsignal(signal.SIGINT)
    reached = False
    with pytest.raises(KeyboardInterrupt), _for_this_process_alone():
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)
        reached = True
    assert reached and signal.getsignal(signal.SIGINT) is handler


def test_a_worker_that_is_killed_at_its_start_is_told_and_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it is sent is more than a pipe holds, so that whoever writes to a pipe nobody reads waits."""
    start = SpawnProcess.start

    def killed(process: SpawnProcess) -> None:
        start(process)
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)

    monkeypatch.setattr(SpawnProcess, "start", killed)
    context: Any = b"data" * 2**20
    jobs = [FloatJob("a", 0, None, 1), FloatJob("b", 1, None, 1)]
    with pytest.raises(ModelsError, match="float network, seed 0: its process ended with status -9, perhaps for want"):
        list(run_jobs(context, jobs, 2, lambda job, event: None))
