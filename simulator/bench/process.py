"""A process that measures one thing, one run at a time, when it is asked.

Runs of several such processes can take turns, so that what slows down the computer slows down all of them alike, and
the memory of one does not count for another.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from tempfile import TemporaryFile
from types import TracebackType
from typing import Any


class BenchProcess:
    """A Python module that serves runs (`spikecycle.bench_server`).

    first: what it found before its first measured run. problem: why it cannot measure, or measures no more, or "".
    compiling: told of each kernel that is compiled before.
    """

    def __init__(
        self, module: str, task: Mapping[str, Any], compiling: Callable[[str], None] = lambda kernel: None
    ) -> None:
        # Not a pipe: one that nobody reads would fill, and the process would wait for ever.
        self._said = TemporaryFile("w+", errors="replace")  # noqa: SIM115  # closed with the process
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", module],  # -P: no modules of the working directory, whosever it is
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._said,
            text=True,
        )  # fmt: skip
        self.problem = ""
        self._compiling = compiling
        try:
            self.first = self._ask(json.dumps(task))
        except BaseException:  # interrupted while it waits: nobody has it yet who would end it
            self._end()
            raise

    def run(self) -> dict[str, Any]:
        """One run more: what it took. Nothing, and there is a problem, where the process ended instead."""
        return self._ask("")

    def __enter__(self) -> BenchProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _end(self) -> None:
        self._process.kill()
        self._process.communicate()
        self._said.close()

    def _reason(self) -> str:
        """Why it ended: the signal of who killed it, or the last line that it said."""
        if self._process.returncode < 0:
            return f"was ended by signal {-self._process.returncode}"
        self._said.seek(0)
        said = self._said.read().strip().splitlines() or ["it said nothing"]
        return f"ended: {said[-1]}"

    def _ask(self, line: str) -> dict[str, Any]:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        try:
            stdin.write(line + "\n")
            stdin.flush()
        except BrokenPipeError:
            pass  # it has ended, and what it said is read below
        while True:
            answer = stdout.readline()
            if not answer:
                self._process.communicate()
                self.problem = f"the measuring process {self._reason()}"
                return {}
            found: dict[str, Any] = json.loads(answer)
            if "compiling" not in found:
                break
            self._compiling(found["compiling"])
        self.problem = str(found.get("problem", ""))
        return found
