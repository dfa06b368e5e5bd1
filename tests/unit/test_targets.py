"""The table of targets: what stands in it follows from figures, and its command measures, marks and refuses."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.target_rows import Row, Target, machine_table, number, placed, plain_table, target_table

CHECKOUT = Path(__file__).parents[2]
FEW = {"loihi": 2.0, "phi": 0.5}
MANY = {"a": 0.011, "b": 0.03, "c": 0.02, "d": 0.0123, "e": 0.025}


def test_seconds_are_met_up_to_the_target_and_times_from_it_on() -> None:
    assert Target(0.1).is_met_by(0.1)
    assert not Target(0.1).is_met_by(0.1001)
    assert Target(6, at_least=True).is_met_by(6)
    assert not Target(6, at_least=True).is_met_by(5.99)


def test_the_median_of_runs_is_held_against_the_target() -> None:
    row = Row.of_runs("fast", "`fast`, network", "s", [0.3, 0.1, 0.05, 0.09, 0.2], Target(0.1))
    assert (row.figure, row.lowest, row.highest) == (0.1, 0.05, 0.3)
    assert (row.measured, row.asked, row.met) == ("0.1 s (0.05 to 0.3; 5 runs)", "at most 0.1 s", "yes")
    slower = Row.of_runs("slow", "`slow`", "s", [0.3, 0.1, 0.11], Target(0.1))
    assert slower.met == "no"
    assert Row.of_runs("one", "one", "s", [14.6], Target(60)).measured == "14.6 s"


def test_a_group_is_as_good_as_its_worst() -> None:
    slowest = Row.of_group("rules", "machines", "s", MANY, Target(0.02))
    assert (slowest.figure, slowest.met) == (0.03, "no")
    assert slowest.measured == "0.011 to 0.03 s (5 machines; most: `b`)"
    assert Row.of_group("rules", "machines", "s", MANY, Target(0.03)).met == "yes"
    least = Row.of_group("threads", "two", "times", MANY, Target(0.012, at_least=True))
    assert (least.figure, least.met) == (0.011, "no")
    assert least.measured == "0.011 to 0.03 times (5 machines; least: `a`)"
    named = Row.of_group("threads", "two", "times", FEW, note="3 and 2 s")
    assert named.measured == "2 times `loihi`, 0.5 times `phi`; 3 and 2 s"


def test_what_could_not_be_measured_says_why_and_meets_nothing() -> None:
    row = Row("peer", "a peer", target=Target(6, at_least=True), problem="torch is not installed: pip install it")
    assert row.measured == "not measured: torch is not installed: pip install it"
    assert row.met == ""
    assert Row.of_group("none", "no machine", "s", {}, Target(1), note="refused by `x`").problem == "refused by `x`"


ROWS = [
    Row.of_group("vgg9", "rules", "s", FEW, Target(1), column="vgg9, s"),
    Row.of_group("vgg9", "cores", "s", {"truenorth": 0.25}, column="vgg9, s"),
    Row.of_group("wide", "peak", "MB", {"phi": 1508.4}, Target(1000), column="67 M, MB"),
]


def test_the_table_has_a_line_for_each_row() -> None:
    assert target_table(ROWS[1:]).splitlines() == [
        "| what | measured | target | met | `--only` |",
        "|---|---|---|---|---|",
        "| cores | 0.25 s `truenorth` |  |  | `vgg9` |",
        "| peak | 1,508 MB `phi` | at most 1,000 MB | no | `wide` |",
    ]
    assert plain_table(ROWS[2:]).splitlines() == [
        "what  measured      target            met  --only",
        "peak  1,508 MB phi  at most 1,000 MB  no   wide",
    ]


def test_machines_have_a_column_for_each_thing_measured() -> None:
    assert machine_table(ROWS, ("loihi", "phi", "truenorth")).splitlines() == [
        "| machine | vgg9, s | 67 M, MB |",
        "|---|---|---|",
        "| `loihi` | 2 | - |",
        "| `phi` | 0.5 | 1,508 |",
        "| `truenorth` | 0.25 | - |",
    ]


@pytest.mark.parametrize(("value", "said"), [(0.05512, "0.0551"), (1.0, "1"), (99.96, "100"), (1234.5, "1,234")])
def test_a_figure_has_three_digits(value: float, said: str) -> None:
    assert number(value) == said


def test_tables_take_the_place_of_those_before() -> None:
    text = "a\n<!-- targets -->\n\nold\n\n<!-- /targets -->\nb\n"
    assert placed(text, "targets", "new") == "a\n<!-- targets -->\n\nnew\n\n<!-- /targets -->\nb\n"
    with pytest.raises(ValueError, match="machines"):
        placed(text, "machines", "new")


def test_the_document_has_a_place_for_both() -> None:
    text = (CHECKOUT / "benchmarks" / "README.md").read_text()
    assert all("| new |" in placed(text, marker, "| new |") for marker in ("targets", "machines"))


def test_a_peer_that_is_missing_is_a_row_and_the_rest_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(str(CHECKOUT / "benchmarks"))
    targets = importlib.import_module("targets")
    made = importlib.import_module("target_measurements")

    def missing(key: str, setting: Any) -> Iterator[Any]:
        raise made.NotMeasuredError("peer is not installed:\n  pip install peer")

    def there(key: str, setting: Any) -> Iterator[Any]:
        yield made.Row.of_runs(key, "ours", "s", [setting.runs])

    both = {"peer": made.Measurement("beside a peer", missing), "ours": made.Measurement("ours", there)}
    monkeypatch.setattr(targets, "MEASUREMENTS", both)
    conditions, rows = targets.measure(made.Setting(tmp_path, 3, (), (), 0), list(both))
    assert [row.measured for row in rows] == ["not measured: peer is not installed: pip install peer", "3 s"]
    assert conditions.cores >= 1
    assert "[2/2, 0 s] ours" in capsys.readouterr().err


def _run(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(CHECKOUT / "benchmarks" / "targets.py"), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_one_row_is_measured_by_itself(tmp_path: Path) -> None:
    """A machine that compiles next to nothing, and one that refuses the trace."""
    json_file, markdown = tmp_path / "targets.json", tmp_path / "targets.md"
    machines = ("--first-runs", "stems,quantisenc")
    done = _run("--only", "first_runs", *machines, "--json", str(json_file), "--markdown", str(markdown))
    assert done.returncode == 0, done.stderr
    assert "[1/1, 0 s] first_runs" in done.stderr
    document = json.loads(json_file.read_text())
    (row,) = document["rows"]
    assert row["each"].keys() == {"stems"}
    assert row["figure"] > 0
    assert row["note"] == "refused by `quantisenc`"
    assert document["conditions"]["versions"]["spikecycle"]
    assert "| at most 8 s |" in markdown.read_text()
    assert "at most 8 s" in done.stdout


def test_what_it_does_not_know_is_refused(tmp_path: Path) -> None:
    assert "no such machine" in _run("--memory", "stem").stderr
    said = _run("--only", "spike_aray")
    assert said.returncode == 2
    assert "spike_array" in said.stderr
    (tmp_path / "kept.md").write_text("kept")
    assert "would lose the rows" in _run("--only", "quick", "--markdown", str(tmp_path / "kept.md")).stderr
    assert (tmp_path / "kept.md").read_text() == "kept"
