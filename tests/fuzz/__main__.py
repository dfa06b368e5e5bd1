"""The command of the campaign: `python -m tests.fuzz --inputs 100000 --seed 1`; status 1 where something was found."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.fuzz.campaign import Tally, campaign, share_out
from tests.fuzz.journal import Journal, code, codes
from tests.fuzz.outcomes import FINDINGS, Kind
from tests.fuzz.surface import Surface
from tests.fuzz.surfaces import SURFACES
from tests.fuzz.worker import Job

MEMORY_FOLDER = Path("/dev/shm")
"""Files are written and read there where it is: the campaign should not wear out a disk."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a campaign and print its table, of all inputs of that seed in the journal."""
    options = _options(arguments)
    code()  # as it is now: what is tried is loaded soon
    surfaces = [surface for surface in SURFACES if not options.only or surface.name in options.only]
    jobs = (
        [Job(surface, options.index) for surface in surfaces]
        if options.index is not None
        else share_out(surfaces, options.inputs, options.first)
    )
    began_s = time.monotonic()
    where = str(MEMORY_FOLDER) if MEMORY_FOLDER.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="spikecycle-fuzz-", dir=where) as folder:
        journal = Journal(options.journal or Path(folder) / "journal")
        done = {} if options.again else journal.entries(options.seed)
        jobs = [job for job in jobs if (job.surface.name, job.index) not in done]
        groups = [[job for job in jobs if job.surface.needs_models == needs] for needs in (False, True)]
        parts = [group[first :: options.jobs] for group in groups for first in range(options.jobs)]
        places = [Path(folder) / str(number) for number in range(len(parts))]
        starts = [
            lambda part=part, place=place: _start(part, options.seed, place, options.keep, journal)
            for part, place in zip(parts, places, strict=True)
            if part
        ]
        running = [start() for start in starts] if options.jobs > 1 else (start() for start in starts)
        for child in running:
            if os.waitpid(child, 0)[1]:
                raise SystemExit("the campaign itself failed")
        tried = list(journal.entries(options.seed).values())
    seconds = time.monotonic() - began_s
    tally = Tally()
    for entry in tried:
        tally.add(entry)
    commits = ", ".join(f"{count:,} on {name}" for name, count in codes(tried).items())
    sys.stdout.write(table(tally) + f"\nseed {options.seed}, {len(jobs):,} now in {seconds:.0f} s; {commits}\n")
    for found in tally.found:
        words = found.words.strip().splitlines() or [""]
        sys.stdout.write(f"{found.kind}: {found.surface} --index {found.index}: {words[-1][:300]}\n")
    return 1 if tally.found else 0


def _start(jobs: Sequence[Job], seed: int, folder: Path, kept: Path | None, journal: Journal) -> int:
    """Begin a campaign in a process of its own, whose imports are no burden to others: its number."""
    folder.mkdir(parents=True)
    child = os.fork()
    if child:
        return child
    try:
        surfaces: list[Surface] = list(dict.fromkeys(job.surface for job in jobs))
        for surface in surfaces:
            (folder / surface.name).mkdir()
            surface.prepare(folder / surface.name)
            surface.warm_up()
        campaign(jobs, seed, folder / "cases", kept, journal=journal)
        os._exit(0)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(1)


def table(tally: Tally) -> str:
    """Counts by surface and in all, as a Markdown table."""
    columns = [kind.value for kind in Kind]
    lines = [
        f"| surface | inputs | {' | '.join(columns)} | most memory | longest |",
        f"|---|{'---:|' * (len(columns) + 3)}",
    ]
    for name, counts in tally.kinds.items():
        cells = [str(sum(counts.values())), *(str(counts.get(column, 0)) for column in columns)]
        peak = f"{tally.peak_bytes[name] / 2**20:.0f} MiB"
        lines.append(f"| {name} | {' | '.join(cells)} | {peak} | {tally.longest_s[name]:.1f} s |")
    sums = [sum(counts.get(column, 0) for counts in tally.kinds.values()) for column in columns]
    lines.append(f"| all | {sum(sums)} | {' | '.join(map(str, sums))} | | |")
    assert sum(sums[columns.index(kind.value)] for kind in FINDINGS) == len(tally.found)
    return "\n".join(lines)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    names = [surface.name for surface in SURFACES]
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=2_000, help="How many inputs, over all surfaces.")
    parser.add_argument("--seed", type=int, default=1, help="The same seed makes the same inputs.")
    parser.add_argument("--first", type=int, default=0, help="Number of the first input of each surface.")
    parser.add_argument("--index", type=int, help="Only the input of this number, of each surface.")
    parser.add_argument("--only", action="append", choices=names, help="Only this surface. Repeatable.")
    parser.add_argument("--jobs", type=int, default=1, help="Processes for what needs torch, and as many for the rest.")
    parser.add_argument(
        "--journal", type=Path, help="A file of what came of each input; those in it are not tried again."
    )
    parser.add_argument("--again", action="store_true", help="Try inputs again that are in the journal.")
    parser.add_argument("--keep", type=Path, help="A folder for the files of what is found.")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
