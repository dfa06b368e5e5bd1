"""The corpus: inputs that were findings once, or are of a kind that was; CI tries each again in seconds.

    corpus/SURFACE/refused-NAME    has to be refused
    corpus/SURFACE/accepted-NAME   has to be taken

`python -m tests.fuzz.replay FOLDER SURFACE...` prints a line of JSON for each: its place and what came of it.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.fuzz.outcomes import Finding
from tests.fuzz.surface import Surface
from tests.fuzz.surfaces import SURFACES

CORPUS = Path(__file__).parent / "corpus"


def inputs(surface: str) -> list[Path]:
    """The corpus of a surface, sorted."""
    return sorted((CORPUS / surface).iterdir())


def replayed(surface: Surface, folder: Path) -> Iterator[tuple[str, str]]:
    """Every input of the corpus of a surface by name, and what came of it."""
    (folder / "prepared").mkdir(parents=True)
    surface.prepare(folder / "prepared")
    for path in inputs(surface.name):
        place = folder / path.stem
        place.mkdir()
        copied = place / path.name
        if path.is_dir():
            shutil.copytree(path, copied)
        else:
            shutil.copy(path, copied)
        try:
            yield path.name, surface.replay(copied, place).kind.value
        except Finding as finding:
            yield path.name, f"{finding.kind.value}: {finding}"


def main(arguments: Sequence[str]) -> int:
    """Replay the corpora of surfaces, each in a folder below the one that comes first."""
    folder, *names = arguments
    for surface in SURFACES:
        if surface.name in names:
            for name, came in replayed(surface, Path(folder) / surface.name):
                sys.stdout.write(json.dumps([surface.name, name, came]) + "\n")
                sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
