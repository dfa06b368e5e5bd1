"""Sample files (.npz), imported with a good network."""

from __future__ import annotations

import io
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from tests.fuzz import random_values
from tests.fuzz.outcomes import Outcome
from tests.fuzz.random_bytes import damaged
from tests.fuzz.surface import Trial
from tests.fuzz.surfaces.nir_files import imported

DTYPES = ("u1", "i1", "<i8", ">i4", "<f4", "<f8", "f2", "?", "c8", "U3", "S3", "M8[s]", "V4", "<u8")
SHAPES = ((2, 3, 2), (2, 3, 2, 1, 1), (2, 3), (0, 3, 2), (2, 0, 2), (2, 3, 3), (), (2,), (1, 1, 2), (4, 1, 2))


class SampleFiles:
    """What holds of an import holds whatever the samples."""

    name = "sample-files"
    share = 2
    needs_models = True

    def prepare(self, folder: Path) -> None:
        """The network."""
        import nir

        from tests.unit.models.importing.graphs import chain, leaky, written

        graph = chain((2,), fc=nir.Linear(np.array([[1.0, 0.5], [0.25, -1.0]])), lif=leaky(2, 0.5))
        self._network = written(folder / "network.nir", graph)

    def warm_up(self) -> None:
        """Nothing that would be worth it."""

    def make(self, random: Random, folder: Path) -> Trial:
        """Changed samples."""
        file = folder / "samples.npz"
        arrays: dict[str, Any] = {"samples": (np.arange(12) % 3 == 0).reshape(2, 3, 2).astype(np.uint8)}
        arrays["labels"] = np.array([0, 1])
        if random.random() < 0.6:
            _change(random, arrays)
        stream = io.BytesIO()
        random.choice([np.savez, np.savez, np.savez_compressed])(stream, **arrays)
        content = stream.getvalue()
        if random.random() < 0.5:
            content = damaged(random, content)
        if random.random() < 0.1:
            content = _header(random, content)
        file.write_bytes(content)
        return lambda: self.replay(file, folder)

    def replay(self, file: Path, folder: Path) -> Outcome:
        """Samples of the corpus."""
        return imported(self._network, file, folder, [file.name, self._network.name])


def _change(random: Random, arrays: dict[str, Any]) -> None:
    key = random.choice(list(arrays))
    way = random.randrange(6)
    with np.errstate(all="ignore"):
        if way == 0:
            arrays[key] = np.zeros(random.choice(SHAPES), random.choice(DTYPES))
        elif way == 1:
            arrays[key] = arrays[key].astype(random.choice(DTYPES[:8]))
        elif way == 2:
            values = arrays[key].astype(np.float64)
            values.reshape(-1)[random.randrange(values.size)] = random.choice(random_values.REALS)
            arrays[key] = values
        elif way == 3:
            arrays[random.choice(["x", "samples ", "a/b", "..", "labels.npy"])] = np.zeros(2)
        elif way == 4:
            arrays[key] = np.array([{"a": 1}, None], object)
        else:
            del arrays[key]


def _header(random: Random, content: bytes) -> bytes:
    """A header of the same length that declares another shape or type."""
    old = random.choice([b"(2, 3, 2), }", b"'|u1'", b"False", b"(2,), }"])
    new = random.choice([b"(9, 9, 9), }", b"(2**64,),} ", b"'|O1'", b"True ", b"(-2,), }", b"'|V1'", b"(1e9,)}"])
    return content.replace(old, new[: len(old)].ljust(len(old)))
