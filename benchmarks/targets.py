"""All targets of the simulator's speed, measured one after the other on this computer, as one table.

    python benchmarks/targets.py [--only KEY,...] [--markdown FILE] [--json FILE] [--runs N]
        [--first-runs MACHINE,... | all] [--memory MACHINE,... | all] [--gigabytes N] [--folder FOLDER]

Nothing else should run meanwhile. Every row names its --only, which measures it alone. Times are wall time and medians
unless the row says otherwise, with kernels compiled before; of what takes turns, ratios are medians of pairs. A group
of machines is judged by its slowest. Kernels of first runs are compiled into folders of their own; whole processes are
those of the environment that runs this. --first-runs and --memory name the machines of these rows; with `all` for both
there is a table of every machine. --gigabytes adds a trace of that size. --markdown writes the tables to a file, or
between its lines <!-- targets --> and <!-- /targets -->, <!-- machines --> and <!-- /machines -->.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import arguments
from target_measurements import MEASUREMENTS, Setting
from target_rows import Row, machine_table, placed, plain_table, target_table

from spikecycle.cores import cores
from spikecycle.simulator import shipped_machines
from spikecycle.simulator.bench.measure import processor
from spikecycle.wording import numbered

PACKAGES = ("spikecycle", "numpy", "numba", "h5py", "torch", "sanafe")
FIRST_RUNS = ("spike_array", "spike_array_edge", "eyeriss_snn", "eyeriss_sparseloop", "phi", "gamma_s", "sparten_s")
"""Those that compile the most of each kind, and the default machine."""
MEMORY = ("spike_array", "spike_array_edge", "eyeriss_snn", "eyeriss_sparseloop", "loihi")
"""Those that take the most."""
QUIET_LOAD = 0.5
"""Above it, this is not the only thing that runs."""


@dataclass(frozen=True)
class Conditions:
    """Where and when it was measured."""

    began: str
    ended: str
    minutes: float
    processor: str
    cores: int
    versions: dict[str, str]
    load_before: float
    load_after: float

    def __str__(self) -> str:
        versions = ", ".join(f"{name} {number}" for name, number in self.versions.items())
        return (
            f"`python benchmarks/targets.py`, {self.began} to {self.ended}, {self.minutes:.0f} minutes. "
            f"{numbered(self.cores, 'core')} of {self.processor}; {versions}. Load average {self.load_before:.2f} at "
            f"the start, {self.load_after:.2f} at the end, this measurement itself included."
        )


def load() -> float:
    """Processes that ran or waited, on average over the last minute."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0


def versions() -> Iterator[tuple[str, str]]:
    """Of what has a part in it and is installed."""
    yield "Python", platform.python_version()
    for package in PACKAGES:
        try:
            yield package, version(package)
        except PackageNotFoundError:
            continue


def measure(setting: Setting, keys: list[str]) -> tuple[Conditions, list[Row]]:
    """The rows of these measurements; progress goes to standard error."""
    began, start, load_before = now(), time.monotonic(), load()
    if load_before > QUIET_LOAD:
        print(f"load average {load_before:.2f}: something else runs, and times will be noise", file=sys.stderr)
    rows: list[Row] = []
    for index, key in enumerate(keys):
        passed = time.monotonic() - start
        print(f"[{index + 1}/{len(keys)}, {passed:.0f} s] {key}", file=sys.stderr, flush=True)
        try:
            rows += MEASUREMENTS[key].rows(key, setting)
        except MEASUREMENTS[key].refusals as error:
            rows.append(Row(key, MEASUREMENTS[key].what, problem=" ".join(str(error).split())))
    minutes = (time.monotonic() - start) / 60
    found = Conditions(began, now(), minutes, processor(), cores(), dict(versions()), load_before, load())
    return found, rows


def now() -> str:
    """The time of day in words."""
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")


def write_markdown(path: Path, conditions: Conditions, rows: list[Row], with_machines: bool) -> None:
    """Both tables, in their places if the file has them."""
    parts = {"targets": f"{conditions}\n\n{target_table(rows)}"}
    if with_machines:
        parts["machines"] = f"Of the same run as the targets.\n\n{machine_table(rows, shipped_machines())}"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    if "<!-- targets -->" in text:
        for marker, content in parts.items():
            text = placed(text, marker, content)
    else:
        text = "\n\n".join(parts.values()) + "\n"
    path.write_text(text, encoding="utf-8")


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", metavar="KEY,...", help=f"of {', '.join(MEASUREMENTS)}")
    parser.add_argument("--markdown", type=Path, metavar="FILE")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--runs", type=arguments.count, default=9, help="of what takes a few seconds at most")
    parser.add_argument("--first-runs", default=",".join(FIRST_RUNS), metavar="MACHINE,...", help="or all")
    parser.add_argument("--memory", default=",".join(MEMORY), metavar="MACHINE,...", help="or all")
    parser.add_argument("--gigabytes", type=float, default=0.0, metavar="N", help="of a large trace; none by default")
    parser.add_argument("--folder", help="where traces go while they are measured")
    given = parser.parse_args()
    keys = given.only.split(",") if given.only else [key for key in MEASUREMENTS if key != "large" or given.gigabytes]
    if unknown := [key for key in keys if key not in MEASUREMENTS]:
        parser.error(f"--only {','.join(unknown)}: write some of {', '.join(MEASUREMENTS)}")
    if given.only and given.markdown and given.markdown.exists():
        parser.error(f"{given.markdown} exists, and would lose the rows that --only leaves out")
    every = given.first_runs == given.memory == "all" and not given.only
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        setting = Setting(
            Path(folder), given.runs, machines(parser, given.first_runs), machines(parser, given.memory),
            given.gigabytes,
        )  # fmt: skip
        conditions, rows = measure(setting, keys)
    print(f"{plain_table(rows)}\n\n{conditions}".replace("`", ""))
    if every:
        print(f"\n{machine_table(rows, shipped_machines())}")
    if given.json:
        document = {"conditions": asdict(conditions), "rows": [asdict(row) | {"met": row.met} for row in rows]}
        given.json.write_text(json.dumps(document, indent=1), encoding="utf-8")
    if given.markdown:
        write_markdown(given.markdown, conditions, rows, every)


def machines(parser: argparse.ArgumentParser, text: str) -> tuple[str, ...]:
    """Names of shipped machines, or all of them."""
    names = tuple(shipped_machines()) if text == "all" else tuple(text.split(","))
    if unknown := [name for name in names if name not in shipped_machines()]:
        parser.error(f"{', '.join(unknown)}: there is no such machine; write all, or some of spikecycle list")
    return names


if __name__ == "__main__":
    main()
