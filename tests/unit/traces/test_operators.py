"""Every kind of operator against its plain-Python twin, and what its tensors can hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from spikecycle.traces import (
    Add,
    AttentionProduct,
    Concatenate,
    LayerShape,
    Operator,
    Pool,
    Population,
    Source,
    Synapse,
    TensorSpec,
    TraceError,
)
from spikecycle.traces.operators import OPERATOR_KINDS
from spikecycle.traces.operators.base import UNSIZED
from tests.generated import layer_shapes, neurons, spikes
from tests.reference.operators import run

Case = tuple[Operator, list[TensorSpec]]
WIDTHS = [(1, False), (1, False), (3, False), (8, False), (12, True), (20, True), (33, True)]


def sized(operator: Operator, sources: list[TensorSpec]) -> Case:
    """The operator with the output that it needs."""
    output = TensorSpec.of_range("out", operator.output_shape(sources), operator.tight_range(sources))
    return replace(operator, output=output), sources


def spec(draw: st.DrawFn, name: str, shape: tuple[int, int, int], widths: Any = WIDTHS) -> TensorSpec:
    bits, signed = draw(st.sampled_from(widths))
    return TensorSpec(name, shape, bits, signed)


def names(count: int) -> tuple[Source, ...]:
    return tuple(Source(f"in{index}") for index in range(count))


def maps(draw: st.DrawFn) -> tuple[int, int, int]:
    return draw(st.integers(1, 4)), draw(st.integers(1, 5)), draw(st.integers(1, 5))


@st.composite
def synapses(draw: st.DrawFn) -> Case:
    shape = draw(layer_shapes())
    weight_bits = draw(st.sampled_from([2, 4, 8, 32]))
    half = 1 << (weight_bits - 1)
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    weights = random.integers(-half, half, shape.weight_shape).astype(np.int32)
    bias = random.integers(-9, 10, shape.M).astype(np.int32) if draw(st.booleans()) else None
    read_bias = None if bias is None else lambda: bias
    # Widths up to 20 bits, so that some sums are exact in float64 and some are not.
    source = spec(draw, "in0", shape.input_shape, WIDTHS[:-1])
    return sized(Synapse("op", names(1), UNSIZED, shape, weight_bits, lambda: weights, read_bias), [source])


@st.composite
def populations(draw: st.DrawFn) -> Case:
    shape = maps(draw)
    sources = [spec(draw, f"in{index}", shape) for index in range(draw(st.integers(1, 3)))]
    return sized(Population("op", names(len(sources)), UNSIZED, draw(neurons(shape))), sources)


@st.composite
def additions(draw: st.DrawFn) -> Case:
    shape = maps(draw)
    sources = [spec(draw, f"in{index}", shape) for index in range(draw(st.integers(2, 4)))]
    return sized(Add("op", names(len(sources)), UNSIZED), sources)


@st.composite
def concatenations(draw: st.DrawFn) -> Case:
    _, height, width = maps(draw)
    count = draw(st.integers(2, 4))
    sources = [spec(draw, f"in{index}", (draw(st.integers(1, 3)), height, width)) for index in range(count)]
    return sized(Concatenate("op", names(count), UNSIZED), sources)


@st.composite
def pools(draw: st.DrawFn) -> Case:
    mode = draw(st.sampled_from(["max", "average", "sum"]))
    window = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    stride = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    padding = tuple(draw(st.integers(0, side - 1 if mode == "max" else 2)) for side in np.repeat(window, 2))
    shift = draw(st.sampled_from([None, 0, 2])) if mode == "average" else None
    source = spec(draw, "in0", maps(draw))
    try:
        return sized(Pool("op", names(1), UNSIZED, mode, window, stride, padding, shift), [source])
    except TraceError:
        assume(False)
        raise


@st.composite
def products(draw: st.DrawFn) -> Case:
    heads = draw(st.integers(1, 3))
    rows, inner, columns = draw(st.integers(1, 6)), draw(st.integers(1, 4)), draw(st.integers(1, 4))
    sources, flags = [], []
    for index, (positions, channels) in enumerate(((rows, inner), (inner, columns))):
        transposed = draw(st.booleans())
        if transposed:
            positions, channels = channels, positions
        height = draw(st.sampled_from([side for side in range(1, positions + 1) if positions % side == 0]))
        sources.append(spec(draw, f"in{index}", (heads * channels, height, positions // height), WIDTHS[:-1]))
        flags.append(transposed)
    shift = draw(st.sampled_from([0, 0, 1, 5]))
    return sized(AttentionProduct("op", names(2), UNSIZED, heads, *flags, shift), sources)


CASES: dict[str, Callable[[], st.SearchStrategy[Case]]] = {
    "synapse": synapses,
    "population": populations,
    "add": additions,
    "concatenate": concatenations,
    "pool": pools,
    "attention": products,
}


@pytest.mark.parametrize("kind", CASES)
def test_an_operator_is_its_twin(kind: str) -> None:
    @settings(max_examples=150, deadline=None, derandomize=True)
    @given(CASES[kind](), st.integers(1, 4), st.data())
    def compare(case: Case, timesteps: int, data: st.DataObject) -> None:
        operator, sources = case
        operator.check(sources)
        inputs = [spikes(data.draw, (timesteps, *each.shape), each.bits, each.signed) for each in sources]
        before = [each.copy() for each in inputs]
        made = operator.run(inputs)
        assert made.dtype == np.int64
        assert made.shape == (timesteps, *operator.output.shape)
        assert made.tolist() == run(operator, [each.tolist() for each in inputs])
        assert operator.output.range.lowest <= made.min() and made.max() <= operator.output.range.highest
        assert all(np.array_equal(*pair) for pair in zip(inputs, before, strict=True))
        wide, tight = operator.output_range(sources), operator.tight_range(sources)
        assert wide.lowest <= tight.lowest and tight.highest <= wide.highest

    compare()


def test_every_kind_has_a_case() -> None:
    classes = {"synapse": Synapse, "population": Population, "add": Add, "concatenate": Concatenate}
    classes |= {"pool": Pool, "attention": AttentionProduct}
    assert {kind for name in CASES for kind in classes[name].kinds} == set(OPERATOR_KINDS)


def test_the_range_of_synapses_is_reached() -> None:
    """Two weights, 3 and -4, on 2-bit inputs, bias 5: from -4 x 3 + 5 to 3 x 3 + 5; their bits allow any -8 .. 7."""
    shape_of = {"weights": np.array([[[[3]], [[-4]]]], np.int32), "bias": np.array([5], np.int32)}
    shape = LayerShape.linear(2, 1)
    synapse = Synapse("op", names(1), UNSIZED, shape, 4, lambda: shape_of["weights"], lambda: shape_of["bias"])
    source = [TensorSpec("in0", (2, 1, 1), 2, False)]
    assert tuple(synapse.tight_range(source)) == (-7, 14)
    assert tuple(synapse.output_range(source)) == (-2 * 8 * 3 - 2**31, 2 * 7 * 3 + 2**31 - 1)
    signed = [TensorSpec("in0", (2, 1, 1), 3, True)]  # -4 .. 3
    assert tuple(synapse.tight_range(signed)) == (3 * -4 - 4 * 3 + 5, 3 * 3 + 4 * 4 + 5)
