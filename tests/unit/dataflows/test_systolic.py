"""Dense systolic arrays against the literal twin, and by hand."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import spikecycle
from spikecycle.simulator.dataflows.systolic import SystolicMachine, product_cycles
from spikecycle.simulator.machine.loader import load_machine
from spikecycle.traces import GraphBuilder, Neuron
from tests.reference import systolic as reference

MACHINES = ("systolic_output_stationary", "systolic_weight_stationary")


def machine(name: str, rows: int, columns: int) -> SystolicMachine:
    return cast(SystolicMachine, load_machine(name, {"dataflow.rows": rows, "dataflow.columns": columns}))


@pytest.mark.parametrize("name", MACHINES)
@given(
    sizes=st.tuples(*(st.integers(1, 9) for _ in range(3))), array=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    seed=st.integers(0, 9),
)  # fmt: skip
def test_cycles_are_those_of_the_twin_which_computes_the_product(
    name: str, sizes: tuple[int, ...], array: tuple[int, int], seed: int
) -> None:
    rows, terms, columns = sizes
    random = np.random.default_rng(seed)
    left, right = random.integers(-3, 4, (rows, terms)), random.integers(-3, 4, (terms, columns))
    chosen = machine(name, *array)
    product, cycles = reference.tiled(left, right, *array, chosen.dataflow.stationary)
    assert np.array_equal(product, left @ right)
    assert product_cycles(chosen, rows, terms, columns) == cycles


def test_one_tile_by_hand() -> None:
    """2 x 3 PEs, 5 terms: the last PE begins in cycle 3 and adds 5 terms; 2 cycles later both rows have left."""
    assert product_cycles(machine("systolic_output_stationary", 2, 3), 2, 5, 3) == 1 + 2 + 5 + 2


@pytest.mark.parametrize("name", MACHINES)
def test_every_operator_of_a_network(tmp_path: Path, name: str) -> None:
    """Attention, a two-input add, and a max pool ahead of the neuron; element-wise cycles by hand, 8 lanes."""
    random = np.random.default_rng(1)
    graph = GraphBuilder(timesteps=3)
    q, k = (graph.input(name, random.integers(0, 2, (1, 3, 4, 1, 6))) for name in ("q", "k"))
    scores = graph.attention("scores", q, k, transpose_right=True)
    total = graph.add("total", [q, k])
    current = graph.conv1d("conv", total, random.integers(-3, 4, (4, 4, 1)), weight_bits=3)
    pooled = graph.pool("pool", current, "max", (1, 2))
    graph.neuron("spikes", pooled, Neuron("if", 3, potential_bits=8))
    graph.neuron("attended", scores, Neuron("if", 2, potential_bits=8))
    graph.write(tmp_path / "net.h5")
    result = spikecycle.simulate(tmp_path / "net.h5", name, settings={"dataflow.rows": 4}, verify=True)
    assert result.verification is not None
    assert {check.mismatches for check in result.verification} == {0}
    by_name = {layer.name: layer for layer in result.layers}
    left, right = np.ones((6, 4), int), np.ones((4, 6), int)
    _, of_scores = reference.tiled(left, right, 4, 8, machine(name, 4, 8).dataflow.stationary)
    _, of_conv = reference.tiled(
        np.ones((18, 4), int), np.ones((4, 4), int), 4, 8, machine(name, 4, 8).dataflow.stationary
    )

    def computing(layer: str) -> int:
        return by_name[layer].sum_cycle_breakdown["compute"]

    assert computing("scores") == 3 * of_scores
    assert computing("conv") == of_conv
    assert computing("total") == 2 * 3 * 4 * 6 // 8
    assert computing("pool") == 2 * 3 * 4 * 3 // 8
    assert computing("spikes") == -(-3 * 4 * 3 // 8)
    assert computing("attended") == -(-3 * 6 * 6 // 8)
