"""What the documentation shows of the shipped studies, from their tables: pictures and claims.

    python benchmarks/study_section.py                  print the sections and the README's table from the kept tables
    python benchmarks/study_section.py digits-study ..  first keep the tables of these studies' folders, and draw

A test holds the page (docs/pages/studies/compression.md), the README and the pictures against the tables.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from spikecycle.models.study.claims import claims
from spikecycle.models.study.losses import free_pruning, loss, reference, ternary
from spikecycle.models.study.plots import PICTURES, rendered
from spikecycle.models.study.plots.style import styled
from spikecycle.models.study.results import CompressedNetwork, Results
from spikecycle.models.study.tables import RESULT_COLUMNS, RESULTS, read_table

HERE = Path(__file__).parent
TABLES = HERE / "results"
PICTURE_FOLDER = HERE / "pictures"
FRONT = {"digits": "digits", "nmnist": "N-MNIST (1,000)"}
SHOWN = {"energy_accuracy": "energy against accuracy", "energy_by_sparsity": "energy by sparsity"}


def studies() -> dict[str, Results]:
    """The tables that are kept, by the name of the study."""
    return {path.stem: Results(read_table(path, RESULT_COLUMNS)) for path in sorted(TABLES.glob("*.parquet"))}


def section(name: str, results: Results) -> str:
    """The page's paragraphs on one study, in Markdown."""
    return "\n".join(_lines(name, results)).replace(" uJ", " µJ").replace(" x ", " \N{MULTIPLICATION SIGN} ")


def front_table(by_study: dict[str, Results]) -> str:
    """What the README shows of the studies in `FRONT`, in Markdown."""
    shown = [_front_column(name, by_study[name]) for name in FRONT]
    rows = [[question, *(column[question] for column in shown)] for question in shown[0]]
    lines = [["five seeds, beside 8 bits", *FRONT.values()], ["---"] * (1 + len(shown)), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _front_column(name: str, results: Results) -> dict[str, str]:
    whole, few_bits = reference(results), ternary(results)
    free, _ = free_pruning(results.pruned_alone()["global_magnitude"], whole, results.margin) if whole else (None, None)
    if whole is None or few_bits is None or free is None or {whole.seeds, few_bits.seeds, free.seeds} != {5}:
        raise SystemExit(f"{name}: five seeds, ternary weights and free pruning are needed")
    energies = {
        machine: [cost.energy_uj for network in (whole, few_bits, free) if (cost := results.cost(network, machine))]
        for machine in results.machines
    }
    saved = [f"{100 * (1 - b / a):.0f} %" for a, b, _ in energies.values()]
    ratios = [f"{c / b:.2f} \N{MULTIPLICATION SIGN}" for _, b, c in energies.values()]
    lost = {network.name: loss(network, whole, results.margin) for network in (few_bits, free)}

    def losing(network: CompressedNetwork) -> str:
        bound = 100 * lost[network.name].compared.bound
        return f"{100 * lost[network.name].lost:.2f} points, at most {bound:.2f}"

    machines = ", ".join(f"`{machine}`" for machine in energies)
    return {
        "ternary weights lose": losing(few_bits),
        f"energy saved on {machines}": ", ".join(saved),
        "pruning that loses below 2 points": f"{100 * free.pruned_share:.3g} %: {losing(free)}",
        "pruned beside ternary energy": ", ".join(ratios),
    }


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


def main() -> None:
    """Take the tables of the folders, draw the pictures of all studies, and print the section."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "folders", nargs="*", type=Path, metavar="FOLDER", help="of a study whose tables are kept first"
    )
    folders: list[Path] = parser.parse_args().folders
    if missing := [str(folder) for folder in folders if not (folder / RESULTS).is_file()]:
        parser.error(f"{', '.join(missing)}: there is no {RESULTS}")
    TABLES.mkdir(exist_ok=True)
    for folder in folders:
        [name] = read_table(folder / RESULTS, RESULT_COLUMNS)["study"].unique().to_list()
        shutil.copyfile(folder / RESULTS, TABLES / f"{name}.parquet")
    for name, results in studies().items():
        for path, picture in pictures(name, results).items():
            path.write_bytes(picture)
        print(section(name, results), end="\n\n")
    print(front_table(studies()))


if __name__ == "__main__":
    main()
