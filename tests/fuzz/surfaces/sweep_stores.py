"""The folder of a sweep, with a file of it damaged, swapped, cut, or put elsewhere."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Any

from tests.fuzz import random_values
from tests.fuzz.outcomes import Finding, Kind, Outcome
from tests.fuzz.random_bytes import damaged
from tests.fuzz.surface import Trial
from tests.fuzz.surfaces.models_refuse import accepted
from tests.fuzz.yaml_trees import changed_tree

SOURCES = {"trace.h5": "a" * 64, "machine.yaml": "b" * 64}


def _row(number: int) -> dict[str, Any]:
    point = hashlib.sha256(bytes([number])).hexdigest()
    return {"number": number, "point": point, "trace": "trace.h5", "energy": 0.5 + number, "problem": None}


ROWS = {row["point"]: row for row in map(_row, range(6))}


class SweepStores:
    """What is read of a folder is what was written, or it is refused; nothing outside the folder is touched."""

    name = "sweep-stores"
    share = 8
    needs_models = True  # as all that needs Polars, which takes memory from the others' processes

    def prepare(self, folder: Path) -> None:
        """Imports alone: the threads of Polars do not live on in a worker."""
        import polars  # noqa: F401

        import spikecycle.simulator.explore.store  # noqa: F401

        self._folder = folder

    @cached_property
    def _good(self) -> tuple[Path, Path]:
        """A folder with a table and two parts, and one of another trace that is called the same."""
        from spikecycle.simulator.explore.store import SweepFolder

        rows = list(ROWS.values())
        places = self._folder / "sweep", self._folder / "other"
        for place, sources in zip(places, (SOURCES, {**SOURCES, "trace.h5": "c" * 64}), strict=True):
            shutil.rmtree(place, ignore_errors=True)  # of the worker before
            store = SweepFolder(place, sources)
            store.append(rows[:3])
            store.gather({}, ["trace"])
            store.append(rows[3:5])
            store.append(rows[5:])
        return places

    def warm_up(self) -> None:
        """Nothing that would be worth it."""

    def make(self, random: Random, folder: Path) -> Trial:
        """A changed folder."""
        good, other = self._good
        root = folder / "sweep"
        shutil.copytree(good, root)
        (folder / "victim").write_text("untouched")
        file = random.choice([path for path in sorted(root.rglob("*")) if path.is_file()])
        way = random.random()
        if way < 0.4:
            file.write_bytes(damaged(random, file.read_bytes()))
        elif way < 0.5:
            about = root / "sweep.json"
            about.write_text(json.dumps(changed_tree(random, json.loads(about.read_text()))), errors="surrogatepass")
        elif way < 0.65:
            files = [path for place in (root, other) for path in sorted(place.rglob("*")) if path.is_file()]
            file.write_bytes(random.choice(files).read_bytes())
        elif way < 0.8:
            member = random.choice([file, root / "parts"])
            shutil.rmtree(member) if member.is_dir() else member.unlink()
            target = random.choice([folder / "victim", other / "parts", folder / "nothing"])
            random.choice([lambda: member.symlink_to(target), lambda: os.mkfifo(member), member.mkdir, lambda: None])()
        elif way < 0.9:
            file.write_text(random.choice(["[" * 100_000, '{"sources":' * 20_000, "", "null", "PAR1", "[1]"]))
        else:
            file.rename(file.with_name(f"{random.choice(random_values.WORDS[8:20])}-{random.choice('1²x')}.parquet"))
        return lambda: self.replay(root, folder)

    def replay(self, file: Path, folder: Path) -> Outcome:
        """A folder of the corpus."""
        from spikecycle.simulator.explore.store import SweepFolder

        outside = {path: path.read_bytes() for path in self._outside(folder)}
        store, words = accepted(lambda: SweepFolder(file, SOURCES), file.name)
        rows, words = (None, words) if words else accepted(store.rows, file.name)
        if rows is not None:
            _check(rows)
            _, words = accepted(lambda: store.append([ROWS[next(iter(ROWS))]]), file.name)
            if not words:
                _, words = accepted(lambda: store.gather({}, ["trace"]), file.name)
            if not words:
                _check(store.rows())
        if any(path.read_bytes() != content for path, content in outside.items()):
            raise Finding(Kind.WRONG_ACCEPTANCE, "a file outside the folder was written")
        return Outcome(Kind.REFUSED, words) if words else Outcome(Kind.ACCEPTED, f"{len(rows)} rows")

    def _outside(self, folder: Path) -> list[Path]:
        places = [folder / "victim", *sorted((self._good[1] / "parts").iterdir())]
        return [place for place in places if place.exists()]


def _check(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        expected = ROWS.get(str(row["point"]), {})
        if {name: value for name, value in row.items() if name != "number"} != {
            name: value for name, value in expected.items() if name != "number"
        }:
            raise Finding(Kind.WRONG_ACCEPTANCE, f"another point than was written: {row}")
