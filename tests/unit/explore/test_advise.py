"""Advice: bounds that nothing passes, elasticities worked out by hand, and changes that do what they say."""

from __future__ import annotations

import io
import math
from pathlib import Path

import pytest
from rich.console import Console

from spikecycle.simulator import MachineError, UsageError, load_machine, shipped_machines, simulate
from spikecycle.simulator.explore.advice import Advice, Change
from spikecycle.simulator.explore.advise import advise
from spikecycle.simulator.explore.bounds import operator_bounds
from spikecycle.simulator.explore.neighbours import changes, near, numeric_keys
from spikecycle.simulator.report.advice_table import advice_report
from spikecycle.simulator.report.page.rooflines import roofline_chart
from spikecycle.traces import LayerShape
from spikecycle.traces.synthetic import synthetic_trace
from tests.unit.explore.small import small_trace


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(small_trace(tmp_path_factory.mktemp("advise") / "small.h5", samples=1))


@pytest.fixture(scope="module")
def advice(trace: str) -> Advice:
    return advise(trace, "spike_array", jobs=1)


@pytest.mark.parametrize("name", ["spike_array", "spike_array_edge", "eyeriss_snn"])
def test_no_layer_is_faster_than_its_roofs(trace: str, name: str) -> None:
    result = simulate(trace, name)
    for bound in operator_bounds(result):
        assert set(bound.bounds) > {"PEs"}
        assert 0 < max(bound.bounds.values()) <= bound.cycles_per_inference
        assert bound.bounds[bound.bound_by] == max(bound.bounds.values())
        assert bound.share_of_bound == pytest.approx(bound.bounds[bound.bound_by] / bound.cycles_per_inference)


def test_the_roofs_of_a_layer_by_hand(trace: str) -> None:
    machine = load_machine("spike_array")
    result = simulate(trace, machine)
    layer, bound = result.layers[0], operator_bounds(result)[0]
    assert bound.bounds["adders"] == pytest.approx(layer.sum_synaptic_operations / sum(
        unit.count for unit in machine.units() if unit.action == "add"
    ))  # fmt: skip
    reads, writes = (
        sum(c.sum_count for c in layer.counters if (c.component, c.action) == ("potentials", action))
        for action in ("read", "write")
    )
    assert bound.bounds["potentials"] == max(reads, writes) / (16 * 4)  # PEs x banks, a read and a write in a cycle
    assert bound.bounds["DRAM channel"] == layer.sum_busy_cycles["dram_channel"]


@pytest.mark.parametrize("name", ["spike_array", "spike_array_edge", "eyeriss_snn"])
def test_the_page_of_a_result_names_the_roofs_that_advice_names(trace: str, name: str) -> None:
    advised = advise(trace, name, jobs=1).operators
    chart = roofline_chart("r1", simulate(trace, name))
    assert chart is not None
    for told, (layer, speed, lowest, roof, percent) in zip(advised, chart.table.rows, strict=True):
        assert (layer, lowest) == (told.layer, told.bound_by)
        assert percent == pytest.approx(100 * told.share_of_bound)
        assert isinstance(speed, float)
        assert roof == pytest.approx(speed * told.cycles_per_inference / told.bounds[told.bound_by])
        assert told.bound_by in chart.reading


def test_shares_sum_to_the_whole(advice: Advice) -> None:
    assert sum(advice.energy_pj.values()) == pytest.approx(advice.energy_per_inference_pj)
    assert sum(advice.cycles.values()) == pytest.approx(sum(each.cycles_per_inference for each in advice.operators))
    assert list(advice.energy_pj.values()) == sorted(advice.energy_pj.values(), reverse=True)


def test_the_elasticity_of_a_price_is_its_share(advice: Advice) -> None:
    """Energy is linear in the price of a DRAM bit; a share s gives ln((1 + s/10) / (1 - s/10)) / ln(1.1 / 0.9)."""
    (found,) = [each for each in advice.elasticities if each.key == "dram.energy_pj_per_bit"]
    share = advice.energy_pj["dram"] / advice.energy_per_inference_pj
    assert found.energy == pytest.approx(math.log((1 + share / 10) / (1 - share / 10)) / math.log(1.1 / 0.9), rel=1e-6)
    assert (found.time, found.area) == (0, 0)
    assert (found.low, found.high) == (pytest.approx(0.9 * 12.45), pytest.approx(1.1 * 12.45))


def test_without_dram_time_goes_with_one_over_the_clock(trace: str) -> None:
    advice = advise(trace, "mint", jobs=1)
    (clock,) = [each for each in advice.elasticities if each.key == "technology.clock_mhz"]
    assert clock.time == pytest.approx(-1)


def test_changes_are_measured_and_in_order(trace: str, advice: Advice) -> None:
    assert advice.changes
    products = [change.edp for change in advice.changes]
    assert products == sorted(products)
    assert all(product < 0 for product in products)
    keys = [change.key for change in advice.best]
    assert len(keys) == len(set(keys)) == min(5, len({change.key for change in advice.changes}))
    _check(trace, next(change for change in advice.changes if "formats" not in change.key))
    _check(trace, advice.best[0])


def _check(trace: str, change: Change) -> None:
    before, after = simulate(trace, "spike_array"), simulate(trace, "spike_array", settings={change.key: change.after})
    assert change.energy == pytest.approx(after.energy_per_inference_pj / before.energy_per_inference_pj - 1, abs=1e-12)
    assert change.time == pytest.approx(after.seconds_per_inference / before.seconds_per_inference - 1, abs=1e-12)
    assert change.area_mm2 == pytest.approx(after.area_mm2 - before.area_mm2, abs=1e-12)
    assert not after.too_slow


def test_the_goal_orders_changes(trace: str) -> None:
    advice = advise(trace, "spike_array", goal="time", jobs=1, settings={"dataflow.pes": 2})
    times = [change.time for change in advice.changes]
    assert times == sorted(times)
    assert advice.best[0].time < 0
    assert "dataflow.pes=2" in advice.machine
    with pytest.raises(UsageError, match="no goal 'area'"):
        advise(trace, "spike_array", goal="area")


def test_a_machine_that_cannot_be_is_refused(trace: str) -> None:
    with pytest.raises(MachineError, match=r"dataflow\.pes"):
        advise(trace, "spike_array", settings={"dataflow.pes": 0})


@pytest.mark.parametrize("name", shipped_machines())
def test_every_number_has_neighbours_on_both_sides(name: str) -> None:
    machine = load_machine(name)
    numbers = numeric_keys(machine)
    assert "technology.clock_mhz" in numbers
    found: dict[str, list[float]] = {}
    for neighbour in near(machine):
        assert neighbour.after != neighbour.before == numbers[neighbour.key]
        assert type(neighbour.after) is type(neighbour.before)
        found.setdefault(neighbour.key, []).append(neighbour.after)
    for key, value in numbers.items():
        if value > 1:
            assert min(found[key]) < value < max(found[key])
    assert all(change.after != change.before for change in changes(machine))
    for change in changes(machine):
        assert not change.key.startswith(("technology", "logic", "dataflow.neuron_unit"))
        assert "_ns" not in change.key
        assert "_um" not in change.key


def test_the_report_is_of_a_width_that_fits(advice: Advice) -> None:
    page = io.StringIO()
    Console(file=page, width=80).print(advice_report(advice))
    text = page.getvalue()
    assert max(map(len, text.splitlines())) <= 80
    for words in ("lowest roof", "What 1 % more of a key does", "Changes that help most", advice.best[0].key):
        assert words in text


def test_a_layer_without_work_has_no_roof(tmp_path: Path) -> None:
    path = tmp_path / "silent.h5"
    synthetic_trace(path, [LayerShape.linear(8, 4)], 2, 1, 0.0, 0.5, 8, seed=1, output_density=0.0)
    for bound in operator_bounds(simulate(path, "mint")):
        assert 0 <= bound.share_of_bound <= 1
