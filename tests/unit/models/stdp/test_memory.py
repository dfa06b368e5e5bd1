"""What an STDP network takes: by hand, and the largest that fits against the next larger one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikecycle.models.errors import ModelsError
from spikecycle.models.stdp.memory import StdpMemory, largest_within


def test_by_hand() -> None:
    """10 inputs, 4 neurons. Direct: 40 weights and 1 strength of 8 bits; 8 + 10 states of 16 bits: 328 + 288.

    With a layer: 40 + 4 to it + 4 x 3 from it = 56 weights of 32 bits; 8 + 4 + 10 states of 32 bits: 1792 + 704.
    """
    assert StdpMemory(10, 4, 8).bits == 41 * 8 + 18 * 16 == 616
    assert StdpMemory(10, 4, 32, 32, "layer").bits == 56 * 32 + 22 * 32 == 2496


@given(
    st.integers(1, 800),
    st.sampled_from([2, 4, 8, 32]),
    st.integers(20_000, 10**8),
    st.sampled_from(["direct", "layer"]),
)
def test_one_neuron_more_would_not_fit(inputs: int, bits: int, budget: int, inhibition: str) -> None:
    if StdpMemory(inputs, 1, bits, 16, inhibition).bits > budget:  # type: ignore[arg-type]
        return
    found = largest_within(budget, inputs, bits, inhibition=inhibition)  # type: ignore[arg-type]
    assert found.bits <= budget
    assert StdpMemory(inputs, found.neurons + 1, bits, 16, found.inhibition).bits > budget


def test_a_budget_for_nothing_is_refused() -> None:
    with pytest.raises(ModelsError, match="a budget of 100 bits: a single neuron takes 280"):
        largest_within(100, 10, 8)  # 11 weights of 8 bits, 12 states of 16
