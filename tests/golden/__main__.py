"""Freeze again: `python -m tests.golden [CASE ...]` rewrites the golden files, all of them or those of the cases named.

Never run by tests. Do it only where results are meant to change, and say why in the commit.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from tests.golden.cases import CASES, Case
from tests.golden.golden_file import FOLDER, META, path_of, simulated, to_text

ROOT = Path(__file__).parent.parent.parent
WITHOUT_TESTS = ("--", ".", ":!tests")


def _git(*arguments: str) -> str:
    return subprocess.run(("git", *arguments), cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


def program_commit() -> str:
    """The last commit that changed anything but tests, "+changes" if the working tree differs from it."""
    commit = _git("log", "-1", "--format=%H", *WITHOUT_TESTS)
    return f"{commit} +changes" if _git("status", "--porcelain", *WITHOUT_TESTS) else commit


def freeze_file(case: Case, commit: str, command: str, date: str) -> None:
    """Simulate a case and write its file."""
    with tempfile.TemporaryDirectory() as folder:
        results, made_from = simulated(case, Path(folder))
    meta = {
        "commit": commit,
        "command": command,
        "date": date,
        **made_from,
        "trace": case.trace,
        "machine": case.machine,
        "samples": list(case.samples),
        "settings": dict(case.settings),
        "formats": dict(case.formats),
        "ideal_memory": case.ideal_memory,
    }
    path_of(case.name).write_text(to_text({META: meta, **results}), encoding="utf-8")


def main(names: list[str]) -> int:
    """Rewrite files; without names, remove those that no case has any more. 2 on a name that is no case."""
    unknown = [name for name in names if name not in CASES]
    if unknown:
        print(f"no such case: {', '.join(unknown)}", file=sys.stderr)  # noqa: T201
        return 2
    FOLDER.mkdir(exist_ok=True)
    command = " ".join(("python -m tests.golden", *names))
    commit, date = program_commit(), datetime.now(UTC).strftime("%Y-%m-%d")
    for name in names or CASES:
        freeze_file(CASES[name], commit, command, date)
    if not names:
        for path in set(FOLDER.glob("*.json")) - {path_of(name) for name in CASES}:
            path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
