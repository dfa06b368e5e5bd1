"""Search: fronts that nothing beats, studies that go on, constraints that hold, and better than chance."""

from __future__ import annotations

import itertools
import math
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spikecycle.simulator import OutputError, UsageError
from spikecycle.simulator.checking import check_file
from spikecycle.simulator.explore import measure
from spikecycle.simulator.explore.constraints import parse_constraint
from spikecycle.simulator.explore.hypervolume import hypervolume
from spikecycle.simulator.explore.results import SearchResult
from spikecycle.simulator.explore.search import search
from spikecycle.simulator.explore.sweep import run_sweep
from spikecycle.simulator.explore.sweep_spec import SweepSpec, parse_sweep
from spikecycle.simulator.report.front_picture import front_svg
from tests.children import run_limited
from tests.unit.explore.small import small_trace

pytestmark = pytest.mark.filterwarnings("ignore")  # Optuna warns of its newer parts


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(small_trace(tmp_path_factory.mktemp("search") / "small.h5", samples=1))


def _space(trace: str, **keys: Any) -> SweepSpec:
    settings = keys or {
        "dataflow.pes": [1, 2, 4, 8, 16],
        "dataflow.lanes": [1, 2, 4],
        "dataflow.fifo_depth": [1, 4, 16],
    }
    return parse_sweep({"traces": trace, "machines": "spike_array", "set": settings}, "search", None)


def test_the_front_is_what_no_point_of_the_search_beats(trace: str, tmp_path: Path) -> None:
    found = search(_space(trace), tmp_path / "out", trials=16, seed=1)
    assert (found.trials, found.space) == (16, 45)
    assert (found.simulated, found.untried) == (16, 29)
    for point, other in itertools.product(found.front, found.points):
        assert not all(other[goal] <= point[goal] for goal in found.goals) or all(
            other[goal] == point[goal] for goal in found.goals
        )
    assert set(found.importances) == {"energy", "time", "area"}
    assert all(0 < sum(shares.values()) <= 1 + 1e-9 for shares in found.importances.values())


def test_a_point_has_the_figures_of_a_sweep(trace: str, tmp_path: Path) -> None:
    space = _space(trace)
    found = search(space, tmp_path / "out", trials=8)
    swept = {point["point"]: point for point in run_sweep(space, jobs=1).points}
    for point in found.points:
        assert point == swept[point["point"]]


def test_a_study_goes_on_and_simulates_no_point_twice(
    trace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = []
    real = measure.simulate

    def counted(network: Any, machine: Any, **keys: Any) -> Any:
        ran.append(machine.fingerprint())
        return real(network, machine, **keys)

    monkeypatch.setattr(measure, "simulate", counted)
    space = _space(trace, **{"dataflow.pes": [2, 4, 8], "dataflow.lanes": [1, 2]})
    assert search(space, tmp_path / "out", trials=5).trials == 5
    found = search(space, tmp_path / "out", trials=14)
    assert found.trials == 14
    assert len(ran) == len(set(ran)) == found.simulated + found.already_there == len(found.points) <= 6
    again = search(space, tmp_path / "out", trials=10)
    assert (again.trials, again.simulated, again.already_there) == (14, 0, len(found.points))
    assert again.points == found.points
    with pytest.raises(UsageError, match="other space"):
        search(_space(trace), tmp_path / "out", trials=20)
    with pytest.raises(UsageError, match="other goals"):
        search(space, tmp_path / "out", trials=20, goals=["energy"])


@pytest.mark.parametrize("jobs", [1, 3])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_as_many_trials_as_points_try_all_of_them(trace: str, tmp_path: Path, seed: int, jobs: int) -> None:
    """12 trials of 12 points, in two runs; then the shares are those of the whole grid, worked out from a sweep."""
    space = _space(trace, **{"dataflow.pes": [4, 8, 16], "dataflow.lanes": [1, 2], "dataflow.fifo_depth": [1, 16]})
    assert search(space, tmp_path / "out", trials=7, seed=seed, jobs=jobs).untried == 5
    found = search(space, tmp_path / "out", trials=12, seed=seed, jobs=jobs)
    assert [point["number"] for point in found.points] == list(range(12))
    assert (found.trials, found.simulated, found.already_there, found.untried) == (12, 5, 7, 0)
    area = [point["area_mm2"] for point in found.points]
    for axis, shape in (("dataflow.pes", (3, 4)), ("dataflow.lanes", (3, 2, 2)), ("dataflow.fifo_depth", (6, 2))):
        grid = np.reshape(area, shape)
        means = grid.mean(axis=(0, 2)) if len(shape) == 3 else grid.mean(axis=1 if axis == "dataflow.pes" else 0)
        assert found.importances["area"][axis] == pytest.approx(means.var() / np.var(area), abs=1e-6)


def test_equal_seeds_try_equal_points(trace: str, tmp_path: Path) -> None:
    space = _space(trace)
    runs = [search(space, tmp_path / name, trials=40, seed=4) for name in ("a", "b")]
    assert runs[0].points == runs[1].points
    assert len(runs[0].points) == 40


def test_an_axis_that_decides_nothing_has_no_share(trace: str, tmp_path: Path) -> None:
    """The clock changes no area; PEs do."""
    space = _space(trace, **{"dataflow.pes": [4, 8, 16], "technology.clock_mhz": [50, 60]})
    found = search(space, tmp_path / "out", trials=6)
    assert found.importances["area"] == pytest.approx({"dataflow.pes": 1, "technology.clock_mhz": 0})


def test_the_front_keeps_to_constraints(trace: str, tmp_path: Path) -> None:
    free = search(_space(trace), tmp_path / "free", trials=12, seed=3)
    bound = sorted(point["area_mm2"] for point in free.points)[len(free.points) // 2]
    kept = search(_space(trace), tmp_path / "kept", trials=12, seed=3, constraints=[f"area_mm2<={bound}"])
    assert kept.front
    assert all(point["area_mm2"] <= bound for point in kept.front)
    none = search(_space(trace), tmp_path / "none", trials=4, constraints=["utilization>=2"])
    assert not none.front
    assert (none.importances, none.points_for_importances) == ({}, 16)  # 2 x (1 + 3 + 2 + 2), 4 were tried
    assert list(none.nearest()) == ["utilization >= 2"]
    assert none.nearest()["utilization >= 2"] == max(point["utilization"] for point in none.points)


def test_points_that_cannot_be_run_stop_nothing(trace: str, tmp_path: Path) -> None:
    found = search(
        _space(trace, **{"dataflow.pes": [0, 4, 8, 16]}), tmp_path / "out", trials=20, goals=["energy", "time"]
    )
    assert found.failed > 0
    assert found.front
    assert any("dataflow.pes" in point["problem"] for point in found.points if point["problem"])


def test_search_beats_chance_at_equal_budget(trace: str, tmp_path: Path) -> None:
    """50 of 84,000 points, two seeds: hypervolume of the logarithms of energy and time, below 0.5 uJ and 5 us."""
    space = _space(
        trace,
        **{
            "dataflow.pes": [1, 2, 3, 4, 6, 8, 12, 16, 24, 32],
            "dataflow.lanes": [1, 2, 4, 8],
            "dataflow.fifo_depth": [1, 2, 4, 8, 16, 32, 64],
            "buffers.potentials.size_kib": [2, 4, 8, 16, 48],
            "buffers.weights.size_kib": [2, 4, 8, 16, 32],
            "buffers.outputs.size_kib": [2, 8, 64],
            "dataflow.update": ["dense", "sparse"],
        },
    )
    volumes = {False: 0.0, True: 0.0}
    for seed, at_random in itertools.product((1, 2), volumes):
        place = tmp_path / f"{seed}{at_random}"
        found = search(space, place, trials=50, seed=seed, at_random=at_random, goals=["energy", "time"])
        points = [np.log10([point[goal] for goal in found.goals]).tolist() for point in found.front]
        volumes[at_random] += hypervolume(points, (math.log10(0.5e6), math.log10(5e-6)))
    assert volumes[False] > 1.05 * volumes[True]


def test_hypervolume_by_hand() -> None:
    assert hypervolume([(1, 1)], (3, 2)) == 2
    assert hypervolume([(1, 2), (2, 1)], (3, 3)) == 3  # 2 x 1 and 1 x 2 share a unit square
    assert hypervolume([(1, 2), (2, 1), (2, 2), (4, 0)], (3, 3)) == 3
    assert hypervolume([(0, 0, 0)], (1, 2, 3)) == 6
    assert hypervolume([(0, 0, 1), (1, 1, 0)], (2, 2, 2)) == 4 + 2 - 1
    assert hypervolume([], (1, 1)) == 0


def test_hypervolume_is_the_share_of_cells_that_are_beaten() -> None:
    random = np.random.default_rng(1)
    points = random.integers(0, 6, (7, 3))
    cells = np.stack(np.meshgrid(*[np.arange(6)] * 3, indexing="ij"), axis=-1).reshape(-1, 1, 3)
    beaten = (points[None] <= cells).all(axis=2).any(axis=1).sum()
    assert hypervolume(points.tolist(), (6, 6, 6)) == beaten


@pytest.mark.parametrize("text", ["area", "area<10", "area<=ten", "<=", ">=1e", "<=3", "area_mm2<=nan", "a>=inf"])
def test_what_is_no_constraint(text: str) -> None:
    with pytest.raises(UsageError, match="write COLUMN<=NUMBER"):
        parse_constraint(text)


def test_what_cannot_be_searched(trace: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no goal 'speed'"):
        search(_space(trace), tmp_path / "a", goals=["speed"])
    with pytest.raises(UsageError, match="one point"):
        search(_space(trace, **{"dataflow.pes": [4]}), tmp_path / "b")
    with pytest.raises(UsageError, match=r"no column 'area_mm'; did you mean 'area_mm2'\?"):
        search(_space(trace), tmp_path / "a", constraints=["area_mm<=1"])
    with pytest.raises(UsageError, match="no column 'nonsense'"):
        search(_space(trace), tmp_path / "a", constraints=["nonsense<=1"])
    with pytest.raises(UsageError, match=r"'error' cannot be one: .*small\.h5 does not state the accuracy"):
        search(_space(trace), tmp_path / "a", goals=["error"])
    with pytest.raises(UsageError, match=r"--keep accuracy >= 0\.5: .*small\.h5 does not state the accuracy"):
        search(_space(trace), tmp_path / "a", constraints=["accuracy>=0.5"])
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize(
    ("column", "meant"),
    [
        ("cycles.weight_fech", "cycles.weight_fetch"),
        ("cycles.NONSENSE", ""),
        ("energy_pj.potential", "energy_pj.potentials"),
        ("energy_pj.NONSENSE", ""),
        ("energy_pj.", ""),
        ("energy", "energy_per_inference_pj"),
        ("time", "seconds_per_inference"),
    ],
)
def test_a_bound_on_what_no_machine_has_is_refused(trace: str, tmp_path: Path, column: str, meant: str) -> None:
    with pytest.raises(UsageError, match=f"no column '{column}'") as refused:
        search(_space(trace), tmp_path / "a", constraints=[f"{column}<=1"])
    assert str(refused.value).endswith(f"; did you mean {meant!r}?") or not meant
    assert not (tmp_path / "a").exists()


def test_a_bound_on_words_is_refused(trace: str, tmp_path: Path) -> None:
    space = _space(trace, **{"dataflow.update": ["dense", "sparse"]})
    for column in ("trace", "dataflow.update"):
        with pytest.raises(UsageError, match=f"'{column}' holds no numbers"):
            search(space, tmp_path / "a", constraints=[f"{column}<=1"])


def test_every_column_of_a_point_can_be_bounded(trace: str, tmp_path: Path) -> None:
    """Of machines of several kinds: what points come to have is never refused, and bounds that all keep change
    nothing."""
    for machine in ("spike_array", "eyeriss_snn", "loihi", "mint"):
        point = run_sweep(parse_sweep({"traces": trace, "machines": machine}, ""), jobs=1).points[0]
        bounds = [f"{name}<=1e15" for name in point if name.startswith(("cycles.", "energy_pj."))]
        assert len(bounds) > 3
        space = parse_sweep({"traces": trace, "machines": machine, "set": {"technology.clock_mhz": [50, 60]}}, "", None)
        goals = ["energy", "time"]  # two of the machines model no area
        found = search(space, tmp_path / machine, trials=4, goals=goals, at_random=True, constraints=bounds)
        assert found.front
        assert found.lacking == []


def test_a_bound_that_no_point_can_keep_for_want_of_the_column_is_told(trace: str, tmp_path: Path) -> None:
    """A category that there is, but not on this machine."""
    found = search(_space(trace), tmp_path / "a", trials=2, constraints=["cycles.mesh<=10"])
    assert (found.front, found.lacking) == ([], ["cycles.mesh"])


def test_points_of_a_sweep_are_no_part_of_a_search_that_did_not_choose_them(trace: str, tmp_path: Path) -> None:
    """The folder has 3 points of a sweep, of which one is in the space of the search: 4 x 1 points."""
    run_sweep(_space(trace, **{"dataflow.pes": [1, 2, 32]}), tmp_path / "out", jobs=1)
    space = _space(trace, **{"dataflow.pes": [2, 4, 8, 16]})
    found = search(space, tmp_path / "out", trials=40, at_random=True)
    assert [point["dataflow.pes"] for point in found.points] == [2, 4, 8, 16]
    assert [point["number"] for point in found.points] == [0, 1, 2, 3]
    assert (found.simulated, found.already_there) == (3, 1)
    assert {point["dataflow.pes"] for point in found.front} <= {2, 4, 8, 16}
    swept = run_sweep(_space(trace, **{"dataflow.pes": [1, 2, 32, 64]}), tmp_path / "out", jobs=1)
    assert (len(swept.points), swept.already_there) == (4, 3)


def test_two_runs_on_one_study_both_tell_all_of_its_points(trace: str, tmp_path: Path) -> None:
    """Another command works on the same study meanwhile: here, at the first trial of the first one."""
    space = _space(trace)
    others = []

    def other(what: str, done: int, total: int) -> None:
        if not others:
            others.append(search(space, tmp_path / "out", trials=6, at_random=True, seed=7))

    found = search(space, tmp_path / "out", trials=12, at_random=True, progress=other)
    assert found.trials == 12
    assert {point["point"] for point in others[0].points} <= {point["point"] for point in found.points}
    assert found.simulated < len(found.points) == found.simulated + found.already_there


@pytest.mark.parametrize("damage", ["another file", "cut short", "changed", "empty"])
def test_a_study_that_is_damaged_is_told_in_plain_words(trace: str, tmp_path: Path, damage: str) -> None:
    space = _space(trace)
    search(space, tmp_path / "out", trials=2)
    file = tmp_path / "out" / "study.db"
    content = bytearray(file.read_bytes())
    if damage == "another file":
        file.write_bytes(b"not a database" * 1000)
    elif damage == "cut short":
        file.write_bytes(content[: len(content) // 2])
    elif damage == "changed":
        content[4096:] = bytes(byte ^ 0x5A for byte in content[4096:])
        file.write_bytes(content)
    else:
        file.write_bytes(b"")
        assert search(space, tmp_path / "out", trials=2).trials == 2  # nothing was in it
        return
    with pytest.raises(OutputError) as refused:
        search(space, tmp_path / "out", trials=4)
    assert str(refused.value).startswith(f"{file}: is damaged, so that this search cannot go on")
    assert "SQL" not in str(refused.value)


def test_the_front_is_drawn_the_same_every_time(trace: str, tmp_path: Path) -> None:
    for goals in (["energy"], ["energy", "time"], ["energy", "time", "area"]):
        found = search(_space(trace), tmp_path / "-".join(goals), trials=6, goals=goals)
        assert front_svg(found) == front_svg(found)
        assert "energy per inference" in front_svg(found)


def test_a_front_at_nothing_is_drawn(tmp_path: Path) -> None:
    """An accuracy of 100 % is an error of 0, and an area that is not modelled was 0: neither has a logarithm."""
    points = [
        {"point": f"{number}", "number": number, "problem": None, "energy_per_inference_pj": 1e6 * (number + 1),
         "error": 0.02 * number, "area_mm2": 0.0}
        for number in range(3)
    ]  # fmt: skip
    points.append({"point": "3", "number": 3, "problem": None, "energy_per_inference_pj": 1e6})  # has no error
    found = SearchResult(
        spikecycle="0", folder="best", columns=["trace", "machine"], goals=["energy_per_inference_pj", "error"],
        constraints=[], space=9, trials=4, simulated=4, failed=0, front=points[:1], points=points, importances={},
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        for goals in (["energy_per_inference_pj", "error"], ["area_mm2"], ["area_mm2", "error"]):
            drawn = front_svg(found.model_copy(update={"goals": goals}))
            assert "<svg" in drawn
    (tmp_path / "front.svg").write_text(drawn)
    assert check_file(str(tmp_path / "front.svg")).facts[0] == ("title", "spikecycle search")


def test_the_command_goes_on_and_draws(trace: str, tmp_path: Path) -> None:
    command = [
        "search",
        trace,
        "--set",
        "dataflow.pes=2,4,8,16",
        "--out",
        tmp_path / "out",
        "--picture",
        tmp_path / "f.svg",
    ]
    first = run_limited(*command, "--trials", "4", memory_bytes=2**33)
    assert first.status == 0, first.err
    again = run_limited(*command, "--trials", "8", memory_bytes=2**33)
    assert "8 trials of 4 points" in again.out
    assert (tmp_path / "f.svg").read_text().startswith("<?xml")
