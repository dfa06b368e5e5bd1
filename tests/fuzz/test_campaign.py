"""The campaign sees what it is there to see: made-up surfaces that crash, hang, eat memory, fail, and lie."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from random import Random

import pytest

from tests.fuzz.campaign import campaign, share_out
from tests.fuzz.outcomes import Ended, Finding, Kind, Outcome, check_ended, check_same, check_says
from tests.fuzz.surface import Trial
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


def _lie() -> Outcome:
    check_same("a second run", 1, 2)
    return Outcome(Kind.ACCEPTED)


def test_every_way_to_end_is_counted_and_the_next_input_tried(tmp_path: Path) -> None:
    jobs = [Job(MadeUp(), index) for index in range(8)]
    tally = campaign(jobs, 1, tmp_path / "cases", tmp_path / "kept", shown=False, limit_s=1.0)
    assert tally.kinds == {"made-up": {kind.value: 1 for kind in Kind if kind is not Kind.BAD_REFUSAL}}
    found = {entry["index"]: entry["kind"] for entry in tally.found}
    assert found == {2: "crash", 3: "hang", 4: "out of memory", 5: "internal error", 6: "wrong acceptance"}
    kept = {path.name for path in (tmp_path / "kept").iterdir()}
    assert kept == {f"made-up-{index}" for index in found}
    assert "ZeroDivisionError" in (tmp_path / "kept" / "made-up-5" / "FINDING.txt").read_text()


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
