"""What is killed: a small study and a small sweep, which go on where they were when they are run again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from tests.faults.forked import spikecycle

STUDY = Path(__file__).with_name("tiny.yaml")
CLOCKS = ",".join(map(str, range(100, 220)))


class Subject(Protocol):
    """A command that keeps what is finished in a folder. survives_a_worker: it ends well when one of them is lost."""

    name: str
    survives_a_worker: bool

    def prepare(self, folder: Path) -> None:
        """Load and compile what a fork would load and compile again, and make what the command reads."""

    def command(self, out: Path, jobs: int) -> Callable[[], int]:
        """Run it, or go on with it."""

    def records(self, out: Path) -> dict[str, str]:
        """Finished points in its folder, by name."""


class StudySubject:
    """Five parts: a float network, four compressions on one machine in two formats."""

    name = "study"
    survives_a_worker = False

    def prepare(self, folder: Path) -> None:
        """Modules and kernels; nothing that starts threads."""
        import snntorch  # noqa: F401

        from spikecycle.models.study import command, plots, runner, schema  # noqa: F401
        from spikecycle.simulator import simulate

        simulate("digits-8bit", "spike_array", samples=[0])

    def command(self, out: Path, jobs: int) -> Callable[[], int]:
        """`spikecycle study`."""
        return spikecycle(["study", str(STUDY), "--out", str(out), "--jobs", str(jobs)])

    def records(self, out: Path) -> dict[str, str]:
        """Its JSON files in folders of records."""
        files = [file for kind in ("floats", "networks", "simulations") for file in (out / kind).glob("*.json")]
        return {f"{file.parent.name}/{file.name}": file.read_text() for file in files}


class SweepSubject:
    """Clocks and PEs of two machines, one of which has columns that the other has not."""

    name = "sweep"
    survives_a_worker = True

    def prepare(self, folder: Path) -> None:
        """A small trace, modules and kernels."""
        import distributed  # noqa: F401
        import polars  # noqa: F401

        from spikecycle.simulator import simulate
        from tests.unit.explore.small import small_trace

        self._trace = small_trace(folder / "small.h5")
        for machine in ("spike_array", "mint"):
            simulate(self._trace, machine)

    def command(self, out: Path, jobs: int) -> Callable[[], int]:
        """`spikecycle sweep`; with several jobs, a Dask cluster is started at once, as for a sweep of minutes."""
        words = ["sweep", str(self._trace), "--hw", "spike_array", "--hw", "mint", "--jobs", str(jobs)]
        words += ["--set", f"technology.clock_mhz={CLOCKS}", "--out", str(out)]
        return spikecycle(words, _start_workers_at_once if jobs > 1 else lambda: None)

    def records(self, out: Path) -> dict[str, str]:
        """Its points, from parts and from the whole table: they move from the ones to the other."""
        import polars as pl

        rows = [row for file in sorted(out.rglob("*.parquet")) for row in pl.read_parquet(file).iter_rows(named=True)]
        return {
            str(row["point"]): json.dumps({k: v for k, v in row.items() if v is not None}, sort_keys=True)
            for row in rows
        }


def _start_workers_at_once() -> None:
    from spikecycle.simulator.explore import sweep

    sweep.ALONE_S = sweep.WORTH_S = 0.0


SUBJECTS: tuple[Subject, ...] = (StudySubject(), SweepSubject())
