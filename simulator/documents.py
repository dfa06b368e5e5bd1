"""JSON documents of ours, read back: which kind a file is, and the object that it holds."""

from __future__ import annotations

import codecs
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from spikecycle.files import read_bytes
from spikecycle.simulator.activity import Resource
from spikecycle.simulator.bench.result import BenchResult
from spikecycle.simulator.comparison import FormatComparison
from spikecycle.simulator.consistency import (
    first_without_value,
    problem_of_bench,
    problem_of_comparison,
    problem_of_result,
    problem_of_rows,
)
from spikecycle.simulator.errors import UsageError
from spikecycle.simulator.explore.advice import Advice
from spikecycle.simulator.explore.differences import ResultComparison
from spikecycle.simulator.explore.results import SearchResult, SweepResult
from spikecycle.simulator.result import RunResult
from spikecycle.wording import numbered

_WEIGHTS_STAY = ("inference", "batch", "resident")
LARGEST_BYTES = 2**28
"""A result of a large network has a few hundred kilobytes."""
RESULT, COMPARISON, VALIDATION, SWEEP = "result of simulate", "comparison of formats", "validation", "result of a sweep"
SEARCH, COMPARED, ADVICE, BENCH = "result of a search", "comparison of results", "advice", "measured speed"
_MARKS = {
    RESULT: ("layers", "cycles_per_inference"),
    COMPARISON: ("weights", "weights_other_residency"),
    VALIDATION: ("rows", "skipped"),
    SEARCH: ("points", "columns", "goals"),
    SWEEP: ("points", "columns"),
    COMPARED: ("results", "machine_differences"),
    ADVICE: ("operators", "elasticities"),
    BENCH: ("cases", "peers", "growth"),
}
"""Keys by which each kind of document is told from all others; the first that fits."""

_WRITTEN_BY = {RESULT: "simulate", COMPARISON: "formats", SWEEP: "sweep", SEARCH: "search", BENCH: "bench"}
"""The command whose --json writes a kind."""

Document = RunResult | FormatComparison | SweepResult | SearchResult | BenchResult
_SHOWN: dict[str | None, type[Document]] = {
    RESULT: RunResult,
    COMPARISON: FormatComparison,
    SWEEP: SweepResult,
    SEARCH: SearchResult,
    BENCH: BenchResult,
}
"""What a page is made of."""
DocumentT = TypeVar("DocumentT", bound=BaseModel)


def read_json(path: str | Path) -> dict[str, Any]:
    """The object in a JSON file. UsageError, in one line, where there is none."""
    try:
        content = read_bytes(path, LARGEST_BYTES)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from error
    try:
        data = from_json(content.removeprefix(codecs.BOM_UTF8))
    except ValueError as error:
        raise UsageError(f"{path}: is no JSON: {' '.join(str(error).split())}") from error
    if not isinstance(data, dict):
        raise UsageError(f"{path}: holds no JSON object, so it is no document of spikecycle")
    key = first_without_value(data)
    if key:
        raise UsageError(
            f"{path}: {key}: is no number (NaN, infinite or beyond floating point), which spikecycle never writes"
        )
    return data


def kind_of(data: Mapping[str, Any]) -> str | None:
    """Which document an object is; None where it is none of ours."""
    return next((kind for kind, keys in _MARKS.items() if all(key in data for key in keys)), None)


def read_document(path: str | Path) -> Document:
    """The result or comparison in a file; UsageError, in one line, where there is none, or one of another version."""
    data = read_json(path)
    kind = kind_of(data)
    if kind not in _SHOWN:
        raise _of_another_kind(path, kind, tuple(_WRITTEN_BY))
    document = _validated(path, _SHOWN[kind], data)
    problem = _problem(document)
    if problem:
        raise UsageError(f"{path}: {problem}: this is nothing that spikecycle wrote")
    return document


def read_bench(path: str | Path) -> BenchResult:
    """What `spikecycle bench --json` wrote; UsageError where the file is nothing of the kind."""
    kind = kind_of(read_json(path))
    if kind != BENCH:
        raise _of_another_kind(path, kind, (BENCH,))
    document = read_document(path)
    assert isinstance(document, BenchResult)
    return document


def read_result(path: str | Path) -> RunResult:
    """The result that `spikecycle simulate --json` has written; UsageError, naming the file, where it is none, or is of
    another version."""
    kind = kind_of(read_json(path))
    if kind != RESULT:
        raise _of_another_kind(path, kind, (RESULT,))
    document = read_document(path)
    assert isinstance(document, RunResult)
    return document


def read_comparison(path: str | Path) -> ResultComparison:
    """What `spikecycle compare --json` wrote; UsageError where the file is nothing of the kind."""
    return _of_kind(path, COMPARED, ResultComparison)


def read_advice(path: str | Path) -> Advice:
    """What `spikecycle advise --json` wrote; UsageError where the file is nothing of the kind."""
    return _of_kind(path, ADVICE, Advice)


def _of_another_kind(path: str | Path, kind: str | None, wanted: Sequence[str]) -> UsageError:
    """That a file is none of those that are wanted here, and what it is."""
    found = "a JSON file of no kind that spikecycle writes" if kind is None else f"a {kind}"
    *others, last = (f"{each} (--json of {_WRITTEN_BY[each]})" for each in wanted)
    needed = f"{', '.join(others)} or {last}" if others else last
    return UsageError(f"{path}: is {found}; needed here: a {needed}")


def _of_kind(path: str | Path, kind: str, model: type[DocumentT]) -> DocumentT:
    data = read_json(path)
    if kind_of(data) != kind:
        raise UsageError(f"{path}: is no {kind}")
    return _validated(path, model, data)


def read_validation(path: str | Path) -> tuple[list[dict[str, Any]], list[str]]:
    """What `spikecycle validate --json` wrote: its rows, and the checks that were not made, in words."""
    data = read_json(path)
    rows, skipped = data.get("rows"), data.get("skipped")
    if kind_of(data) != VALIDATION or not isinstance(rows, list) or not isinstance(skipped, list):
        raise UsageError(f"{path}: is nothing that spikecycle validate --json writes")
    try:
        return [_Compared.model_validate(row).model_dump() for row in rows], [
            f"{_Missing.model_validate(each).check} {_Missing.model_validate(each).reason}" for each in skipped
        ]
    except ValidationError as error:
        raise UsageError(f"{path}: {_first_problem(error)}") from error


class _Compared(BaseModel):
    machine: str
    quantity: str
    ours: float | None
    theirs: float
    error: float | None
    tolerance: float
    passed: bool | None
    source: str
    note: str


class _Missing(BaseModel):
    check: str
    reason: str


def _first_problem(error: ValidationError) -> str:
    first, count = error.errors()[0], error.error_count()
    more = f" (and {numbered(count - 1, 'more problem')})" if count > 1 else ""
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}{more}"


def _validated(path: str | Path, model: type[DocumentT], data: dict[str, Any]) -> DocumentT:
    try:
        return model.model_validate(data)
    except UsageError as error:  # of another version
        raise UsageError(f"{path}: {error}") from error
    except ValidationError as error:
        raise UsageError(f"{path}: {_first_problem(error)}") from error


def _problem(document: Document) -> str:
    """What no run leaves behind, and nothing could be drawn of."""
    if isinstance(document, BenchResult):
        return problem_of_bench(document)
    if isinstance(document, SweepResult | SearchResult):
        return problem_of_rows("points", document.points) if document.points else "it has no points"
    if not document.samples:
        return "it has no samples"
    if not document.machine.get("name"):
        return "its machine has no name"
    if document.clock_mhz <= 0:
        return "it has no clock"
    if document.assumptions.residency.get("weights") not in _WEIGHTS_STAY or not (
        {"batch", "activations"} <= document.assumptions.residency.keys()
    ):
        return "its residency is not known"
    if isinstance(document, FormatComparison):
        return problem_of_comparison(document)
    return _problem_of_result(document) or problem_of_result(document)


def _problem_of_result(result: RunResult) -> str:
    if result.timesteps < 1 or result.pes < 1 or result.peak_additions_per_cycle < 0:
        return "it has no timesteps, no processing elements, or less than no adders"
    if not result.layers:
        return "it has no layers"
    if any(min(each.instances, each.banks, each.ports) < 1 or each.width_bits < 0 for each in result.buffers):
        return "it has a buffer without instances, banks or ports"
    for layer in result.layers:
        if {counter.resource for counter in layer.counters} - set(get_args(Resource)):
            return f"layer {layer.name!r} has a count of a resource that there is not"
        raster = layer.raster
        if raster is not None and (len(raster.neurons) != len(raster.rows) or not raster.rows):
            return f"the raster of layer {layer.name!r} has no row per neuron"
    return ""
