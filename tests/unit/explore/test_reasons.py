"""Why points failed and in how many keys machines differ: counted once, by one rule."""

from __future__ import annotations

from spikecycle.simulator.explore.differences import compare_results
from spikecycle.simulator.explore.results import reasons
from spikecycle.simulator.report.page.contents import MOST_SEEN
from spikecycle.simulator.report.page.overview import differences
from tests.unit.report.example import run_result


def test_each_reason_is_told_with_its_number() -> None:
    assert reasons(["too\n small", "too small"]) == "too small"
    assert reasons(["a", "b", "b"]) == "2 of them: b; 1 of them: a"
    assert reasons(["a", "a", "b", "c", "d"], most=1) == "2 of them: a; 3 of them for other reasons"


def test_a_page_counts_the_keys_that_differ_as_compare_does() -> None:
    first = run_result()
    extra: dict[str, object] = {f"k{index}": {"x": [index]} for index in range(70)}
    second = first.model_copy(update={"machine": {**first.machine, **extra}})
    table = differences([("a", first), ("b", second)])
    assert table is not None and len(table.rows) == 61 and table.rows[-1][0] == "and 10 more keys"
    assert len(compare_results([first, second]).machine_differences) == 70 > MOST_SEEN
