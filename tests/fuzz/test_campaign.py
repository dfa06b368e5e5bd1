"""The campaign sees what it is there to see: made-up surfaces that crash, hang, eat memory, fail, and lie."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from tests.fuzz.campaign import campaign, share_out
from tests.fuzz.journal import Entry, Journal
from tests.fuzz.outcomes import Ended, Finding, Kind, Outcome, check_ended, check_same, check_says
from tests.fuzz.surface import Trial
from tests.fuzz.watch import Watch
from tests.fuzz.worker import Job, random_of


class MadeUp:
    """A surface whose inputs do what their number says."""

    name = "made-up"
    share = 1
    needs_models = False

    def prepare(self, folder: Path) -> None:
        """Nothing."""

    def warm_up(self) -> None:
        """Nothing."""

    def make(self, random: Random, folder: Path) -> Trial:
        """One of the ways to end; the folder's name ends in the number of the input."""
        number = int(folder.name.rpartition("-")[2])
        if number == 7:
            raise ValueError("cannot be made")
        (folder / "input").write_text(str(random.random()))
        return [
            lambda: Outcome(Kind.ACCEPTED),
            lambda: Outcome(Kind.REFUSED),
            _crash,
            _hang,
            lambda: Outcome(Kind.ACCEPTED, str(len(bytearray(3 * 2**30)))),
            lambda: Outcome(Kind.ACCEPTED, str(1 // 0)),
            _lie,
            _lie,
            _sleep,
        ][number]

    def replay(self, file: Path, folder: Path) -> Outcome:
        """Nothing."""
        return Outcome(Kind.ACCEPTED)


def _crash() -> Outcome:
    os.kill(os.getpid(), signal.SIGSEGV)
    return Outcome(Kind.ACCEPTED)


def _hang() -> Outcome:
    while True:
        pass


def _sleep() -> Outcome:
    time.sleep(600)
    return Outcome(Kind.ACCEPTED)


def _lie() -> Outcome:
    check_same("a second run", 1, 2)
    return Outcome(Kind.ACCEPTED)


def test_every_way_to_end_is_counted_and_the_next_input_tried(tmp_path: Path) -> None:
    jobs = [Job(MadeUp(), index) for index in range(9)]
    journal = Journal(tmp_path / "journal")
    tally = campaign(jobs, 1, tmp_path / "cases", tmp_path / "kept", False, 1.0, 2.0, journal)
    expected = {kind.value: 1 for kind in Kind if kind is not Kind.BAD_REFUSAL} | {"hang": 2}
    assert tally.kinds == {"made-up": expected}
    found = {entry.index: entry.kind for entry in tally.found}
    assert found == {2: "crash", 3: "hang", 4: "out of memory", 5: "internal error", 6: "wrong acceptance", 8: "hang"}
    assert {index: entry.kind for (_, index), entry in journal.entries(1).items() if entry.is_finding} == found
    kept = {path.name for path in (tmp_path / "kept").iterdir()}
    assert kept == {f"made-up-{index}" for index in found}
    assert "ZeroDivisionError" in (tmp_path / "kept" / "made-up-5" / "FINDING.txt").read_text()


def test_a_process_that_is_not_let_run_does_not_hang() -> None:
    code = "import sys\nprint(flush=True)\nwhile True: pass"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as busy:
        assert busy.stdout is not None and busy.stdout.readline()
        watch = Watch(busy.pid, limit_s=1e9, longest_sleep_s=0.0)
        assert not any(watch.hangs() for _ in range(20))
        os.kill(busy.pid, signal.SIGSTOP)
        assert os.waitpid(busy.pid, os.WUNTRACED)[0] == busy.pid  # asleep, as one that waits for what never comes
        watch.hangs()
        time.sleep(0.05)
        assert watch.hangs()
        busy.kill()


def test_a_journal_that_was_cut_goes_on(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    entry = Entry(1, "made-up", 4, "hang", "words", 7, 1.0, "abc")
    for added in (entry, replace(entry, seed=2), replace(entry, index=5), replace(entry, kind="accepted", words="")):
        journal.add(added)
    with (tmp_path / "journal").open("a") as file:
        file.write('{"seed": 1, "surf')
    found = journal.entries(1)
    assert {index: found[name, index].kind for name, index in found} == {4: "accepted", 5: "hang"}


def test_inputs_are_those_of_their_seed(tmp_path: Path) -> None:
    surface = MadeUp()
    assert random_of(1, surface, 0).random() == random_of(1, surface, 0).random() != random_of(2, surface, 0).random()
    jobs = share_out([surface], 3, first=5)
    assert [job.index for job in jobs] == [5, 6, 7]


@pytest.mark.parametrize(
    ("ended", "kind"),
    [
        (Ended(70, "", "spikecycle: internal error: KeyError: 'x'\n"), Kind.INTERNAL_ERROR),
        (Ended(2, "", "Traceback (most recent call last):\n"), Kind.INTERNAL_ERROR),
        (Ended(2, "", "spikecycle: not enough memory for this trace on this machine: x\n"), Kind.MEMORY),
        (Ended(2, "", ""), Kind.BAD_REFUSAL),
        (Ended(2, "", "x.yaml: wrong\n"), Kind.BAD_REFUSAL),
        (Ended(2, "", f"spikecycle: x.yaml: {'x' * 3000}\n"), Kind.BAD_REFUSAL),
        (Ended(2, "", "spikecycle: x.yaml: \x1b[2J\n"), Kind.BAD_REFUSAL),
        (Ended(2, "", "spikecycle: x.yaml: wrong\n" * 60), Kind.BAD_REFUSAL),
        (Ended(0, "", "RuntimeWarning: divide by zero\n"), Kind.BAD_REFUSAL),
    ],
)
def test_what_a_command_may_not_say(ended: Ended, kind: Kind) -> None:
    with pytest.raises(Finding) as caught:
        check_ended(ended)
    assert caught.value.kind is kind


def test_a_refusal_says_the_file() -> None:
    check_ended(Ended(2, "", "spikecycle: x.yaml: wrong\n"))
    check_says(Ended(2, "", "spikecycle: x.yaml: wrong\n"), ["x.yaml"])
    with pytest.raises(Finding):
        check_says(Ended(2, "", "spikecycle: something is wrong\n"), ["x.yaml"])
