"""Recordings of event cameras and cochleas: N-MNIST's binary files, SHD's HDF5 files, and all kinds of files of events
in a labelled folder, read as data sets."""

from __future__ import annotations

import shutil
from pathlib import Path
from random import Random
from typing import Any

from tests.fuzz.hdf5_changes import hostile_hdf5, plainly
from tests.fuzz.outcomes import Finding, Kind, Outcome, check_same
from tests.fuzz.random_bytes import damaged
from tests.fuzz.surface import Trial
from tests.fuzz.surfaces.models_refuse import accepted

FOLDER_FILES = ("tonic.npy", "columns.npy", "arrays.npz", "dvs128.aedat", "version3.aedat", "group.hdf5", "asl.mat")
"""Of those that the tests of event files write; .bin and .h5 are the other data sets' here."""


class EventFiles:
    """Accepted, frames are the same when they are read again, and within their bits."""

    name = "event-files"
    share = 18
    needs_models = True

    def prepare(self, folder: Path) -> None:
        """A data set of each kind, as small as it can be."""
        from tests.unit.models.data.test_event_files import written
        from tests.unit.models.data.test_nmnist import packed, write_part
        from tests.unit.models.data.test_shd import write_file

        self._folder = folder
        write_part(folder / "nmnist" / "Train", of_each=5)
        self._recording = packed([(place % 34, place % 30, place % 2, 50 * place) for place in range(20)])
        (folder / "shd").mkdir()
        for name in ("shd_train.h5", "shd_test.h5"):
            write_file(folder / "shd" / name)
        self._shd = (folder / "shd" / "shd_train.h5").read_bytes()
        self._files = {}
        for name in FOLDER_FILES:
            for label in "ab":
                for place in range(2):
                    into = folder / "folder" / label / str(place)
                    into.mkdir(parents=True, exist_ok=True)
                    self._files[name] = written(into, name).read_bytes()

    def warm_up(self) -> None:
        """Read the good data sets."""
        for name in ("nmnist", "shd", "folder"):
            accepted(lambda name=name: _frames(name, self._folder / name), name)

    def make(self, random: Random, folder: Path) -> Trial:
        """A changed recording among good ones."""
        way = random.random()
        if way < 0.25:
            file = folder / "00000.bin"
            file.write_bytes(damaged(random, self._recording))
        elif way < 0.65:
            name = random.choice(list(self._files))
            file = folder / f"changed{Path(name).suffix}"
            is_hdf5 = file.suffix == ".hdf5" and random.random() < 0.5
            content = self._files[name]
            file.write_bytes(hostile_hdf5(random, content, folder) if is_hdf5 else damaged(random, content))
        else:
            file = folder / "shd_train.h5"
            content = self._shd if random.random() < 0.6 else plainly(self._shd, random)
            changed = damaged(random, content) if random.random() < 0.5 else hostile_hdf5(random, content, folder)
            file.write_bytes(changed)
        return lambda: self.replay(file, folder)

    def replay(self, file: Path, folder: Path) -> Outcome:
        """A recording of the corpus: .bin is N-MNIST's, .h5 is SHD's, all others lie in a labelled folder."""
        name = {".bin": "nmnist", ".h5": "shd"}.get(file.suffix, "folder")
        place = {"nmnist": "Train/3/00000.bin", "shd": "shd_train.h5", "folder": f"a/0/changed{file.suffix}"}[name]
        root = folder / name
        shutil.copytree(self._folder / name, root)
        shutil.copy(file, root / place)
        frames, words = accepted(lambda: _frames(name, root), root.name)
        if words:
            return Outcome(Kind.REFUSED, words)
        if any(part.max(initial=0) > 3 or part.min(initial=0) < 0 for part in frames[::2]):
            raise Finding(Kind.WRONG_ACCEPTANCE, "frames beyond their bits")
        again = _frames(name, root)
        check_same("frames read again", [part.tobytes() for part in again], [part.tobytes() for part in frames])
        return Outcome(Kind.ACCEPTED)


def _frames(name: str, root: Path) -> list[Any]:
    from spikecycle.models.data.options import DataOptions
    from spikecycle.models.data.registry import load_data

    sensor = 8 if name == "folder" else None
    data = load_data(name, DataOptions(root=root, timesteps=2, count_bits=2, sensor=sensor))
    return [data.train.frames, data.train.labels, data.test.frames, data.test.labels]
