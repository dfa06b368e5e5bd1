"""The framework of the checks: what a row says, which checks are made, what the command writes and returns."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from spikecycle.simulator.cli import main
from spikecycle.simulator.errors import UsageError
from spikecycle.simulator.validation import CHECKS, Check, Row
from spikecycle.simulator.validation.run import validate
from spikecycle.simulator.validation.table import to_json, to_markdown
from tests.reference_data import reference_file


def row(ours: float | None, theirs: float, tolerance: float = 0.0, **rest: str) -> Row:
    return Row("mint", "cycles", ours, theirs, tolerance, "a paper", **rest)  # type: ignore[arg-type]


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Check]]:
    """The registry with checks of the test only."""
    before = CHECKS.registered()
    CHECKS.restore({})
    yield {}
    CHECKS.restore(before)


def add(name: str, *rows: Row, needs: tuple[str, ...] = (), machines: tuple[str, ...] = ("mint",)) -> None:
    CHECKS.register(name, Check(name, "a check", machines, needs, lambda data: rows))


@pytest.mark.parametrize(
    ("ours", "theirs", "tolerance", "error", "passed"),
    [(7, 7, 0, 0, True), (8, 7, 0, 1 / 7, False), (0, 0, 0, 0, True), (1, 0, 0.5, math.inf, False),
     (110, 100, 0.1, 0.1, True), (89, 100, 0.1, -0.11, False), (0, 5, 0.9, -1, False)],
)  # fmt: skip
def test_error_and_verdict(ours: int, theirs: int, tolerance: float, error: float, passed: bool) -> None:
    found = row(ours, theirs, tolerance + 1e-12 * bool(tolerance))
    assert found.error == pytest.approx(error)
    assert found.passed is passed


def test_bounds() -> None:
    assert row(0.97, 0.95, comparison="at_least").passed
    assert row(0.94, 0.95, comparison="at_least").passed is False
    assert row(0.94, 0.95, comparison="at_most").passed
    assert row(0.97, 0.95, comparison="at_most").passed is False


def test_not_a_number_fails() -> None:
    assert row(math.nan, 1.0, 0.5).passed is False


def test_a_row_without_ours_has_a_reason_and_no_verdict() -> None:
    found = row(None, 1.97, note="their traces are not public")
    assert (found.error, found.passed) == (None, None)
    with pytest.raises(ValueError, match="says why"):
        row(None, 1.97)


def test_a_check_without_its_data_is_skipped_by_name(checks: object, tmp_path: Path) -> None:
    add("a", row(1, 1))
    add("b", row(2, 2), needs=("b.csv",))
    assert [each.check for each in validate().skipped] == ["b"]
    assert "b.csv" in validate(tmp_path).skipped[0].reason
    (tmp_path / "b.csv").touch()
    assert len(validate(tmp_path).rows) == 2


def test_one_machine(checks: object) -> None:
    add("a", row(1, 1), Row("ptb", "cycles", 3, 4, 0, "a paper"), machines=("mint", "ptb"))
    assert [each.machine for each in validate(machine="ptb").rows] == ["ptb"]
    with pytest.raises(UsageError, match=r"no check of a machine 'eniac'.*mint, ptb"):
        validate(machine="eniac")


@pytest.mark.parametrize(("ours", "status"), [(5, 0), (6, 1), (None, 0)])
def test_the_command(checks: object, ours: int | None, status: int, tmp_path: Path) -> None:
    add("a", row(ours, 5, note="why"))
    target, page = tmp_path / "rows.json", tmp_path / "rows.md"
    assert main(["validate", "--json", str(target), "--markdown", str(page)]) == status
    (found,) = json.loads(target.read_text())["rows"]
    assert (found["machine"], found["quantity"], found["ours"], found["theirs"]) == ("mint", "cycles", ours, 5)
    assert found["passed"] is {5: True, 6: False, None: None}[ours]
    assert {"error", "tolerance", "source"} <= set(found)
    assert {5: "pass", 6: "FAIL", None: "not reproducible here"}[ours] in page.read_text()


def test_bad_input_of_the_command(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["validate", "--data", str(tmp_path / "none")]) == 2
    assert main(["validate", "--machine", "eniac"]) == 2
    (tmp_path / "lenet5_mnist_spikes.npz").write_bytes(b"not an archive")
    assert main(["validate", "--data", str(tmp_path), "--machine", "mint"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3
    assert "lenet5_mnist_spikes.npz" in lines[2]


def test_documents_have_all_rows(checks: object) -> None:
    add("a", row(1, 1), row(1, 0))
    add("b", needs=("b.csv",))
    report = validate()
    document = json.loads(to_json(report))
    assert [each["error"] for each in document["rows"]] == [0, None]  # infinity is no JSON
    assert document["skipped"][0]["check"] == "b"
    page = to_markdown(report)
    assert page.count("| mint |") == 2
    assert "skipped: b" in page


def test_every_shipped_check_is_a_module_and_says_what_it_is() -> None:
    assert dict(CHECKS.items())
    for name, check in CHECKS.items():
        assert check.name == name
        assert check.summary and "\n" not in check.summary
        assert check.machines


def test_shipped_checks_pass_on_the_data_of_others() -> None:
    report = validate(reference_file("lenet5_mnist_spikes.npz").parent)
    assert report.rows
    # one criterion is not reached (deviation S2), and the ledger says so
    assert [row.quantity for row in report.failed if "share of them within 15 %" not in row.quantity] == []
