"""What the documentation shows of the shipped studies, from their tables: pictures and claims.

    python benchmarks/study_section.py                  print the section, from benchmarks/results/
    python benchmarks/study_section.py digits-study ..  take the tables of these studies' folders first, and draw

A test holds the page (docs/pages/studies/compression.md) and the pictures against the tables.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from spikecycle.models.study.claims import claims
from spikecycle.models.study.plots import PICTURES, rendered
from spikecycle.models.study.plots.style import styled
from spikecycle.models.study.results import Results
from spikecycle.models.study.tables import RESULT_COLUMNS, RESULTS, read_table

HERE = Path(__file__).parent
TABLES = HERE / "results"
PICTURE_FOLDER = HERE / "pictures"
SHOWN = {"energy_accuracy": "energy against accuracy", "energy_by_sparsity": "energy by sparsity"}


def studies() -> dict[str, Results]:
    """The tables that are kept, by the name of the study."""
    return {path.stem: Results(read_table(path, RESULT_COLUMNS)) for path in sorted(TABLES.glob("*.parquet"))}


def section(name: str, results: Results) -> str:
    """The page's paragraphs on one study, in Markdown."""
    return "\n".join(_lines(name, results)).replace(" uJ", " µJ").replace(" x ", " \N{MULTIPLICATION SIGN} ")


def pictures(name: str, results: Results) -> dict[Path, bytes]:
    """The page's pictures of one study, by file."""
    with styled():
        return {
            PICTURE_FOLDER / f"{name}_{picture}.svg": rendered(PICTURES[picture](results, pl.DataFrame()), "svg")
            for picture in SHOWN
        }


def _lines(name: str, results: Results) -> Iterator[str]:
    for picture, words in SHOWN.items():
        yield f"![{name}: {words}](../pictures/{name}_{picture}.svg)"
    yield ""
    for claim in claims(results):
        yield f"- **{claim.question}** {' '.join(claim.answers)}"


def main(folders: list[str]) -> None:
    """Take the tables of `folders`, draw the pictures of all studies, and print the section."""
    TABLES.mkdir(exist_ok=True)
    for folder in map(Path, folders):
        [name] = read_table(folder / RESULTS, RESULT_COLUMNS)["study"].unique().to_list()
        shutil.copyfile(folder / RESULTS, TABLES / f"{name}.parquet")
    for name, results in studies().items():
        for path, picture in pictures(name, results).items():
            path.write_bytes(picture)
        print(section(name, results), end="\n\n")


if __name__ == "__main__":
    main(sys.argv[1:])
