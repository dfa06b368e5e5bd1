"""Making the checks: those that have their data, on all machines or on one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from spikecycle.simulator.errors import UsageError
from spikecycle.simulator.validation import CHECKS, Check, Report, Row, Skipped
from spikecycle.suggestions import known_names


def validate(
    data: str | Path | None = None,
    machine: str | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> Report:
    """All rows of all checks whose data is there.

    data: folder with the data files of others. machine: only rows of this machine. progress: called as
    progress(check, checks done, checks in all). UsageError for a folder that is not there, or a machine without checks.
    """
    folder = None if data is None else _folder(data)
    chosen = [check for _, check in CHECKS.items() if machine is None or machine in check.machines]
    if not chosen:
        known = sorted({name for _, check in CHECKS.items() for name in check.machines})
        raise UsageError(f"no check of a machine {machine!r}{known_names(str(machine), known, 'there are checks of:')}")
    rows: list[Row] = []
    skipped: list[Skipped] = []
    for done, check in enumerate(chosen):
        if progress:
            progress(check.name, done, len(chosen))
        missing = _missing(check, folder)
        if missing:
            where = "needs --data FOLDER with" if folder is None else f"{folder} lacks"
            skipped.append(Skipped(check.name, f"{where} {', '.join(missing)}"))
        else:
            rows += [row for row in check.rows(folder) if machine is None or row.machine == machine]
    return Report(tuple(rows), tuple(skipped))


def _folder(data: str | Path) -> Path:
    folder = Path(data)
    if not folder.is_dir():
        raise UsageError(f"--data {data}: {'is no folder' if folder.exists() else 'there is no such folder'}")
    return folder


def _missing(check: Check, folder: Path | None) -> list[str]:
    return [name for name in check.needs if folder is None or not (folder / name).is_file()]
