"""What an input led to: taken, refused as it should be, or a finding."""

from __future__ import annotations

import functools
import io
import re
from collections.abc import Iterable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import NamedTuple

import typer.main

from spikecycle.simulator.cli import main

REFUSED_STATUS = 2
MOST_LINES = 51
LONGEST_LINE = 2_050  # the program's name and what is left out are added to the 2,000 of a message
_BEGINNING = "spikecycle: "
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


# Typer makes the tree of commands anew for every line; a process of ours has thousands.
typer.main.get_command = functools.cache(typer.main.get_command)


class Kind(Enum):
    """What an input can lead to. All but the first three are findings; NOT_MADE: HDF5 itself failed to write it."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    NOT_MADE = "not made"
    INTERNAL_ERROR = "internal error"
    HANG = "hang"
    CRASH = "crash"
    MEMORY = "out of memory"
    WRONG_ACCEPTANCE = "wrong acceptance"
    BAD_REFUSAL = "bad refusal"


FINDINGS = tuple(Kind)[3:]


@dataclass(frozen=True)
class Outcome:
    """What one input led to, and the words that say so."""

    kind: Kind
    words: str = ""


class Finding(Exception):
    """An outcome that should not be, from wherever it was seen."""

    def __init__(self, kind: Kind, words: str) -> None:
        super().__init__(words)
        self.kind = kind


class Ended(NamedTuple):
    """How a command ended."""

    status: int
    out: str
    err: str


def run(*arguments: str | Path) -> Ended:
    """Run `spikecycle` in this process; Finding where it did not end as a command may."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        status = main([str(argument) for argument in arguments])
    ended = Ended(status, out.getvalue(), err.getvalue())
    check_ended(ended)
    return ended


def check_ended(ended: Ended) -> None:
    """Finding unless a command said no more than it may: nothing internal, no traceback, a screen of clean lines."""
    if "not enough memory for this trace" in ended.err:
        raise Finding(Kind.MEMORY, ended.err)
    if ended.status not in (0, 1, REFUSED_STATUS) or "Traceback" in ended.err:
        raise Finding(Kind.INTERNAL_ERROR, f"status {ended.status}: {ended.err}")
    if ended.status == REFUSED_STATUS:
        check_refusal(ended.err.splitlines())
    elif ended.status == 0 and ended.err:
        raise Finding(Kind.BAD_REFUSAL, f"status 0, and on standard error: {ended.err}")


def check_refusal(lines: Sequence[str], beginning: str = _BEGINNING) -> None:
    """Finding unless these lines are what a refusal may say."""
    if not lines or len(lines) > MOST_LINES:
        raise Finding(Kind.BAD_REFUSAL, f"{len(lines)} lines: {lines[:2]}")
    for line in lines:
        if not line.startswith(beginning) or len(line) > LONGEST_LINE or _CONTROL.search(line):
            raise Finding(Kind.BAD_REFUSAL, f"a line of {len(line)} characters: {line[:300]!r}")


def check_says(ended: Ended, names: Iterable[str]) -> None:
    """Finding unless every line of a refusal has one of the names in it."""
    wanted = tuple(names)
    for line in ended.err.splitlines():
        if not any(name in line for name in wanted) and not line.endswith("more of the kind"):
            raise Finding(Kind.BAD_REFUSAL, f"names none of {', '.join(wanted)}: {line[:300]}")


def check_same(what: str, one: object, other: object) -> None:
    """Finding where two things that have to be equal are not."""
    if one != other:
        raise Finding(Kind.WRONG_ACCEPTANCE, f"{what}: {str(one)[:200]} is not {str(other)[:200]}")
