"""NIR files, imported with samples that fit the unchanged network."""

from __future__ import annotations

from pathlib import Path
from random import Random

from tests.fuzz.hdf5_changes import hostile_hdf5, plainly
from tests.fuzz.outcomes import REFUSED_STATUS, Finding, Kind, Outcome, check_says, run
from tests.fuzz.random_bytes import damaged
from tests.fuzz.surface import Trial


class NirFiles:
    """Accepted, a network's trace is the integers' own: it is recomputed exactly. Refused, there is no trace."""

    name = "nir-files"
    share = 2
    needs_models = True

    def prepare(self, folder: Path) -> None:
        """A network with a convolution, pooling and neurons of several kinds; samples."""
        import nir
        import numpy as np
        import torch

        from tests.unit.models.importing.graphs import chain, conv, integrate, leaky, written

        random = np.random.default_rng(3)
        graphs = [
            chain(
                (1, 4, 4), conv=conv(random.normal(size=(2, 1, 3, 3)), padding=1), if1=integrate((2, 4, 4), 0.5),
                pool=nir.SumPool2d(np.array([2, 2]), np.array([2, 2]), np.array([0, 0])),
                flat=nir.Flatten({"input": np.array([2, 2, 2])}, 0),
                fc=nir.Affine(random.normal(size=(3, 8)), random.normal(size=3)), lif=leaky(3, 0.9),
            ),
            chain((2,), fc=nir.Linear(random.normal(size=(2, 2))), lif=leaky(2, 0.5)),
        ]  # fmt: skip
        self._files = [written(folder / f"{index}.nir", graph).read_bytes() for index, graph in enumerate(graphs)]
        self._samples = [folder / "0.npz", folder / "1.npz"]
        for path, shape in zip(self._samples, ((2, 3, 1, 4, 4), (2, 3, 2)), strict=True):
            np.savez(path, samples=(random.random(shape) < 0.5).astype(np.uint8), labels=np.array([0, 1]))
        self._folder = folder
        torch.set_num_threads(1)  # threads do not live on in a worker

    def warm_up(self) -> None:
        """Import a good network."""
        imported(self._folder / "0.nir", self._samples[0], self._folder, [])

    def make(self, random: Random, folder: Path) -> Trial:
        """A changed network."""
        number = random.randrange(len(self._files))
        file, content, way = folder / "network.nir", self._files[number], random.random()
        if way < 0.3:
            file.write_bytes(damaged(random, content))
        elif way < 0.45:
            file.write_bytes(damaged(random, plainly(content, random)))
        else:
            file.write_bytes(hostile_hdf5(random, content, folder))
        return lambda: imported(file, self._samples[number], folder, named=[file.name, self._samples[number].name])

    def replay(self, file: Path, folder: Path) -> Outcome:
        """A network of the corpus, with either samples."""
        return [imported(file, samples, folder, [file.name, samples.name]) for samples in self._samples][-1]


def imported(network: Path, samples: Path, folder: Path, named: list[str]) -> Outcome:
    """Import a network with samples; refused, messages say one of the names."""
    out = folder / "out.h5"
    out.unlink(missing_ok=True)
    ended = run("import", network, "--samples", samples, "--out", out)
    left = [path.name for path in folder.iterdir() if path.name.startswith(".")]
    if left:
        raise Finding(Kind.BAD_REFUSAL, f"left behind: {left}")
    if ended.status == REFUSED_STATUS:
        check_says(ended, named)
        if out.exists():
            raise Finding(Kind.BAD_REFUSAL, f"refused, and a trace is there: {ended.err}")
        return Outcome(Kind.REFUSED, ended.err)
    verified = run("simulate", out, "--verify", "--json", "-")
    if verified.status == 1:
        raise Finding(Kind.WRONG_ACCEPTANCE, f"the imported trace is not what its network computes: {verified.err}")
    return Outcome(Kind.ACCEPTED, verified.err)
