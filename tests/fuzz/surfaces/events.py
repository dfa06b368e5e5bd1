"""Recordings of event cameras and cochleas: N-MNIST's binary files and SHD's HDF5 files, read as data sets."""

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


class EventFiles:
    """Accepted, frames are the same when they are read again, and within their bits."""

    name = "event-files"
    share = 18
    needs_models = True

    def prepare(self, folder: Path) -> None:
        """A data set of either kind, as small as it can be."""
        from tests.unit.models.data.test_nmnist import packed, write_part
        from tests.unit.models.data.test_shd import write_file

        self._folder = folder
        write_part(folder / "nmnist" / "Train", of_each=5)
        self._recording = packed([(place % 34, place % 30, place % 2, 50 * place) for place in range(20)])
        (folder / "shd").mkdir()
        for name in ("shd_train.h5", "shd_test.h5"):
            write_file(folder / "shd" / name)
        self._shd = (folder / "shd" / "shd_train.h5").read_bytes()

    def warm_up(self) -> None:
        """Read the good data sets."""
        for name in ("nmnist", "shd"):
            accepted(lambda name=name: _frames(name, self._folder / name), name)

    def make(self, random: Random, folder: Path) -> Trial:
        """A changed recording among good ones."""
        if random.random() < 0.4:
            file = folder / "00000.bin"
            file.write_bytes(damaged(random, self._recording))
        else:
            file = folder / "shd_train.h5"
            content = self._shd if random.random() < 0.6 else plainly(self._shd, random)
            changed = damaged(random, content) if random.random() < 0.5 else hostile_hdf5(random, content, folder)
            file.write_bytes(changed)
        return lambda: self.replay(file, folder)

    def replay(self, file: Path, folder: Path) -> Outcome:
        """A recording of the corpus: .bin is N-MNIST's."""
        name = "nmnist" if file.suffix == ".bin" else "shd"
        root = folder / name
        shutil.copytree(self._folder / name, root)
        shutil.copy(file, root / ("Train/3/00000.bin" if name == "nmnist" else "shd_train.h5"))
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

    data = load_data(name, DataOptions(root=root, timesteps=2, count_bits=2))
    return [data.train.frames, data.train.labels, data.test.frames, data.test.labels]
