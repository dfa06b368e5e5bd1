"""A whole study, small enough for seconds: killed, resumed, changed, damaged, and with one part that fails."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from spikecycle.models.data.options import DataOptions
from spikecycle.models.data.registry import load_data
from spikecycle.models.errors import ModelsError
from spikecycle.models.study.command import _run, app
from spikecycle.models.study.document import TABLES_DOCUMENT, tables_document
from spikecycle.models.study.float_network import float_of, open_float
from spikecycle.models.study.plots import PICTURES
from spikecycle.models.study.schema import load_study
from spikecycle.models.study.sealed_parquet import sealed
from spikecycle.models.study.stored_network import stored_trace
from spikecycle.models.study.tables import LAYER_COLUMNS, LAYERS, RESULT_COLUMNS, RESULTS, read_table
from spikecycle.models.study.work import first_of_each
from spikecycle.simulator import MappingError, OutputError, write_file
from spikecycle.traces import open_trace
from tests.unit.models.study.tiny import COMPRESSIONS, DATA, SIMULATIONS, TEXT, command, write_study

pytestmark = pytest.mark.train
TABLES = (RESULTS, LAYERS)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of the tiny study, run in one process without interruption; tests only read it."""
    folder = tmp_path_factory.mktemp("study")
    done = CliRunner().invoke(app, [str(write_study(folder)), "--out", str(folder / "out"), "--jobs", "1"])
    assert done.exit_code == 0, done.output
    assert "What do ternary weights cost and save?" in done.output
    assert "checking the network on every machine and format\n10 parts to do\n" in done.output
    assert "quantized-2, seed 0: quantizing, epoch 1/1, loss " in done.output
    before = _ages(folder / "out")
    yield folder / "out"
    assert _ages(folder / "out") == before, "a test changed what others read"


@pytest.fixture
def own(finished: Path, tmp_path: Path) -> Path:
    """A copy of the finished study's folder that the test may change."""
    return Path(shutil.copytree(finished, tmp_path / "own"))


def _ages(folder: Path) -> dict[str, int]:
    kinds = ("floats", "networks", "simulations")
    return {path.name: path.stat().st_mtime_ns for kind in kinds for path in (folder / kind).iterdir()}


def _invoke(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=True)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.output


def test_everything_asked_for_is_there(finished: Path) -> None:
    results, layers = read_table(finished / RESULTS, RESULT_COLUMNS), read_table(finished / LAYERS, LAYER_COLUMNS)
    assert results.height == SIMULATIONS
    assert layers.height == 4 * SIMULATIONS
    assert results["compression"].unique(maintain_order=True).to_list() == [
        "quantized-8", "quantized-2", "pruned-0.5", "pruned-0.8", "both", "mixed", "narrow", "diverse"
    ]  # fmt: skip
    for row in results.iter_rows(named=True):
        parts = sum(part["energy_pj"] for part in row["energy_parts"])
        assert parts == pytest.approx(row["energy_per_inference_pj"])
        with open_trace(finished / row["trace"]) as trace:
            assert trace.provenance["accuracy_integer"] == row["accuracy_integer"]
            assert trace.samples == row["recorded_samples"] == 10
        assert len(row["correct"]) == row["test_samples"]
        assert row["correct"].count("1") == pytest.approx(row["accuracy_integer"] * row["test_samples"])
    per_layer = layers.group_by("compression", "format", maintain_order=True).agg(
        pl.col("energy_per_inference_pj").sum()
    )
    assert per_layer["energy_per_inference_pj"].to_list() == pytest.approx(results["energy_per_inference_pj"].to_list())
    assert results.filter(pl.col("compression") == "pruned-0.8")["weight_sparsity"][0] >= 0.79
    for name in PICTURES:
        assert (finished / f"{name}.png").stat().st_size > 5000
        assert (finished / f"{name}.svg").stat().st_size > 5000


def test_the_float_networks_run_again_as_the_study_measured_them(finished: Path) -> None:
    """Of every compression: from the width that it has, with the accuracy that its trace says, sample by sample."""
    samples = load_data("digits", DataOptions(samples_per_class=6, timesteps=4)).test
    widths = {}
    for name in ("quantized-8", "mixed", "narrow"):
        trace = stored_trace(finished, name)
        weights = float_of(trace)
        assert weights is not None
        saved = open_float(weights)
        widths[name] = saved.facts.options.width
        with open_trace(trace) as opened:
            expected = opened.provenance["accuracy_float"]
        assert saved.accuracy == expected
        assert (saved.predictions(samples) == samples.labels).mean() == expected
    assert widths == {"quantized-8": 0.25, "mixed": 0.25, "narrow": 0.125}


def test_bit_operations_are_operations_times_bits_of_both_operands(finished: Path) -> None:
    """By hand, at width 0.25: 4 and 8 channels, 32 and 10 neurons, weights of 8 bits, 4 timesteps.

    conv1: 16 x 16 places x 4 channels x 18 weights, inputs of 2 bits. conv2: 8 x 8 x 8 x 36; fc1: 512 x 32; fc2:
    32 x 10; their inputs are spikes.
    """
    results = read_table(finished / RESULTS, RESULT_COLUMNS)
    eight, ternary, narrow = (results.filter(pl.col("compression") == name) for name in (
        "quantized-8", "quantized-2", "narrow"))  # fmt: skip
    dense = 4 * 8 * (2 * 16 * 16 * 4 * 18 + 8 * 8 * 8 * 36 + 512 * 32 + 32 * 10)
    assert eight["dense_bops_per_inference"].to_list() == [dense] * 2
    assert ternary["dense_bops_per_inference"].to_list() == [dense / 4] * 2
    assert narrow["dense_bops_per_inference"][0] < dense / 2
    assert narrow["width"][0] == 0.125 and eight["width"][0] == 0
    for row in results.iter_rows(named=True):
        least = 2 if row["compression"] in ("quantized-2", "both", "mixed") else 8
        operations = row["synaptic_operations_per_inference"]
        assert least * operations <= row["bops_per_inference"] <= 8 * 2 * operations
        assert row["bops_per_inference"] <= row["dense_bops_per_inference"]


def test_pruners_are_chosen_by_layer_within_the_energy(finished: Path) -> None:
    layers = read_table(finished / LAYERS, LAYER_COLUMNS).filter(pl.col("format") == "bitmask")
    diverse, whole = (layers.filter(pl.col("compression") == name) for name in ("diverse", "quantized-8"))
    assert set(diverse["pruner"]) & {"n_m", "channel"}
    assert diverse["pruner"][-1] != "channel"
    for before, after in zip(whole.iter_rows(named=True), diverse.iter_rows(named=True), strict=True):
        if after["pruner"] == "n_m":
            assert after["weight_sparsity"] >= 0.49  # conv1 has 2 input channels, of which 1 is kept
        assert (after["stored_bits"] < before["stored_bits"]) == (after["pruner"] != "none")
    results = read_table(finished / RESULTS, RESULT_COLUMNS)
    assert set(results.filter(pl.col("compression") == "diverse")["pruner"]) == {"by_layer"}


def test_bits_are_chosen_by_layer_within_the_energy(finished: Path) -> None:
    layers = read_table(finished / LAYERS, LAYER_COLUMNS).filter(pl.col("format") == "bitmask")
    mixed, whole = (layers.filter(pl.col("compression") == name) for name in ("mixed", "quantized-8"))
    assert set(mixed["method"]) == {"mixed"}
    assert {2} <= set(mixed["weight_bits"]) <= {2, 8}  # eight everywhere would be beyond the energy
    assert mixed["stored_bits"].sum() < whole["stored_bits"].sum()


def test_killed_and_resumed_it_is_the_same_to_the_byte(finished: Path, tmp_path: Path) -> None:
    study, out = write_study(tmp_path), tmp_path / "out"
    process = subprocess.Popen(
        command(study, "--out", out, "--jobs", 2), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _wait(lambda: any((out / "simulations").glob("*.json")), process)
    workers = _children(process.pid)
    assert len(workers) >= 2
    process.kill()
    process.wait()
    _wait(lambda: not any(Path(f"/proc/{worker}").exists() for worker in workers))
    assert not (out / RESULTS).exists()
    before = _ages(out)
    assert len(before) < len(_ages(finished))
    assert _invoke(study, "--out", out, "--jobs", 1)[0] == 0
    for table in TABLES:
        assert (out / table).read_bytes() == (finished / table).read_bytes()
    complete = {name: age for name, age in before.items() if name.endswith(".json")}
    assert complete.items() <= _ages(out).items(), "a finished part was done again"


def _wait(until: Callable[[], bool], process: subprocess.Popen[bytes] | None = None) -> None:
    deadline = time.monotonic() + 300
    while not until():
        assert process is None or process.poll() is None, "it ended by itself"
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _children(pid: int) -> list[int]:
    """Processes that a process started (Linux)."""
    return [
        int(word) for task in Path(f"/proc/{pid}/task").iterdir() for word in (task / "children").read_text().split()
    ]


def test_run_again_it_does_nothing_and_a_changed_study_does_what_changed(own: Path, tmp_path: Path) -> None:
    before = _ages(own)
    study = write_study(tmp_path)
    assert _invoke(study, "--out", own)[0] == 0
    assert _ages(own) == before
    tables = [(own / table).read_bytes() for table in TABLES]
    write_study(tmp_path, TEXT.replace("[0.5, 0.8]", "[0.5, 0.9]").replace("[uncompressed, bitmask]", "[bitmask, rle]"))
    assert _invoke(study, "--out", own)[0] == 0
    after = _ages(own)
    assert before.items() <= after.items()
    new = [name for name in after if name not in before]
    assert len(new) == 2 + COMPRESSIONS + 1  # a network's record and trace; all in the new format, and it in the old
    write_study(tmp_path)
    assert _invoke(study, "--out", own)[0] == 0
    assert _ages(own) == after
    assert [(own / table).read_bytes() for table in TABLES] == tables


def test_what_is_damaged_is_done_again(own: Path, tmp_path: Path) -> None:
    tables = [(own / table).read_bytes() for table in TABLES]
    trace = sorted((own / "networks").glob("*.h5"))[0]
    trace.write_bytes(trace.read_bytes()[:-100])
    simulation = sorted((own / "simulations").glob("*.json"))[0]
    simulation.write_text(simulation.read_text()[:100])
    status, output = _invoke(write_study(tmp_path), "--out", own)
    assert status == 0
    again = "what the study needs of it is made again"
    assert f"{trace}: damaged or changed: it does not have the checksum in {trace.stem}.json; {again}\n" in output
    assert f"{simulation}: is no record of a study: cut short, or damaged; {again}\n" in output
    assert [(own / table).read_bytes() for table in TABLES] == tables


def test_a_full_disk_ends_the_run_and_loses_nothing(own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = _ages(own)
    sorted((own / "simulations").glob("*.json"))[0].unlink()

    def full(path: Path, content: str | bytes) -> None:
        if path.parent.name == "simulations":
            raise OutputError(f"{path}: cannot be written: No space left on device")
        write_file(path, content)

    study = write_study(tmp_path)
    with monkeypatch.context() as patched, pytest.raises(OutputError, match="No space left"):
        patched.setattr("spikecycle.models.study.store.write_file", full)
        _invoke(study, "--out", own)
    assert len(_ages(own)) == len(before) - 1
    assert _invoke(study, "--out", own)[0] == 0
    assert _ages(own).keys() == before.keys()


def test_stopped_it_says_how_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("spikecycle.models.study.runner.run", stop)
    with pytest.raises(KeyboardInterrupt):
        _run(load_study(str(write_study(tmp_path))), [], tmp_path / "out", 1)
    assert f"stopped; what is finished is in {tmp_path / 'out'}, run it again to go on" in capsys.readouterr().err


def test_a_part_that_diverges_is_told_and_the_others_go_on(tmp_path: Path) -> None:
    wild = "  - name: wild\n    training: {learning_rate: 1.0e+30, batch_size: 16}\n"
    study = write_study(tmp_path, TEXT.replace("  - name: both", f"{wild}  - name: both"))
    status, output = _invoke(study, "--out", tmp_path / "out", "--only", "wild", "--only", "both")
    assert status == 1
    assert "spikecycle: wild, seed 0: training diverged in epoch 1" in output
    assert read_table(tmp_path / "out" / RESULTS, RESULT_COLUMNS)["compression"].unique().to_list() == ["both"]
    assert len(list((tmp_path / "out" / "failures").iterdir())) == 1


def test_pictures_are_drawn_again_from_the_tables(own: Path, tmp_path: Path) -> None:
    study = write_study(tmp_path)
    before = {name: (own / f"{name}.svg").read_bytes() for name in PICTURES}
    for name in PICTURES:
        (own / f"{name}.svg").unlink()
    assert _invoke(study, "--out", own, "--plots-only")[0] == 0
    assert {name: (own / f"{name}.svg").read_bytes() for name in PICTURES} == before


def test_a_machine_that_cannot_run_the_network_is_told_before_any_training(tmp_path: Path) -> None:
    machine = (Path(__file__).parents[4] / "hwconfigs" / "spike_array.yaml").read_text()
    (tmp_path / "sparse.yaml").write_text(machine.replace("update: dense", "update: sparse"))
    study = write_study(
        tmp_path, TEXT.replace("[spike_array]", "[sparse.yaml]").replace("machine: spike_array", "machine: sparse")
    )
    with pytest.raises(MappingError, match=r"conv1.*sparse needs neurons without bias"):
        _invoke(study, "--out", tmp_path / "out")
    assert not list((tmp_path / "out" / "floats").iterdir())


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "weight_bits: [8, 2]}",
            "weight_bits: [8, 2]}\n    layer_weight_bits: {conv9: 4}",
            "layer_weight_bits.conv9 is not",
        ),
        ("share: 0.5}", "share: 0.5, skip_layers: [conv9]}", "skip_layers: conv9 is not known"),
    ],
)
def test_a_layer_that_is_not_there_is_told_before_any_training(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert old in TEXT
    with pytest.raises(ModelsError, match=f"tiny: .*{told}"):
        _invoke(write_study(tmp_path, TEXT.replace(old, new, 1)), "--out", tmp_path / "out")
    assert not list((tmp_path / "out" / "floats").iterdir())


def test_of_a_class_with_fewer_samples_all_are_recorded() -> None:
    labels = np.array([0, 1, 0, 2, 0, 1])
    assert first_of_each(labels, 2) == [0, 2, 1, 5, 3]
    assert first_of_each(labels, 1000) == [0, 2, 4, 1, 5, 3]


def test_a_folder_where_a_table_goes_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "out" / RESULTS).mkdir(parents=True)
    with pytest.raises(ModelsError, match=r"results\.parquet: is a folder, where a table"):
        _invoke(write_study(tmp_path), "--out", tmp_path / "out")


def test_data_that_are_not_there_are_told_with_the_file_and_leave_no_folder(tmp_path: Path) -> None:
    study = write_study(tmp_path, TEXT.replace(DATA, "name: nmnist, options: {root: nowhere}"))
    with pytest.raises(ModelsError, match=r"tiny\.yaml: data: .*nowhere"):
        _invoke(study, "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--only", "nothing*"], "no compression of that name, there are quantized-8"),
        (["--plots-only"], r"results\.parquet: is not there; run the study first"),
    ],
)
def test_bad_usage_is_told(tmp_path: Path, options: list[str], told: str) -> None:
    with pytest.raises(ModelsError, match=told):
        _invoke(write_study(tmp_path), "--out", tmp_path / "out", *options)


def test_the_pictures_of_another_study_are_not_drawn(own: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelsError, match="belongs to the study tiny; name another folder for other with --out"):
        _invoke(write_study(tmp_path, name="other"), "--out", own, "--plots-only")


def test_missing_recordings_are_told(tmp_path: Path) -> None:
    text = TEXT.replace(
        "name: digits, options: {samples_per_class: 6, timesteps: 4}", "name: nmnist, options: {root: events}"
    )
    with pytest.raises(ModelsError, match="events"):
        _invoke(write_study(tmp_path, text), "--out", tmp_path / "out")


def test_a_table_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / RESULTS).write_bytes(b"PAR1 and so on")
    with pytest.raises(ModelsError, match=r"results\.parquet: it is no Parquet file"):
        read_table(tmp_path / RESULTS, RESULT_COLUMNS)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"accuracy_integer": 2.0}, "an accuracy or a share is not from 0 to 1"),
        ({"accuracy_integer": None}, "a value is missing"),
        ({"test_samples": 0}, "an energy, a delay or a number of samples is not above 0"),
        ({"energy_per_inference_pj": 0.0}, "an energy, a delay or a number of samples is not above 0"),
        ({}, "a value is missing"),
    ],
)
def test_a_table_that_no_study_wrote_is_told(
    finished: Path, tmp_path: Path, changed: dict[str, object], told: str
) -> None:
    table = read_table(finished / RESULTS, RESULT_COLUMNS)
    values = [pl.lit(value, dtype=table.schema[name]).alias(name) for name, value in changed.items()]
    (tmp_path / RESULTS).write_bytes(sealed(table.with_columns(values) if changed else table.clear()))
    with pytest.raises(ModelsError, match=rf"results\.parquet: {told}"):
        read_table(tmp_path / RESULTS, RESULT_COLUMNS)


def test_the_document_of_the_tables_is_what_the_columns_say() -> None:
    assert TABLES_DOCUMENT.read_text() == tables_document(), "run python -m spikecycle.models.study.document"


def test_a_network_of_a_study_is_found_by_name(finished: Path) -> None:
    assert stored_trace(finished, "pruned-0.5") == stored_trace(finished, "pruned-0.5", 0)
    with open_trace(stored_trace(finished, "pruned-0.5")) as trace:
        assert trace.provenance["compression_options"]["name"] == "pruned-0.5"
    for name, seed, told in (
        (None, None, "is the folder of a study; name one of its networks with --network: quantized-8, quantized-2"),
        ("quantised-8", None, "no network quantised-8; did you mean 'quantized-8'"),
        ("narrow", 3, r"narrow was not trained with seed 3; seeds: \[0\]"),
    ):
        with pytest.raises(ModelsError, match=told):
            stored_trace(finished, name, seed)
