"""Documents that lie beside the code, as pages of the site; their links to code become its path."""

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
_LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)#:\s]+)(#[^)\s]*)?\)")


def repository_pages() -> dict[str, str]:
    """Text by path in the site."""
    return {page: with_links((ROOT / file).read_text(), file, page) for file, page in PAGES.items()}


def with_links(text: str, file: str, page: str) -> str:
    """The text of a file, its links leading where they lead from the page."""

    def replaced(link: re.Match[str]) -> str:
        picture, words, target, anchor = link.groups()
        meant = os.path.normpath(Path(file).parent / target)
        if meant in PAGES:
            return f"[{words}]({os.path.relpath(PAGES[meant], Path(page).parent)}{anchor or ''})"
        return f"*{words}*" if picture else f"`{meant}`"

    return _LINK.sub(replaced, text)
