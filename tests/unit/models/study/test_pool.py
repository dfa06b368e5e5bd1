"""Workers are started so that Ctrl-C, which reaches the whole group of processes, is for the first one alone."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading

import pytest

from spikecycle.models.study.pool import _for_this_process_alone

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
