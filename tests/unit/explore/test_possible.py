"""What no point of a sweep or search can have is refused at once: nothing is simulated, and no folder is made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from spikecycle.simulator import SimulatorError, UsageError
from spikecycle.simulator.checking import check_file
from spikecycle.simulator.dataflows import DATAFLOWS
from spikecycle.simulator.explore import measure
from spikecycle.simulator.explore.compare import compare
from spikecycle.simulator.explore.search import search
from spikecycle.simulator.explore.sweep import sweep
from spikecycle.simulator.machine.keys import has_key, keys_of
from spikecycle.simulator.machine.loader import load_machine, override, shipped_machines
from spikecycle.traces import TraceError
from tests.children import run_limited
from tests.unit.explore.small import small_trace


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(small_trace(tmp_path_factory.mktemp("possible") / "small.h5"))


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"settings": {"dataflow.pez": [1]}}, r"set\.dataflow\.pez: .* did you mean 'pes'\?"),
    (
        {"settings": {"nonsense.key": [1]}},
        r"set\.nonsense\.key: spike_array has no key nonsense\.key, allowed: keys in",
    ),
    ({"settings": {"technology.clock_mhz.x": [1]}}, r"technology\.clock_mhz\.x"),
    ({"together": [{"dataflow.pes": [4, 8], "dataflow.lane": [1, 2]}]}, r"did you mean 'lanes'\?"),
    ({"samples": [0, 2]}, r"samples: 0,2: samples of .*small\.h5 are 0 to 1, found 2"),
    ({"samples": []}, "samples: at least one value"),
    ({"samples": [0, 0]}, "samples: 0 is named twice"),
    ({"residency": {"weights": ["inference", "residnt"]}}, "residnt.*did you mean 'resident'"),
    ({"residency": {"weight": "resident"}}, "residency.weight: .*did you mean 'weights'"),
    ({"residency": {"weights": "batch:1"}}, "at least 2"),
    ({"residency": {"weights": ["inference", "batch:3"]}}, "a multiple of 3, found 2"),
    ({"formats": {"weights": ["rle", "bitmsk"]}}, "did you mean 'bitmask'"),
    ({"formats": {"wieghts": "rle"}}, "did you mean 'weights'"),
    ({"formats": {"weights.nothing": "rle"}}, "no trace has an operator with weights of this name"),
]


@pytest.mark.parametrize(("keys", "words"), REFUSED)
def test_what_no_point_can_have_is_refused_at_once(
    trace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keys: dict[str, Any], words: str
) -> None:
    monkeypatch.setattr(measure, "simulate", lambda *_, **__: pytest.fail("something was simulated"))
    with pytest.raises(SimulatorError, match=words) as refused:
        sweep(trace, "spike_array", out=tmp_path / "out", jobs=1, **keys)
    assert "\n" not in str(refused.value)
    said = {"set": {"dataflow.fifo_depth": [1, 4], **keys.pop("settings", {})}, **keys}
    with pytest.raises(SimulatorError, match=words):
        search({"traces": trace, "machines": "spike_array", **said}, tmp_path / "out", trials=2)
    assert not (tmp_path / "out").exists()


def test_what_only_some_machines_or_traces_have_makes_points_that_fail(trace: str, tmp_path: Path) -> None:
    """fifo_depth is a key of spike_array alone, sample 2 one of the longer trace alone."""
    longer = str(small_trace(tmp_path / "longer.h5", samples=3))
    swept = sweep(
        [trace, longer], ["spike_array", "mint"], settings={"dataflow.fifo_depth": [4]}, samples=[2], jobs=1,
    )  # fmt: skip
    assert [point["problem"] is None for point in swept.points] == [False, False, True, False]
    with pytest.raises(UsageError, match=r"none of spike_array, mint has a key dataflow\.fifo_dept.*did you mean"):
        sweep(trace, ["spike_array", "mint"], settings={"dataflow.fifo_dept": [4]}, jobs=1)
    with pytest.raises(UsageError, match=r"formats\.weights: none of mint, loihi has a format of weights"):
        sweep(trace, ["mint", "loihi"], formats={"weights": "rle"}, jobs=1)


def test_where_nothing_can_be_run_the_first_problem_is_told(trace: str, tmp_path: Path) -> None:
    (tmp_path / "bad.h5").write_text("no")
    (tmp_path / "bad.yaml").write_text("name: bad\n")
    with pytest.raises(TraceError, match=r"bad\.h5"):
        sweep(tmp_path / "bad.h5", "spike_array", out=tmp_path / "out", jobs=1)
    with pytest.raises(SimulatorError, match=r"bad\.yaml"):
        sweep(trace, tmp_path / "bad.yaml", out=tmp_path / "out", jobs=1)
    assert not (tmp_path / "out").exists()
    swept = sweep([tmp_path / "bad.h5", trace], ["mint", tmp_path / "bad.yaml"], jobs=1)
    assert [point["problem"] is None for point in swept.points] == [False, False, True, False]


def test_compare_and_check_refuse_the_same(trace: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="did you mean"):
        compare(trace, ["spike_array", "mint"], settings={"dataflow.pez": 4})
    file = tmp_path / "sweep.yaml"
    file.write_text(f"traces: {trace}\nmachines: mint\nset: {{technology.clock_mh: [100, 200]}}\n")
    with pytest.raises(UsageError, match=r"sweep\.yaml: set\.technology\.clock_mh: .*did you mean"):
        check_file(str(file))


def test_the_command_writes_nothing(trace: str, tmp_path: Path) -> None:
    ended = run_limited("sweep", trace, "--set", "nonsense.key=1", "--out", tmp_path / "out", memory_bytes=2**33)
    assert (ended.status, ended.out, len(ended.err.splitlines())) == (2, "", 1)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["spike_array", "eyeriss_snn", "mint", "loihi", "spiker", "spikesim_rram"])
def test_the_keys_of_a_machine_are_those_that_it_takes(name: str) -> None:
    """Every key that is listed is one; every key of the shipped file is; one with a letter more is none."""
    machine = load_machine(name)
    dataflow = DATAFLOWS.lookup(machine.dataflow.kind)
    for key in keys_of(dataflow):
        assert has_key(dataflow, key), key
        assert not has_key(dataflow, f"{key}x"), key
    for section, values in machine.model_dump(exclude_none=True, exclude={"sources"}).items():
        for key in values if isinstance(values, dict) else ():
            assert has_key(dataflow, f"{section}.{key}"), (section, key)
    assert override(machine, {"technology.clock_mhz": 123}).technology.clock_mhz == 123


def test_sections_that_do_nothing_are_no_keys() -> None:
    """A dataflow that moves nothing from DRAM has no keys of it, though every machine file may have the section."""
    without = [
        dataflow
        for dataflow in (DATAFLOWS.lookup(load_machine(name).dataflow.kind) for name in shipped_machines())
        if "dram" not in {key.partition(".")[0] for key in keys_of(dataflow)}
    ]
    assert without
    assert not any(has_key(dataflow, "dram.burst_bits") for dataflow in without)
    array = DATAFLOWS.lookup("spike_array")
    assert has_key(array, "dram.burst_bits")
    assert has_key(array, "formats.per_operator.conv1.weights.format")
    assert not has_key(array, "formats.per_operator.conv1.weight")
    assert has_key(array, "overlap.policy")
