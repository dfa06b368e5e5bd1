"""What each importer supports, as a page, from what the importers themselves declare.

python -m spikecycle.models.importing.support_table        writes SUPPORTED.md beside this module
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from spikecycle.models.importing import nir_nodes
from spikecycle.models.importing.forms import REFUSED, TAKEN_AS
from spikecycle.models.importing.functions import FUNCTIONS
from spikecycle.models.importing.recorder import MOVES
from spikecycle.models.importing.spiking import CONSTRUCTS, frameworks

PAGE = Path(__file__).with_name("SUPPORTED.md")
HEAD = """# What imports support

Generated from the importers' own declarations by `python -m spikecycle.models.importing.support_table`.

A network is a NIR file or graph, or a torch module that is run on an example. Everything else is refused, in a line
that names the node or module.
"""
BETWEEN = """
## Between neurons

Of a torch module of any framework, what its forward does with these functions is followed, but for what the last table
refuses: layers of `torch.nn` call them. A module that does something else, or that does something to states between
timesteps, is found by running it on random numbers, and refused by name. What it makes of its outputs is found in the
same way: sums or means over time, the last or the largest, votes of groups, classes in another order; a module that
answers by something else is imported with a remark that accuracies are not its own.
"""


def page() -> str:
    """The page, Markdown."""
    moves = sorted(name for name in MOVES if not name.startswith("_"))
    importers = [nir_nodes, *frameworks()]
    lines = [HEAD, "| | " + " | ".join(each.NAME for each in importers) + " |", "|---" * (len(importers) + 1) + "|"]
    for construct, meaning in CONSTRUCTS.items():
        cells = [each.DECLARED[construct] for each in importers]
        lines.append(f"| **{construct}**: {meaning} | " + " | ".join(cells) + " |")
    lines += [
        BETWEEN,
        f"- **compute**: {', '.join(f'`{name}`' for name in sorted(FUNCTIONS))}",
        f"- **move**: {', '.join(f'`{name}`' for name in moves)}, indexing, padding with zeros",
        f"- **nodes of NIR**: {', '.join(f'`{name}`' for name in sorted(nir_nodes.CONVERTERS))}",
        "",
        "## What becomes of what a trace has no operator for",
        "",
        *_table("taken as", TAKEN_AS),
        "",
        *_table("refused by name, because", REFUSED),
        "",
    ]
    return "\n".join(lines)


def _table(meaning: str, rows: Mapping[str, str]) -> list[str]:
    return [f"| | {meaning} |", "|---|---|", *(f"| **{name}** | {words} |" for name, words in rows.items())]


if __name__ == "__main__":
    PAGE.write_text(page())
