"""`simulate(threads=...)`: the same result to the bit, the same errors, the same work, and progress in order."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from spikecycle.simulator import MappingError, compare_formats, simulate, stage_run
from spikecycle.simulator.cli import main, options
from spikecycle.simulator.dataflows.spike_array import SpikeArray, SpikeArrayPlan
from spikecycle.simulator.explore.compare import compare
from spikecycle.simulator.memory import Need, check_memory
from spikecycle.simulator.replay import SampleTensors
from spikecycle.simulator.reuse import Reuse
from spikecycle.simulator.side_by_side import side_by_side
from spikecycle.traces import Layer, open_trace
from spikecycle.traces.file_digest import FileDigest
from tests.unit.explore.small import small_trace

pytestmark = pytest.mark.usefixtures("all_threads_help")

SAMPLE = "digits-8bit"
PATIENCE_S = 20
"""Until a test that hangs gives up."""
CASES: dict[str, dict[str, Any]] = {
    "spike_array": {"residency": {"weights": "batch:3"}},
    "spike_array_edge": {"residency": {"activations": "chip"}},
    "eyeriss_snn": {"verify": True},
    "prosperity": {},
    "bishop": {"verify": True},
    "gustavsnn": {},
}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_trace(tmp_path_factory.mktemp("threads") / "small.h5")


@pytest.mark.parametrize("samples", [[3], [0, 4, 2]])
@pytest.mark.parametrize("machine", CASES)
def test_the_result_is_the_same_to_the_bit(machine: str, samples: list[int]) -> None:
    options = dict(CASES[machine])
    if len(samples) == 1 and "weights" in options.get("residency", {}):
        del options["residency"]  # a batch of three
    one = simulate(SAMPLE, machine, samples=samples, **options).model_dump_json()
    for threads in (2, 5):
        assert simulate(SAMPLE, machine, samples=samples, threads=threads, **options).model_dump_json() == one


def test_neurons_that_are_not_at_rest_are_the_same(small: Path) -> None:
    sparse = {"dataflow.update": "sparse"}
    one = simulate(small, "spike_array", settings=sparse)
    assert simulate(small, "spike_array", settings=sparse, threads=2) == one


def test_formats_that_are_picked_are_the_same(small: Path) -> None:
    one = simulate(small, "spike_array", formats={"weights": "auto"})
    assert simulate(small, "spike_array", formats={"weights": "auto"}, threads=2) == one


def test_runs_that_share_may_use_threads(small: Path) -> None:
    alone = [simulate(small, "spike_array", settings={"dataflow.pes": pes}) for pes in (8, 16)]
    with open_trace(small) as network:
        reuse = Reuse(network)
        for pes, expected in zip((8, 16, 16), (*alone, alone[1]), strict=True):
            assert simulate(network, "spike_array", settings={"dataflow.pes": pes}, reuse=reuse, threads=2) == expected


@pytest.mark.parametrize("machine", ["spike_array", "eyeriss_snn"])
def test_formats_that_are_compared_are_the_same(machine: str, small: Path) -> None:
    one = compare_formats(small, machine)
    assert compare_formats(small, machine, threads=3) == one


def test_results_that_are_compared_are_the_same(small: Path) -> None:
    one = compare(small, ["spike_array", "mint", "prosperity"])
    assert compare(small, ["spike_array", "mint", "prosperity"], threads=3) == one


@pytest.mark.parametrize("arguments", [("simulate",), ("formats",), ("compare", "--hw", "spike_array", "--hw", "mint")])
def test_commands_work_on_samples_side_by_side(
    arguments: tuple[str, ...], small: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On as many threads as there are cores."""
    asked: set[int] = set()

    def noted(series: Any, threads: int, *when_free: Any) -> Any:
        asked.add(threads)
        return side_by_side(series, threads, *when_free)

    command = (arguments[0], str(small), *arguments[1:])
    assert main([*command, "--json", "-"]) == 0
    alone = capsys.readouterr().out
    monkeypatch.setattr(stage_run, "side_by_side", noted)
    monkeypatch.setattr(options, "cores", lambda: 3)
    assert main([*command, "--json", "-", "--threads", "all"]) == 0
    assert capsys.readouterr().out == alone
    assert asked == {3}


@pytest.mark.parametrize("threads", [1, 3])
def test_progress_counts_every_sample_in_the_thread_that_asked(threads: int) -> None:
    """Stages in order with one thread; several work on several of them."""
    steps: list[tuple[str, int, int, int]] = []
    result = simulate(
        SAMPLE, "spike_array", samples=[0, 1], threads=threads,
        progress=lambda *step: steps.append((*step, threading.get_ident())),
    )  # fmt: skip
    names = [layer.name for layer in result.layers for _ in range(2)]
    told = [name for name, *_ in steps]
    assert (sorted(told) if threads > 1 else told) == (sorted(names) if threads > 1 else names)
    assert [counts for _, *counts in steps] == [
        [i, len(names), threading.get_ident()] for i in range(1, len(names) + 1)
    ]


@pytest.mark.parametrize(("machine", "plans"), [("spike_array", 2), ("bishop", 0)])
def test_threads_do_no_work_twice(machine: str, plans: int, small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every layer is mapped once and its weights are read once; currents are made once a sample."""
    done: list[str] = []

    def counted(owner: Any, name: str, tell: Any) -> None:
        original = getattr(owner, name)

        def counting(*arguments: Any) -> Any:
            done.append(tell(*arguments))
            return original(*arguments)

        monkeypatch.setattr(owner, name, counting)

    counted(SpikeArray, "plan", lambda self, machine, stage, network: f"plan {stage.name}")
    counted(Layer, "codes", lambda self: f"weights {self.name}")
    counted(SampleTensors, "_recompute", lambda self, name: f"{name} of {self.sample}")
    work = {}
    for threads in (1, 2):
        done.clear()
        simulate(small, machine, threads=threads)
        work[threads] = sorted(done)
    assert len(set(work[1])) == len(work[1])
    assert work[2] == work[1]
    assert sum(one.startswith("plan") for one in work[1]) == plans
    assert sum(one.startswith("weights") for one in work[1]) == 2


def test_stages_are_mapped_at_the_same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that is mapped first, until the mapping of another has begun."""
    plan = SpikeArray.plan
    mapping: list[str] = []
    two_began = threading.Event()

    def planned(self: SpikeArray, machine: Any, stage: Any, network: Any) -> Any:
        mapping.append(stage.name)
        if len(mapping) == 2:
            two_began.set()
        assert two_began.wait(PATIENCE_S)
        return plan(self, machine, stage, network)

    expected = simulate(SAMPLE, "spike_array", samples=[0])
    monkeypatch.setattr(SpikeArray, "plan", planned)
    assert simulate(SAMPLE, "spike_array", samples=[0], threads=2) == expected
    assert sorted(mapping) == sorted(layer.name for layer in expected.layers)


@pytest.mark.parametrize("is_open", [False, True])
def test_no_job_waits_for_the_fingerprint_of_the_file(is_open: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not there before all samples of all stages are; meanwhile there is a thread less for them."""
    replayed, compute, run = threading.Event(), FileDigest._computed, SpikeArrayPlan.run
    workers: set[int] = set()

    def ran(self: SpikeArrayPlan, *sample: Any) -> Any:
        workers.add(threading.get_ident())
        return run(self, *sample)

    def computed(self: FileDigest, *given_up: threading.Event) -> str | None:
        assert replayed.wait(PATIENCE_S)
        return compute(self, *given_up)

    def progress(stage: str, done: int, total: int) -> None:
        if done == total:
            replayed.set()

    expected = simulate(SAMPLE, "spike_array")
    monkeypatch.setattr(FileDigest, "_computed", computed)
    monkeypatch.setattr(SpikeArrayPlan, "run", ran)
    with open_trace(SAMPLE) as network:
        trace = network if is_open else SAMPLE
        assert simulate(trace, "spike_array", threads=2, progress=progress) == expected
    assert workers == {threading.get_ident()}


def test_the_first_error_is_the_same_for_any_number_of_threads(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both layers fail: the second one, which is mapped ahead, at once; the first in its second sample, after that."""
    plan = SpikeArray.plan
    second_failed = threading.Event()

    def planned(self: SpikeArray, machine: Any, stage: Any, network: Any) -> Any:
        if stage.name == names[1]:
            second_failed.set()
            raise MappingError("the second layer")
        return _FailingOnSample1(plan(self, machine, stage, network), second_failed)

    with open_trace(small) as network:
        names = [layer.name for layer in network.layers]
    monkeypatch.setattr(SpikeArray, "plan", planned)
    for threads in (1, 2):
        second_failed.clear()
        if threads == 1:
            second_failed.set()
        with pytest.raises(MappingError, match="the first layer"):
            simulate(small, "spike_array", threads=threads)


class _FailingOnSample1:
    """A plan whose second sample fails once the next layer has."""

    def __init__(self, plan: Any, other_failed: threading.Event) -> None:
        self._plan, self._other_failed = plan, other_failed

    def __getattr__(self, name: str) -> Any:
        return getattr(self._plan, name)

    def run(self, sample: Any) -> Any:
        if sample.tensors.sample == 1:
            assert self._other_failed.wait(PATIENCE_S)
            raise MappingError("the first layer")
        return self._plan.run(sample)


@pytest.mark.parametrize(
    ("limit", "threads"),
    [
        (149, 1),  # two parts of 50 and one that is ready beside 10 that are kept: 160
        (159, 1),
        (160, 2),
        (209, 2),
        (210, 3),
        (10_000, 3),
    ],
)
def test_no_more_threads_than_there_is_memory_for(limit: int, threads: int) -> None:
    needs = {"a": [Need(10, "kept"), Need(50, "passing", is_kept=False)], "b": [Need(20, "passing", is_kept=False)]}
    assert check_memory("run", needs, limit, threads=3) == threads
