"""JSON documents and the page about them."""

from __future__ import annotations

import json

from spikecycle.simulator.comparison import FormatComparison
from spikecycle.simulator.report.document import PAGE, page, to_json
from spikecycle.simulator.result import RunResult
from tests.unit.report.example import run_result


def test_a_result_survives_the_round_trip() -> None:
    result = run_result(mismatches=1)
    assert RunResult.model_validate_json(to_json(result)) == result


def test_the_document_is_plain_json_and_ends_its_last_line() -> None:
    text = to_json(run_result())
    assert text.endswith("}\n")
    assert json.loads(text)["layers"][1]["sum_cycle_breakdown"]["compute"] == 3000


def test_the_page_is_in_step() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m spikecycle.simulator.report.document"


def test_every_key_has_a_meaning_and_a_type() -> None:
    rows = [line.split("|") for line in page().splitlines() if line.startswith("| `")]
    assert len(rows) > 60
    for _, key, type_words, meaning, _ in rows:
        assert meaning.strip(), key
        assert type_words.strip(), key
    keys = {row[1].strip(" `") for row in rows}
    assert {*RunResult.model_fields, *FormatComparison.model_fields} <= keys
