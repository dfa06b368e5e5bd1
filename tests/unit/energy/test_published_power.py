"""A chip's published power in place of prices of what it does."""

from __future__ import annotations

from pathlib import Path

import pytest

import spikecycle
from tests.one_neuron import one_dense_neuron


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return one_dense_neuron(tmp_path)


def test_energy_is_power_times_time(path: Path) -> None:
    """130 cycles of spikes, 3 x 1 / 16 = 0 of the neuron, at 500 MHz: 260 ns x 396.3 mW."""
    result = spikecycle.simulate(path, "mint")
    assert result.sum_cycles == 130
    assert result.sum_energy_pj == pytest.approx(260 * 396.3)
    assert result.sum_energy_by_component_pj["chip"] == pytest.approx(260 * 396.3)


def test_dram_is_paid_by_the_bit_beside_it(path: Path) -> None:
    result = spikecycle.simulate(path, "prosperity_bit")
    bits = 130 * 1 + 130 * 8  # spikes of one row; all weights
    # 130 additions and the first load of 16 + 16 x 8 bits, less than a cycle; 2 cycles of the neuron
    assert result.sum_cycles == 130 + 2
    assert result.sum_energy_pj == pytest.approx(132 * 2 * 446.5 + bits * 12.45)


def test_it_replaces_every_on_chip_price_of_any_machine(path: Path) -> None:
    result = spikecycle.simulate(path, "spike_array", settings={"energy.on_chip_power_mw": 10})
    (layer,) = result.layers
    priced = {counter.resource for counter in layer.counters if counter.sum_energy_pj}
    assert priced == {"clock", "dram"}
    assert layer.sum_leakage_pj == 0
    with pytest.raises(spikecycle.MachineError, match="on_chip_power_mw"):
        spikecycle.load_machine("mint", {"energy.on_chip_power_mw": -1})
