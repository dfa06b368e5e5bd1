"""The measuring side of `spikecycle bench`: a process that makes one run for each line that it reads.

The first line is the task, as JSON; each answer is one line of JSON.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from typing import Any

Run = Callable[[], Mapping[str, Any]]


def serve(
    prepare: Callable[[Mapping[str, Any]], tuple[Mapping[str, Any], Run]], refusals: tuple[type[Exception], ...]
) -> None:
    """`prepare(task)` gives the first answer and a function that makes one run and says what it took.

    refusals: exceptions that say why there is nothing to measure; they are answered as {"problem": text}.
    """
    task = json.loads(sys.stdin.readline())
    with redirect_stdout(sys.stderr):  # what plugins and other libraries print is no answer
        try:
            first, run = prepare(task)
        except refusals as error:
            answer({"problem": str(error)})
            return
        answer(first)
        for _ in sys.stdin:
            answer(run())


def answer(found: Mapping[str, Any]) -> None:
    """Say it, now."""
    assert sys.__stdout__ is not None
    sys.__stdout__.write(json.dumps(found) + "\n")
    sys.__stdout__.flush()
