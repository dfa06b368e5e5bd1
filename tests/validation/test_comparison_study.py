"""The checks of the comparison study hold, and one wrong spike, figure or file does not pass unseen."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from spikecycle.simulator.cli import main
from spikecycle.simulator.errors import UsageError
from spikecycle.simulator.machine.loader import load_machine
from spikecycle.simulator.validation.attention_blocks import block_cycles, dense_operations, drawn_block
from spikecycle.simulator.validation.checks import (
    comparison_study_attention,
    comparison_study_layers,
    comparison_study_lenet5,
)
from tests.reference_data import reference_file


def test_shipped_figures_of_attention_are_met_exactly() -> None:
    rows = list(comparison_study_attention.rows(None))
    assert len(rows) == 14 * 4
    assert all(row.passed and row.tolerance == 0 for row in rows)


def test_shipped_figures_of_alexnet_that_need_no_spikes() -> None:
    rows = list(comparison_study_layers.rows(None))
    assert len([row for row in rows if row.machine == "eyeriss"]) == 9 + 1  # lines, and the network
    assert len([row for row in rows if "DRAM" in row.quantity]) >= 20
    assert all(row.passed and row.tolerance == 0 for row in rows)


def test_lenet5_exactly() -> None:
    rows = list(comparison_study_lenet5.rows(reference_file(comparison_study_lenet5.SPIKES).parent))
    assert len(rows) == 6 * 6 + 2
    assert all(row.passed and row.tolerance == 0 for row in rows)


def test_alexnet_exactly_with_all_splits() -> None:
    rows = list(comparison_study_layers.rows(reference_file("alexnet_layers.csv").parent))
    assert {row.machine for row in rows} == set(comparison_study_layers.MACHINES)
    assert len(rows) > 150
    assert all(row.passed and row.tolerance == 0 for row in rows)
    assert sum("in all" in row.quantity for row in rows) == 6
    densities = {row.quantity: row.ours for row in rows if row.quantity.endswith("density")}
    assert len(densities) == 2 * 5  # four convolutions and a linear operator
    # 16,872 spikes and 11,526 additions in 4 timesteps x 64 positions x 576 inputs; 192 channels are two tiles
    assert densities["alexnet conv2, bit density"] == pytest.approx(16872 / (4 * 64 * 576))
    assert densities["alexnet conv2, product density"] == pytest.approx(11526 / (4 * 64 * 576 * 2))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with tables and spikes to spoil."""
    for name in ("alexnet_layers.csv", "alexnet_cifar10_spikes.npz", "lenet5_mnist_spikes.npz"):
        shutil.copy(reference_file(name), tmp_path / name)
        (tmp_path / name).chmod(0o644)
    return tmp_path


def test_one_spike_more_fails(folder: Path) -> None:
    file = folder / "lenet5_mnist_spikes.npz"
    with np.load(file) as archive:
        arrays = dict(archive)
    bits = np.unpackbits(arrays["fc2__spikes_packed"], axis=1)
    silent = np.flatnonzero(bits[0, :120] == 0)[0]
    bits[0, silent] = 1
    arrays["fc2__spikes_packed"] = np.packbits(bits, axis=1)
    np.savez(file, **arrays)
    failed = {row.machine for row in comparison_study_lenet5.rows(folder) if not row.passed}
    assert {"mint", "prosperity_bit"} <= failed


def test_one_wrong_figure_fails_by_name(folder: Path) -> None:
    file = folder / "alexnet_layers.csv"
    lines = list(csv.DictReader(file.read_text().splitlines()))
    lines[2]["prosperity_adds_cycles"] = str(int(lines[2]["prosperity_adds_cycles"]) + 1)
    with file.open("w", newline="") as target:
        writer = csv.DictWriter(target, lines[0])
        writer.writeheader()
        writer.writerows(lines)
    failed = [row for row in comparison_study_layers.rows(folder) if not row.passed]
    assert [(row.machine, row.quantity) for row in failed] == [
        ("prosperity", "alexnet conv3, cycles of additions"),
        ("prosperity", "alexnet conv3, product density"),  # additions over those of a dense layer
    ]


def test_bad_files_are_told_in_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "attention_cases.json").write_text('[{"kind": "spikformer"}]')
    assert main(["validate", "--data", str(tmp_path), "--machine", "prosperity"]) == 2
    (tmp_path / "attention_cases.json").write_text("[")
    assert main(["validate", "--data", str(tmp_path), "--machine", "prosperity"]) == 2
    (tmp_path / "attention_cases.json").unlink()
    (tmp_path / "vgg_layers.csv").write_text("layer\nconv1\n")
    (tmp_path / "vgg_spikes.npz").write_bytes(b"no archive")
    assert main(["validate", "--data", str(tmp_path), "--machine", "mint"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3
    assert "case 1" in lines[0]
    assert "vgg_spikes.npz" in lines[2]


def test_a_block_without_spikes_by_hand() -> None:
    """No spikes, 4 tokens, one head of 2 features, 1 timestep: nothing is added; preparation of a tile counts rows / 8.

    Reads: K^T 2 x 4 and Q 4 x 2 bits, V 4 x 2 x 8 bits; the second product's weights stay on chip.
    """
    machine = load_machine("prosperity")
    block = drawn_block("spikformer", 1, 4, 2, 1, 0.0, False, 7)
    found = block_cycles(machine, block)  # type: ignore[arg-type]
    assert (found.compute, found.stall, found.read_bits, found.write_bits) == (0, 0, 8 + 8 + 64, 0)
    assert dense_operations(block) == 2 * 4 * 4 * 2


def test_a_block_that_the_rule_does_not_cover_is_refused() -> None:
    with pytest.raises(UsageError, match="not modelled"):
        block_cycles(load_machine("prosperity"), drawn_block("spikformer", 1, 4, 8, 2, 0.1, False, 7))  # type: ignore[arg-type]


def test_figures_of_a_folder_replace_the_shipped_ones(tmp_path: Path) -> None:
    case = {"kind": "sdt", "L": 8, "dim": 4, "heads": 1, "T": 1, "density": 0.5, "in_buffer": True, "product": True}
    case |= {"total": 5, "dram_rd": 0, "dram_wr": 0, "eyeriss_linear": 0}
    (tmp_path / "attention_cases.json").write_text(json.dumps([case]))
    rows = list(comparison_study_attention.rows(tmp_path))
    # floor(32 / 128) = 0 cycles a gate, 2 for the neurons between; not 5
    assert [(row.ours, row.passed) for row in rows[:3]] == [(2, False), (0, True), (0, True)]
