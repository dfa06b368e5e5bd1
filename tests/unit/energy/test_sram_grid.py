"""A grid of SRAM figures and interpolation in it, on tables made up so that the answer is known."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from spikecycle.simulator.energy.sram_grid import fill_grid
from spikecycle.simulator.energy.sram_table import COORDINATES, QUANTITIES, SramTable, read_table
from spikecycle.simulator.errors import MachineError

AXES = tuple(np.log2(np.array(values)) for values in ([20, 40], [1, 2, 4, 8], [32, 64], [1, 2]))
EXPONENTS = np.array([0.78, 0.78, 1, 1, 0, 0])
HEADER = ",".join([*COORDINATES, *QUANTITIES])
CELLS = np.array(list(itertools.product(*AXES)))


def power_law(points: np.ndarray) -> np.ndarray:
    """Six quantities, powers of size, width and banks with a factor a node."""
    node = np.where(points[:, 0] > np.log2(30), 3.0, -1.0)
    return np.stack([node + q + points[:, 1:] @ [0.6, 0.3 * q, 0.1] for q in range(6)], axis=1)


def test_rows_keep_their_values() -> None:
    shuffled = np.random.default_rng(1).permutation(len(CELLS))
    grid = fill_grid(SramTable(CELLS[shuffled], power_law(CELLS)[shuffled]), AXES, 1, EXPONENTS)
    assert np.array_equal(grid.values.reshape(-1, 6), power_law(CELLS))


def test_a_table_with_a_hole_is_refused() -> None:
    with pytest.raises(ValueError, match="lacks 2 cells"):
        fill_grid(SramTable(CELLS[2:], power_law(CELLS[2:])), AXES, 1, EXPONENTS)


def test_interpolation_is_log_log() -> None:
    grid = fill_grid(SramTable(CELLS, power_law(CELLS)), AXES, 1, EXPONENTS)
    for point in (np.log2([20, 3, 48, 1.5]), np.log2([40, 8, 64, 2]), np.log2([20, 1, 32, 1]), np.log2([40, 5, 33, 1])):
        assert np.allclose(grid.interpolate(point), power_law(point[None])[0])
    middle = np.log2([np.sqrt(800), 2, 32, 1])  # half way in log between the nodes
    ends = power_law(np.log2([[20, 2, 32, 1], [40, 2, 32, 1]]))
    assert np.allclose(grid.interpolate(middle), ends.mean(axis=0))


def test_shallow_cells_follow_the_depth_rule() -> None:
    # at least 256 words per bank: 1 KiB x 32 bit in one bank has just that, so wider or in two banks it needs 2 KiB
    rows = CELLS[CELLS[:, 1] >= CELLS[:, 2] - 5 + CELLS[:, 3]]
    assert len(rows) < len(CELLS)
    grid = fill_grid(SramTable(rows, power_law(rows)), AXES, 256, EXPONENTS)
    for width, banks in ((1, 0), (0, 1)):
        assert np.allclose(
            grid.values[:, 1, width, banks] - grid.values[:, 0, width, banks], EXPONENTS * np.log(2), atol=1e-12
        )
    assert np.allclose(grid.values[:, 0, 1, 1], grid.values[:, 2, 1, 1] - 2 * EXPONENTS * np.log(2))
    assert np.allclose(grid.values[:, 0, 0, 0], power_law(CELLS).reshape(2, 4, 2, 2, 6)[:, 0, 0, 0])


def test_a_grid_has_deep_cells_in_every_line() -> None:
    with pytest.raises(ValueError, match="too few words per bank"):
        fill_grid(SramTable(CELLS, power_law(CELLS)), AXES, 2048, EXPONENTS)


def row(**changes: float) -> str:
    """A line of a table of ones and the like."""
    cells = dict.fromkeys([*COORDINATES, *QUANTITIES], 1.0) | changes
    return ",".join(f"{cell:g}" for cell in cells.values())


def test_a_table_is_read(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text(f"# made up\n{HEADER}\n{row(node_nm=32, size_kib=8, read_pj=2)}\n\n{row(node_nm=45)}\n")
    table = read_table(path)
    assert np.allclose(table.points, [[5, 3, 0, 0], [np.log2(45), 0, 0, 0]])
    assert np.allclose(np.exp(table.values), [[2, 1, 1, 1, 1, 1], [1] * 6])


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "the header must be node_nm,size_kib"),
        (f"{HEADER},call_s\n", "the header must be node_nm,size_kib"),
        (f"{HEADER}\n{row()},1\n", "line 2: 10 finite positive numbers"),
        (f"# one\n{HEADER}\n{row()}\n{row(node_nm=0)}\n", "line 4: 10 finite positive numbers"),
        (f"{HEADER}\n{row(read_pj=float('nan'))}\n", "line 2: 10 finite positive numbers"),
        (f"{HEADER}\n{row(read_pj=float('inf'))}\n", "line 2: 10 finite positive numbers"),
        (f"{HEADER}\n{row(read_pj=-1)}\n", "line 2: 10 finite positive numbers"),
        (f"{HEADER}\nx{row()}\n", "line 2: could not convert"),
        (f"{HEADER}\n{row()}\n{row(read_pj=2)}\n", "two rows are of the same SRAM"),
    ],
)
def test_a_wrong_table_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "table.csv"
    path.write_text(text)
    with pytest.raises(MachineError) as caught:
        read_table(path)
    assert complaint in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match=r"none\.csv: cannot be read"):
        read_table(tmp_path / "none.csv")
