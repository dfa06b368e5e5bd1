"""Folders, databases and pictures that commands write, as `spikecycle check` reads and tells them.

Folders are told by the file that their command writes first: `sweep.json` (sweep and search), `study.json` (study).
Nothing is written, no lock is taken, and links are not followed.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from spikecycle import files
from spikecycle.parquet_seal import seal_problem
from spikecycle.simulator.description import FileDescription
from spikecycle.simulator.documents import LARGEST_BYTES, read_json
from spikecycle.simulator.errors import UsageError
from spikecycle.simulator.explore import study_database
from spikecycle.traces.errors import one_line

SQLITE_SIGNATURE = study_database.SIGNATURE
SWEEP_MANIFEST, STUDY_MANIFEST = "sweep.json", "study.json"
_SEARCH_DATABASE = "study.db"
_LARGEST_POINTS_BYTES = 2**32
"""Of a file of points, as a sweep reads them."""
_STUDY_RECORDS = ("floats", "networks", "simulations", "failures")
_PICTURE_TITLES = (
    re.compile(r'<text class="spikecycle-title"[^>]*>([^<]*)</text>'),
    re.compile(r'<svg [^>]*role="img" aria-label="([^"]*)"'),
    re.compile(r"<dc:title>(spikecycle [^<]*)</dc:title>"),
)
"""Of the pictures of tables (--picture), of charts (--charts), and of the front of a search (--picture)."""
_MARKDOWN_TABLES = {
    "validation in Markdown": re.compile(r"\d+ rows: \d+ passed, \d+ failed"),
    "audit in Markdown": re.compile(r"\| machine \| published GOP/J \|"),
}
"""How what validate --markdown and audit --markdown write begins."""


def describe_folder(path: Path) -> FileDescription:
    """What a sweep, search or study keeps its points in, every file of points read; UsageError where it is none."""
    try:
        odd = files.odd_member(path)
        if odd is not None:
            raise UsageError(f"{odd[0]}: is {odd[1]}, which no command makes in a folder of its own")
        if (path / SWEEP_MANIFEST).is_file():
            return _sweep_folder(path)
        if (path / STUDY_MANIFEST).is_file():
            return _study_folder(path)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from error
    raise UsageError(
        f"{path}: is a directory, of no sweep, search or study (no {SWEEP_MANIFEST} or {STUDY_MANIFEST} in it): name a "
        "file in it"
    )


def sweep_sources(path: Path) -> tuple[Mapping[str, Any], str]:
    """The sources (name to SHA-256) that a sweep's manifest lists, and the program that wrote it."""
    data = read_json(path)
    sources, program = data.get("sources"), data.get("spikecycle")
    if not isinstance(sources, dict) or not all(isinstance(each, str) for each in sources.values()):
        raise UsageError(f"{path}: sources: a mapping of names to SHA-256 is expected")
    return sources, f"spikecycle {one_line(str(program))}"


def _sweep_folder(path: Path) -> FileDescription:
    sources, program = sweep_sources(path / SWEEP_MANIFEST)
    is_search = (path / _SEARCH_DATABASE).is_file()
    whole, parts = path / "points.parquet", sorted((path / "parts").glob("*.parquet"))
    points = {str(row) for file in ([whole] if whole.exists() else []) + parts for row in _points(file)}
    left = f", {len(parts)} of its files not gathered: run the same again, and it goes on" if parts else ""
    facts = [("points", f"{len(points):,}{left}"), ("came from", ", ".join(map(one_line, sources)) or "nothing yet")]
    if is_search:
        facts += [(key, value) for key, value in describe_database(path / _SEARCH_DATABASE).facts if key == "trials"]
    facts.append(("made by", program))
    return FileDescription(f"folder of a {'search' if is_search else 'sweep'}", str(path), tuple(facts))


def _points(path: Path) -> list[object]:
    """Identities of the points in a file; UsageError where it is damaged."""
    try:
        import polars
    except ModuleNotFoundError as error:
        raise UsageError(f"{path}: is Parquet, and reading it needs Polars: pip install polars") from error
    content = files.read_bytes(path, _LARGEST_POINTS_BYTES, follow_links=False)
    if not content:
        raise UsageError(f"{path}: is empty, so it has no points; remove it, and its points are run again")
    problem = seal_problem(content)
    if problem is not None:
        raise UsageError(f"{path}: cannot be read as points of a sweep: {problem}")
    try:
        return list(polars.read_parquet(content)["point"])
    except (polars.exceptions.PolarsError, polars.exceptions.PanicException) as error:  # a panic is no Exception
        raise UsageError(
            f"{path}: cannot be read as points of a sweep: {one_line(' '.join(str(error).split()))}"
        ) from error


def _study_folder(path: Path) -> FileDescription:
    name = read_json(path / STUDY_MANIFEST).get("study")
    if not isinstance(name, str):
        raise UsageError(f"{path / STUDY_MANIFEST}: study: the name of a study is expected")
    facts = [("study", one_line(name))]
    for kind in _STUDY_RECORDS:
        found = sorted((path / kind).glob("*.json"))
        for record in found:
            read_json(record)
        facts.append((kind, f"{len(found):,}"))
    facts.append(
        ("next", "spikecycle study with this as --out goes on, and names records that do not fit their hashes")
    )
    return FileDescription("folder of a study", str(path), tuple(facts))


def describe_database(path: Path) -> FileDescription:
    """The study of a search (SQLite, as Optuna writes it); UsageError where it is another database, or damaged."""
    with study_database.reading(path) as database:
        states = database.execute("SELECT state, COUNT(*) FROM trials GROUP BY state ORDER BY state").fetchall()
        studies = database.execute("SELECT study_name FROM studies").fetchall()
    words = ", ".join(f"{count:,} {one_line(str(name)).lower()}" for name, count in states)
    facts = (
        ("study", ", ".join(one_line(str(name)) for (name,) in studies) or "none"),
        ("trials", words or "none"),
        ("shown by", f"optuna-dashboard sqlite:///{path}"),
    )
    return FileDescription("study of a search", str(path), facts)


def describe_picture(path: Path) -> FileDescription:
    """An SVG picture that --picture or --charts wrote; UsageError where it is another one, or is cut short."""
    text = files.read_bytes(path, LARGEST_BYTES).decode("utf-8", "replace").strip()
    title = next((found[1] for shape in _PICTURE_TITLES if (found := shape.search(text))), None)
    if title is None:
        raise UsageError(f"{path}: is named as an SVG picture, and is none that spikecycle wrote")
    if not text.endswith("</svg>"):
        raise UsageError(f"{path}: is an SVG picture that is cut short")
    words = one_line(html.unescape(title).replace("\xa0", " "))
    return FileDescription("picture", str(path), (("title", words), ("size", f"{path.stat().st_size:,} bytes")))


def describe_markdown(path: Path) -> FileDescription:
    """A table that validate --markdown or audit --markdown wrote; UsageError where it is other Markdown."""
    text = files.read_bytes(path, LARGEST_BYTES).decode("utf-8", "replace")
    kind = next((name for name, beginning in _MARKDOWN_TABLES.items() if beginning.match(text)), None)
    if kind is None:
        raise UsageError(
            f"{path}: is Markdown, and no table that spikecycle validate or spikecycle audit wrote (--markdown)"
        )
    rows = sum(line.startswith("|") for line in text.splitlines())
    return FileDescription(
        kind, str(path), (("begins", one_line(text.splitlines()[0])), ("lines of tables", f"{rows:,}"))
    )


def study_manifest_facts(path: Path) -> list[tuple[str, str]]:
    """Whose folder it is in which `study.json` lies."""
    return [("folder of", one_line(str(read_json(path)["study"]))), ("next", f"spikecycle check {path.parent}")]


def audit_facts(path: Path) -> list[tuple[str, str]]:
    """What `spikecycle audit --json` wrote."""
    machines = read_json(path)["machines"]
    if not isinstance(machines, list) or not all(isinstance(each, dict) and "machine" in each for each in machines):
        raise UsageError(f"{path}: machines: a list of mappings, each with a machine, is expected")
    return [("machines", ", ".join(one_line(str(each["machine"])) for each in machines))]


def drawn_facts(path: Path) -> list[tuple[str, str]]:
    """What `spikecycle synthesize --json` wrote: the statistics that were asked for, and those that were drawn."""
    data = read_json(path)
    for key in ("asked", "drawn"):
        found = data[key]
        if not isinstance(found, dict) or not all(isinstance(each, dict) for each in found.values()):
            raise UsageError(f"{path}: {key}: a mapping of layers to statistics is expected")
    densities = [f"{one_line(name)} {json.dumps(each.get('density'))}" for name, each in data["drawn"].items()]
    return [("trace", one_line(str(data.get("trace", "-")))), ("densities that were drawn", ", ".join(densities))]
