"""The glossary's generated part: every category of cycles, kind of energy, and counter of the shipped machines."""

from __future__ import annotations

from pathlib import Path

from docs.generators.repository_pages import with_links
from spikecycle.simulator.activity import Counter
from spikecycle.simulator.dataflows import DATAFLOWS
from spikecycle.simulator.errors import MappingError
from spikecycle.simulator.machine.loader import load_machine, shipped_machines
from spikecycle.simulator.report.explanations import CATEGORIES, ENERGY
from spikecycle.traces import open_trace, sample_path

TRACE = "digits-ternary"
"""A network of convolutions and dense layers, on which machines say what they count."""
WORDS = Path(__file__).parent / "glossary.md"


def glossary_page() -> str:
    """Words of the field, then counters by dataflow."""
    words = with_links(WORDS.read_text().rstrip(), "docs/generators/glossary.md", "reference/glossary.md")
    lines = [words, "", "## Categories of cycles", "", "| category | meaning |", "|---|---|"]
    lines += [f"| `{name}` | {meaning} |" for name, meaning in CATEGORIES.items()]
    lines += ["", "## Kinds of energy", "", "| kind | meaning |", "|---|---|"]
    lines += [f"| {name} | {meaning} |" for name, meaning in ENERGY.items()]
    lines += ["", "## Counters", ""]
    lines += ["What machines count, by dataflow, as results name it.", ""]
    for dataflow, counters in sorted(declared_counters().items()):
        lines += [f"### `{dataflow}`", "", "| counter | unit | meaning |", "|---|---|---|"]
        lines += [f"| `{name}` | {one.unit} | {one.meaning.replace('|', '/')} |" for name, one in counters.items()]
        lines.append("")
    return "\n".join(lines)


def declared_counters() -> dict[str, dict[str, Counter]]:
    """By dataflow and name."""
    found: dict[str, dict[str, Counter]] = {}
    with open_trace(sample_path(TRACE)) as network:
        for name in shipped_machines():
            machine = load_machine(name)
            dataflow = DATAFLOWS.lookup(machine.dataflow.kind)
            try:
                plans = [dataflow.plan(machine, stage, network) for stage in dataflow.stages(machine, network)]
            except MappingError:
                continue
            for plan in plans:
                found.setdefault(dataflow.name, {}).update({counter.name: counter for counter in plan.counters})
    return {dataflow: counters for dataflow, counters in found.items() if counters}
