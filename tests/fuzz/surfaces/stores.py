"""The folder of a study, with a file of it damaged, swapped, cut, or put elsewhere."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from random import Random
from typing import Any

from tests.fuzz import random_values
from tests.fuzz.outcomes import Finding, Kind, Outcome
from tests.fuzz.random_bytes import damaged
from tests.fuzz.surface import Trial
from tests.fuzz.surfaces.models_refuse import accepted
from tests.fuzz.yaml_trees import changed_tree

KEYS = ("0" * 64, "1" * 64)


class StudyStores:
    """A record is what was written, or not there; nothing outside the folder is touched."""

    name = "study-stores"
    share = 17
    needs_models = True

    def prepare(self, folder: Path) -> None:
        """A store with two networks and two floats."""
        from spikecycle.models.study.store import FLOATS, NETWORKS, FloatRecord, NetworkRecord, Store

        self._folder = folder / "study"
        store = Store.opened(self._folder, "study")
        self._records: dict[tuple[str, str], Any] = {}
        for number, key in enumerate(KEYS):
            store.place(NETWORKS, key, ".h5").write_bytes(b"trace" * (number + 3))
            network = NetworkRecord(
                accuracy_float=0.5, accuracy_fake_quantized=0.5, accuracy_integer=0.5 * number,
                correct="10" if number else "00", test_samples=2, pruned_share=0.0,
            )  # fmt: skip
            store.write(NETWORKS, key, network, (".h5",))
            store.write(FLOATS, key, FloatRecord(accuracy=0.5 * number))
            self._records[NETWORKS, key], self._records[FLOATS, key] = network, FloatRecord(accuracy=0.5 * number)

    def warm_up(self) -> None:
        """Nothing that would be worth it."""

    def make(self, random: Random, folder: Path) -> Trial:
        """A changed store."""
        root = folder / "study"
        shutil.copytree(self._folder, root)
        victim = folder / "victim"
        victim.write_text("untouched")
        file = random.choice([path for path in sorted(root.rglob("*")) if path.is_file()])
        way = random.random()
        if way < 0.35:
            file.write_bytes(damaged(random, file.read_bytes()))
        elif way < 0.65 and file.suffix == ".json":
            file.write_text(json.dumps(changed_tree(random, json.loads(file.read_text()))), errors="surrogatepass")
        elif way < 0.75:
            file.write_bytes(random.choice([path for path in sorted(root.rglob("*")) if path.is_file()]).read_bytes())
        elif way < 0.85:
            file.unlink()
            random.choice([lambda: file.symlink_to(victim), lambda: os.mkfifo(file), file.mkdir, lambda: None])()
        elif way < 0.95:
            file.write_text(random.choice(["[" * 100_000, '{"sha256":' * 20_000, "", "null", "1e999", "NaN", "[1]"]))
        else:
            file.rename(file.with_name(random.choice(random_values.WORDS[8:20])))
        return lambda: self.replay(root, folder)

    def replay(self, file: Path, folder: Path) -> Outcome:
        """A store of the corpus."""
        from spikecycle.models.study.store import Store

        store, words = accepted(lambda: Store.opened(file, "study"), file.name)
        if words:
            return Outcome(Kind.REFUSED, words)
        found = 0
        with store.locked():
            for (kind, key), record in self._records.items():
                read = store.read(kind, key, type(record))
                if read is not None and read != record:
                    raise Finding(Kind.WRONG_ACCEPTANCE, f"{kind}/{key[:4]}: another record than was written: {read}")
                if read is not None:
                    found += 1
                accepted(lambda kind=kind, key=key, record=record: store.write(kind, key, record), file.name)
        victim = folder / "victim"
        if victim.exists() and victim.read_text() != "untouched":
            raise Finding(Kind.WRONG_ACCEPTANCE, "a file outside the store was written")
        return Outcome(Kind.ACCEPTED if found == len(self._records) else Kind.REFUSED, f"{found} records")
