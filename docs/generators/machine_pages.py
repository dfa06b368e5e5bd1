"""A page for each shipped machine: its rule, its source, its parts, and how far it is from what others published."""

from __future__ import annotations

import inspect
import sys
from functools import cache

from docs.generators.glossary import TRACE
from docs.generators.validation_pages import machine_section
from spikecycle.simulator import MappingError, simulate
from spikecycle.simulator.dataflows import DATAFLOWS, Dataflow
from spikecycle.simulator.machine.loader import load_machine, shipped_machines, shipped_path
from spikecycle.simulator.machine.schema import Machine
from spikecycle.simulator.report.charts.svg import as_file
from spikecycle.simulator.report.page.machine import machine_chart
from spikecycle.wording import first_sentence

WIDTH_PX = 720.0
LONG_RULES = ("spike_array", "row_stationary", "dual_sparse", "pattern_correction", "routed_cores")
"""Dataflows of which a page of the reference has the whole microarchitecture."""


def machine_list() -> str:
    """All machines in one table."""
    lines = [
        "# Machines",
        "",
        "Each is one file; `spikecycle list` shows them all, `spikecycle simulate TRACE --hw NAME` runs one.",
        "",
        "| machine | dataflow | PEs | clock | what it is |",
        "|---|---|---|---|---|",
    ]
    for name in shipped_machines():
        machine = load_machine(name)
        lines.append(
            f"| [`{name}`]({name}.md) | `{machine.dataflow.kind}` | {machine.pe_count} | "
            f"{machine.technology.clock_mhz} MHz | {first_sentence(machine.describes)} |"
        )
    return "\n".join([*lines, ""])


@cache
def machine_pages() -> dict[str, str]:
    """Text by path in the site."""
    return {f"machines/{name}.md": _page(name) for name in shipped_machines()}


def _page(name: str) -> str:
    machine = load_machine(name)
    dataflow = DATAFLOWS.lookup(machine.dataflow.kind)
    return "\n".join(
        [
            f"# {name}",
            "",
            machine.describes,
            "",
            *_diagram(name),
            "## Rule",
            "",
            f"Dataflow `{dataflow.name}`: {dataflow.summary}.",
            "",
            *_rule(dataflow),
            "## What it runs",
            "",
            *_supports(dataflow),
            "## Where its numbers come from",
            "",
            *_sources(machine),
            "## How far it is from its source",
            "",
            *machine_section(name),
            "## The file",
            "",
            "```yaml",
            shipped_path(name).read_text().rstrip(),
            "```",
            "",
        ]
    )


@cache
def machine_diagrams() -> dict[str, str]:
    """Block diagrams as SVG files by path in the site, of the machines that run the network that is drawn with."""
    drawings = {}
    for name in shipped_machines():
        try:
            result = simulate(TRACE, name, samples=[0])
        except MappingError:
            continue
        (draw,) = machine_chart(name, result).views.values()
        drawings[f"machines/{name}.svg"] = as_file(draw(WIDTH_PX, name))
    return drawings


def _diagram(name: str) -> list[str]:
    if f"machines/{name}.svg" not in machine_diagrams():
        return []
    return [f"![Block diagram of {name}, with the sizes of its parts]({name}.svg)", ""]


def _rule(dataflow: Dataflow) -> list[str]:
    """The docstring of the module that defines the rule."""
    functions = getattr(dataflow, "functions", {})
    modules = {function.__module__ for function in functions.values()} or {type(dataflow).__module__}
    texts = [inspect.cleandoc(sys.modules[module].__doc__ or "") for module in sorted(modules)]
    if dataflow.name in LONG_RULES:
        texts.append(f"[The whole microarchitecture](../reference/{dataflow.name}.md)")
    return [line for text in texts for line in (text, "")]


def _supports(dataflow: Dataflow) -> list[str]:
    supports = dataflow.supports
    lines = [f"Operators: {_names(supports.operators)}."]
    if supports.free:
        lines.append(f"Without cost: {_names(supports.free)}.")
    if supports.demands:
        lines.append(f"Of them also: {', '.join(sorted(supports.demands))}.")
    lines.append(f"Inputs of at most {supports.input_bits} bits.")
    lines.append(f"Overlap of memory and compute: {_names(dataflow.overlaps)}.")
    return [line for text in lines for line in (text, "")]


def _sources(machine: Machine) -> list[str]:
    rows = [f"| `{key}` | {source.replace('|', '/')} |" for key, source in machine.sources.items()]
    return ["| key | source |", "|---|---|", *rows, ""]


def _names(names: frozenset[str] | tuple[str, ...]) -> str:
    listed = names if isinstance(names, tuple) else sorted(names)
    return ", ".join(f"`{name}`" for name in listed)
