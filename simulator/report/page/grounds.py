"""What the figures rest on: where they come from, what is assumed, how far they were checked, what the words mean."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from spikecycle.simulator.explore.grounds import ACTIVATION_RESIDENCY, WEIGHT_RESIDENCY
from spikecycle.simulator.report import human
from spikecycle.simulator.report.explanations import ENERGY, TERMS, of_category
from spikecycle.simulator.report.page.chart import DataTable, Value
from spikecycle.simulator.report.residency import residency_words
from spikecycle.simulator.report.totals import assumption_line
from spikecycle.simulator.result import RunResult
from spikecycle.simulator.variant import overrides_text

_LONGEST = 400
_MOST_VALUES, _MOST_HASHES = 8, 3
"""Different values of the points of a sweep that are listed."""


def provenance(result: RunResult) -> DataTable:
    """Everything that it takes to run the same again."""
    assumed = result.assumptions
    pairs: list[Sequence[Value]] = [
        ("trace", result.trace),
        ("SHA-256 of the trace", result.trace_sha256),
        ("machine file", result.machine_file or "made in Python"),
        ("keys replaced", overrides_text(result.machine_overrides) or "none"),
        ("fingerprint of the machine", result.machine_sha256),
        ("spikecycle", result.spikecycle),
        ("samples", _ranges(result.samples)),
        ("residency", residency_words(assumed.residency)),
        ("energy and area", assumption_line(assumed)),
        ("one operation", assumed.operation),
        ("memory", "ideal: no latency, infinite bandwidth" if assumed.ideal_memory else "as the machine says"),
        ("not modelled", ", ".join(result.not_modelled) or "-"),
        ("operators that cost nothing here", ", ".join(assumed.free_operators) or "none"),
        ("verification", _verification(result)),
    ]
    pairs += [(f"trace: {key}", _text(value)) for key, value in result.provenance.items()]
    return DataTable(("what", "value"), pairs)


def points_ground(
    program: str, columns: Sequence[str], rows: Sequence[Mapping[str, Any]], already_there: int = 0
) -> DataTable:
    """What the points of a sweep or search rest on; documents of earlier versions do not have all of it."""

    def told(key: str) -> str:
        most = _MOST_HASHES if key.endswith("_sha256") else _MOST_VALUES
        return _told((_text(row[key]) for row in rows if row.get(key) not in (None, "")), most=most)

    grounded = [row for row in rows if row.get(WEIGHT_RESIDENCY) is not None]

    named = {
        "trace": "trace",
        "SHA-256 of the trace": "trace_sha256",
        "machine": "machine",
        "fingerprint of the machine": "machine_sha256",
        "overlap": "overlap",
        "weight format": "weight_format",
        "spike format": "spike_format",
        "ideal memory": "ideal_memory",
        "synthetic trace": "synthetic",
    }
    there = f", of which the folder had {already_there:,} already" if already_there else ""
    pairs: list[Sequence[Value]] = [("spikecycle", program), ("points", f"{len(rows):,}{there}")]
    pairs += [(title, told(key)) for title, key in named.items()]
    pairs += [(f"varied: {key}", told(key)) for key in columns if key not in named.values()]
    pairs += [
        ("samples of each point", told("inferences")),
        ("residency of weights", told(WEIGHT_RESIDENCY)),
        ("residency of activations", told(ACTIVATION_RESIDENCY)),
        ("DRAM", _told(map(_dram, grounded))),
        ("technology", _told(map(_technology, grounded), between="; ")),
        ("not modelled", _told((str(row.get("not_modelled") or "-") for row in grounded), between="; ")),
    ]
    return DataTable(("what", "value"), pairs)


def _told(words: Iterable[str], between: str = ", ", most: int = _MOST_VALUES) -> str:
    """The different ones, the first of them where there are many."""
    values = list(dict.fromkeys(words))
    more = f" and {human.numbered(len(values) - most, 'other')}" if len(values) > most else ""
    return f"{between.join(values[:most])}{more}" if values else "not in this document"


def _dram(row: Mapping[str, Any]) -> str:
    price = row.get("dram_pj_per_bit")
    return "none" if price is None else f"{_number(price)} pJ/bit"


def _technology(row: Mapping[str, Any]) -> str:
    node, cells, kelvin, table = (
        _number(row.get(key)) for key in ("node_nm", "sram_cell", "temperature_k", "energy_table")
    )
    return f"{node} nm, SRAM cells {cells}, {kelvin} K, energy table {table}"


def _number(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def sources(result: RunResult) -> DataTable | None:
    """Where the machine's numbers come from, key by key."""
    found = result.machine.get("sources")
    if not isinstance(found, Mapping) or not found:
        return None
    replaced = set(result.machine_overrides)
    rows = [(str(key), _source(str(key), str(value), replaced)) for key, value in found.items()]
    return DataTable(("key of the machine", "source"), rows)


def _source(key: str, source: str, replaced: Collection[str]) -> str:
    """The source of a key; of one that an option has replaced, in all or in part, that it is not its own."""
    inside = sorted(each for each in replaced if f"{each}.".startswith(f"{key}.") or key.startswith(f"{each}."))
    return f"{', '.join(inside)} replaced on the command line; of the rest: {source}" if inside else source


def validation_table(rows: Sequence[Mapping[str, Any]]) -> DataTable:
    """Rows of `spikecycle validate`, as its documents have them: ours beside theirs."""
    return DataTable(
        ("machine", "quantity", "ours", "theirs", "error (%)", "tolerance (%)", "within it", "source", "note"),
        [
            (
                str(row["machine"]),
                str(row["quantity"]),
                row["ours"],
                row["theirs"],
                None if row["error"] is None else 100 * float(row["error"]),
                100 * float(row["tolerance"]),
                {True: "yes", False: "no", None: "-"}[row["passed"]],
                str(row["source"]),
                str(row["note"]),
            )
            for row in rows
        ],
    )


def validation_words(rows: Sequence[Mapping[str, Any]]) -> str:
    """How many figures of others were met, and the largest error among them."""
    compared = [row for row in rows if row["passed"] is not None]
    errors = [abs(float(row["error"])) for row in compared if row["error"] is not None]
    passed = sum(bool(row["passed"]) for row in compared)
    one = len(compared) == 1
    met = "figure of others is met within its tolerance" if one else "figures of others are met within their tolerance"
    words = f"{passed} of {len(compared)} {met}"
    largest = max(errors, default=0.0)
    return f"{words}, the largest error is {human.percent(largest)} %." if largest else f"{words}."


def glossary(results: Sequence[RunResult]) -> DataTable:
    """Terms, kinds of energy, and every category that occurs."""
    categories = dict.fromkeys(
        category for result in results for category, cycles in result.sum_cycle_breakdown.items() if cycles
    )
    rows: list[Sequence[Value]] = [("term", name, meaning) for name, meaning in TERMS.items()]
    rows += [("energy", name, meaning) for name, meaning in ENERGY.items()]
    rows += [("category of cycles", human.label(category), of_category(category)) for category in categories]
    return DataTable(("kind", "word", "meaning"), rows)


def _verification(result: RunResult) -> str:
    if result.verification is None:
        return "not asked for (--verify)"
    compared = sum(layer.spikes_compared for layer in result.verification if layer.recorded)
    wrong = sum(layer.mismatches for layer in result.verification)
    return f"{compared:,} outputs compared, {wrong:,} differ" if compared else "nothing was recorded to compare with"


def _ranges(samples: Sequence[int]) -> str:
    """ "0-3, 7" """
    pieces: list[list[int]] = []
    for sample in samples:
        if pieces and sample == pieces[-1][1] + 1:
            pieces[-1][1] = sample
        else:
            pieces.append([sample, sample])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in pieces)


def _text(value: object) -> str:
    words = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return words if len(words) <= _LONGEST else f"{words[: _LONGEST - 3]}..."
