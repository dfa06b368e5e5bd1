"""Published latencies and block RAM of neuron arrays on FPGAs."""

from __future__ import annotations

from spikecycle.simulator.validation.checks.fpga_neuron_arrays import rows


def test_published_figures() -> None:
    found = {(row.machine, row.quantity): row for row in rows(None)}
    assert [row.quantity for row in found.values() if row.passed is False] == []
    # 100 timesteps of 784 inputs and 4 cycles of control; behind them the last timestep of the second layer
    plus = found["spiker_plus", "MNIST 784-128-10: latency, us"]
    assert plus.ours == (100 * (784 + 4) + (128 + 4)) / 100
    # 49 x 8 tiles and 8 updates, 8 x 1 tiles and an update
    assert found["snn_fpga", "MNIST 784-128-10: latency, us"].ours == 100 * (49 * 8 + 8 + 8 + 1) / 100
    # 784 x 400 weights of 5 bits in blocks of 36 Kbit
    assert found["spiker", "MNIST 784-400: block RAM, 36 Kbit"].ours == -(-784 * 400 * 5 // 36864)
    assert {row.machine for row in found.values() if row.passed is None} == {"spiker", "spiker_plus"}
