"""Documents that lie beside the code, as pages of the site, and links that lead somewhere in both.

Whoever reads a document in a checkout follows its links to files of the repository. In the site the same links lead to
the pages that are made of those files; where there is none, to nothing: the file's path is shown instead.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = {
    "traces/FORMAT.md": "reference/trace.md",
    "simulator/ADDING.md": "reference/adding.md",
    "simulator/RESULT.md": "reference/results.md",
    "simulator/explore/EXPLORE.md": "explore.md",
    "simulator/validation/README.md": "reference/validation.md",
    "models/importing/SUPPORTED.md": "reference/imports.md",
    "simulator/dataflows/pattern_correction/MICROARCHITECTURE.md": "reference/pattern_correction.md",
    "simulator/dataflows/dual_sparse/MICROARCHITECTURE.md": "reference/dual_sparse.md",
    "simulator/dataflows/routed_cores/MICROARCHITECTURE.md": "reference/routed_cores.md",
    "simulator/dataflows/spike_array/MICROARCHITECTURE.md": "reference/spike_array.md",
    "simulator/dataflows/row_stationary/MICROARCHITECTURE.md": "reference/row_stationary.md",
    "tests/validation/DEVIATIONS.md": "reference/deviations.md",
    "benchmarks/README.md": "reference/speed.md",
    "SECURITY.md": "reference/security.md",
    "tests/fuzz/FUZZING.md": "reference/fuzzing.md",
    "tests/faults/FAULTS.md": "reference/faults.md",
    "tests/rtl/DEVIATIONS.md": "reference/rtl_deviations.md",
    "models/study/STUDY.md": "studies/files.md",
    "models/study/TABLES.md": "studies/tables.md",
    "models/stdp/RECIPE.md": "studies/stdp.md",
    "benchmarks/published/README.md": "studies/published.md",
}
"""Page in the site by file in the repository."""
MADE_OF = {
    "docs/generators/glossary.md": "reference/glossary.md",
    "docs/generators/validation.md": "validation.md",
    "hwconfigs": "machines/index.md",
    "simulator/machine/schema.py": "machines/keys.md",
    "simulator/validation/tables": "reference/ledger.md",
}
"""Generated pages by what they are made of, which is the next best thing to read without the site."""
WRITTEN = "docs/pages/"
"""Where pages lie that are in the site as they are."""
_LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)#:\s]+)(#[^)\s]*)?\)")


def repository_pages() -> dict[str, str]:
    """Text by path in the site."""
    return {page: with_links((ROOT / file).read_text(), file, page) for file, page in PAGES.items()}


def with_links(text: str, file: str, page: str) -> str:
    """The text of a file, its links leading where they lead from the page."""

    def replaced(link: re.Match[str]) -> str:
        picture, words, target, anchor = link.groups()
        meant = os.path.normpath(Path(file).parent / target)
        there = page_of(meant)
        if there is not None:
            return f"{picture}[{words}]({os.path.relpath(there, Path(page).parent)}{anchor or ''})"
        return f"*{words}*" if picture else f"`{meant}`"

    return _LINK.sub(replaced, text)


def page_of(file: str) -> str | None:
    """The page, or picture, that a file of the repository is in the site; None where it is in none."""
    return file.removeprefix(WRITTEN) if file.startswith(WRITTEN) else {**PAGES, **MADE_OF}.get(file)
