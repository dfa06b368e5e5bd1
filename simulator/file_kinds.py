"""Kinds of files that `spikecycle check` knows besides traces and machines: how each is told, and what is said of it.

JSON documents of the simulator are known here. Those of the other parts of spikecycle are entry points of the group
`spikecycle.file_kinds`, each of which loads to a `FileKind`; those of other packages are left alone, since to look at a
file is no reason to run their code.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from spikecycle.simulator.comparison import FormatComparison
from spikecycle.simulator.description import FileDescription
from spikecycle.simulator.documents import (
    LARGEST_BYTES,
    read_advice,
    read_bench,
    read_comparison,
    read_document,
    read_json,
    read_validation,
)
from spikecycle.simulator.errors import UsageError
from spikecycle.simulator.explore.results import SearchResult, SweepResult
from spikecycle.simulator.explore.synthesis import read_synthesis
from spikecycle.simulator.explore.topology import read_topology
from spikecycle.simulator.notebook import one_line
from spikecycle.simulator.result import RunResult
from spikecycle.simulator.variant import variant_text
from spikecycle.simulator.written_files import audit_facts, drawn_facts, study_manifest_facts, sweep_sources
from spikecycle.wording import numbered

GROUP = "spikecycle.file_kinds"
_OWN_PACKAGE = "spikecycle"
_PARQUET = b"PAR1"
_LARGEST_HEAD_BYTES = 2**16
"""Of a page, in which its title stands."""
_TOPOLOGY_HEADS = ("layer", "name")
"""How the header of a topology begins, if it has one."""
_POLICY = "Content-Security-Policy"
"""Every page of ours has one, which lets it load nothing."""

Facts = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class FileKind:
    """A kind of file that holds a mapping (JSON or YAML).

    name: what it is called. keys: keys that such a file has, and no other kind has all of. facts: reads and checks the
    whole file, and says what is in it; raises a SimulatorError that names file and key.
    """

    name: str
    keys: frozenset[str]
    facts: Callable[[Path], Facts]


def describe_mapping(path: Path, data: Mapping[str, Any]) -> FileDescription | None:
    """What a file with this mapping is; None where it is of no kind that is known here."""
    for kind in (*OWN, *_added()):
        if kind.keys <= data.keys():
            return FileDescription(kind.name, str(path), tuple(kind.facts(path)))
    return None


def describe_json(path: Path) -> FileDescription:
    """A JSON document; UsageError where it is none of ours."""
    found = describe_mapping(path, read_json(path))
    if found is None:
        kinds = ", ".join(dict.fromkeys(kind.name for kind in (*OWN, *_added())))
        raise UsageError(f"{path}: is JSON, but no document of spikecycle, which are: {kinds}")
    return found


def is_parquet(path: Path) -> bool:
    """Whether it begins as Parquet files do."""
    with path.open("rb") as file:
        return file.read(len(_PARQUET)) == _PARQUET


def describe_table(path: Path) -> FileDescription:
    """A Parquet table, as studies and sweeps write them; UsageError where it cannot be read."""
    if not is_parquet(path):
        raise UsageError(f"{path}: {'is no Parquet' if path.stat().st_size else 'is empty, so it is no Parquet'}")
    try:
        import polars
    except ModuleNotFoundError as error:
        raise UsageError(f"{path}: is Parquet, and reading it needs Polars: pip install polars") from error
    if path.stat().st_size > LARGEST_BYTES:
        raise UsageError(f"{path}: is larger than {LARGEST_BYTES:,} bytes")
    try:
        table = polars.read_parquet(path)
    except (
        polars.exceptions.PolarsError,
        polars.exceptions.PanicException,
        OSError,
    ) as error:  # a panic is no Exception
        raise UsageError(f"{path}: cannot be read as Parquet: {' '.join(str(error).split())[:200]}") from error
    columns = ", ".join(f"{name} ({dtype})" for name, dtype in table.schema.items())
    return FileDescription("table", str(path), (("rows", f"{table.height:,}"), ("columns", columns)))


def describe_page(path: Path) -> FileDescription:
    """A page that `spikecycle report` wrote; UsageError where it is another one."""
    with path.open("rb") as file:
        head = file.read(_LARGEST_HEAD_BYTES).decode("utf-8", "replace")
    title = head.partition("<title>")[2].partition("</title>")[0]
    if not head.startswith("<!DOCTYPE html>") or _POLICY not in head or not title:
        raise UsageError(f"{path}: is no page that spikecycle report wrote")
    size = f"{path.stat().st_size:,} bytes, opens in any browser without a network"
    return FileDescription("report", str(path), (("title", html.unescape(title)), ("size", size)))


def describe_topology(path: Path) -> FileDescription:
    """A topology as SCALE-Sim reads it; UsageError, naming the line, where it is none."""
    try:
        layers = read_topology(path)
    except UsageError as error:
        with path.open(encoding="utf-8", errors="replace") as file:
            first, _, rest = file.readline(_LARGEST_HEAD_BYTES).partition(",")
        if first.strip().lower().startswith(_TOPOLOGY_HEADS) or rest.strip()[:1].isdigit():
            raise
        raise UsageError(
            f"{path}: is CSV, but no topology, the one kind of CSV that spikecycle reads; the numbers of charts "
            "(report --charts) are for other programs"
        ) from error
    names = ", ".join(layer.name for layer in layers)
    next_step = f"spikecycle synthesize {path} TRACE.h5 --timesteps T --density SHARE"
    return FileDescription("topology", str(path), (("layers", f"{len(layers):,}: {names}"), ("next", next_step)))


def _result(path: Path) -> Facts:
    result = read_document(path)
    assert isinstance(result, RunResult)
    return [
        ("result", one_line(result)),
        ("layers", ", ".join(layer.name for layer in result.layers)),
        ("made by", f"spikecycle {result.spikecycle}"),
    ]


def _comparison(path: Path) -> Facts:
    found = read_document(path)
    assert isinstance(found, FormatComparison)
    machine = variant_text(
        str(found.machine["name"]), found.machine_file, found.machine_overrides, found.machine_sha256
    )  # fmt: skip
    return [
        ("compared", f"{found.trace} on {machine}, {numbered(len(found.samples), 'sample')}"),
        ("weight formats", ", ".join(run.format for run in found.weights.runs) or "none"),
        ("spike formats", ", ".join(run.format for run in found.spikes.runs) or "none"),
        ("least energy", " = ".join(found.weights.best_by_energy) or "-"),
    ]


def _validation(path: Path) -> Facts:
    rows, skipped = read_validation(path)
    passed = sum(row["passed"] is True for row in rows)
    failed = [f"{row['machine']}: {row['quantity']}" for row in rows if row["passed"] is False]
    return [
        ("figures of others", f"{len(rows)}, of which {passed:,} {'is' if passed == 1 else 'are'} met"),
        ("not met", ", ".join(failed) or "none"),
        ("not checked", ", ".join(skipped) or "nothing"),
    ]


def _timeline(path: Path) -> Facts:
    data = read_json(path)
    events, other = data["traceEvents"], data["otherData"]
    if not isinstance(events, list) or not isinstance(other, dict):
        raise UsageError(f"{path}: traceEvents: a list is expected, and a mapping as otherData")
    spans = [event for event in events if isinstance(event, dict) and event.get("ph") == "X"]
    lanes = {(event.get("pid"), event.get("tid")) for event in spans}
    return [
        ("timeline of", f"{other.get('trace', '-')} on {other.get('machine', '-')}, sample {other.get('sample', '-')}"),
        ("events", f"{len(spans):,} on {numbered(len(lanes), 'lane')}"),
        ("opens in", "ui.perfetto.dev, chrome://tracing"),
    ]


def _sweep(path: Path) -> Facts:
    found = read_document(path)
    assert isinstance(found, SweepResult)
    failed = sum(point.get("problem") is not None for point in found.points)
    return [
        ("points", f"{len(found.points):,}, of which {failed:,} failed"),
        ("varied", ", ".join(found.columns)),
        ("folder", found.folder or "none"),
    ]


def _search(path: Path) -> Facts:
    found = read_document(path)
    assert isinstance(found, SearchResult)
    return [
        ("trials", f"{found.trials:,} of {numbered(found.space, 'point')}, of which {found.failed:,} failed"),
        ("made small", ", ".join(found.goals)),
        ("front", numbered(len(found.front), "point")),
        ("folder", found.folder),
    ]


def _compared(path: Path) -> Facts:
    found = read_comparison(path)
    return [
        ("results", ", ".join(each.label for each in found.results)),
        ("machines", f"differ in {numbered(len(found.machine_differences), 'key')}"),
        ("notes", " ".join(found.notes) or "none"),
    ]


def _advice(path: Path) -> Facts:
    found = read_advice(path)
    best = [f"{change.key} {change.words}" for change in found.best]
    return [
        ("advice on", f"{found.trace} on {found.machine}"),
        ("helps most", ", ".join(best) or "nothing that was tried"),
        ("tried", f"{numbered(found.tried, 'machine')}, for less {found.goal}"),
    ]


def _manifest(path: Path) -> Facts:
    sources, program = sweep_sources(path)
    return [
        ("came from", ", ".join(sources) or "nothing yet"),
        ("made by", program),
        ("next", f"spikecycle check {path.parent}"),
    ]


def _bench(path: Path) -> Facts:
    found = read_bench(path)
    failed = sum(bool(case.problem) for case in found.cases)
    return [
        ("measured on", found.computer),
        ("cases", f"{len(found.cases):,}, of which {failed:,} cannot be run"),
        ("peers", f"{len(found.peers):,}"),
        ("next", f"spikecycle report {path}"),
    ]


def _synthesis(path: Path) -> Facts:
    asked, layers = read_synthesis(path)
    operators = asked.operators
    network = numbered(len(layers), "layer") if operators is None else numbered(len(operators), "operator")
    return [
        ("network", f"{network}; {numbered(asked.samples, 'sample')} of {numbered(asked.timesteps, 'timestep')}"),
        ("density", f"{asked.density:g}, unless a layer, input or population says its own"),
        ("next", f"spikecycle synthesize {path} TRACE.h5"),
    ]


OWN = (
    FileKind("result of simulate", frozenset({"layers", "cycles_per_inference"}), _result),
    FileKind("comparison of formats", frozenset({"weights", "weights_other_residency"}), _comparison),
    FileKind("validation", frozenset({"rows", "skipped"}), _validation),
    FileKind("timeline", frozenset({"traceEvents", "otherData"}), _timeline),
    FileKind("result of a search", frozenset({"points", "columns", "goals"}), _search),
    FileKind("comparison of results", frozenset({"results", "machine_differences"}), _compared),
    FileKind("advice", frozenset({"operators", "elasticities"}), _advice),
    FileKind("result of a sweep", frozenset({"points", "columns"}), _sweep),
    FileKind("list of what a sweep's points came from", frozenset({"sources", "result_version"}), _manifest),
    FileKind("statistics of a drawn trace", frozenset({"synthetic", "asked", "drawn"}), drawn_facts),
    FileKind("measured speed", frozenset({"cases", "peers", "growth"}), _bench),
    FileKind("mark of a study's folder", frozenset({"study"}), study_manifest_facts),
    FileKind("audit", frozenset({"machines", "in_one_unit", "notes"}), audit_facts),
    FileKind("network to draw", frozenset({"timesteps", "density", "layers"}), _synthesis),
    FileKind("network to draw", frozenset({"timesteps", "density", "topology"}), _synthesis),
    FileKind("network to draw", frozenset({"timesteps", "density", "operators"}), _synthesis),
)
"""Documents that the simulator writes or reads."""


def _added() -> Iterator[FileKind]:
    """Kinds of the other parts of spikecycle."""
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        if entry.dist is not None and entry.dist.name == _OWN_PACKAGE:
            kind = entry.load()
            assert isinstance(kind, FileKind)
            yield kind
