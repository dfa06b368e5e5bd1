"""Synapses: convolutions and linear operators with static integer weights; the output is a current per neuron."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock
from typing import Any, ClassVar, Self, TypeVar, cast

import numpy as np
import numpy.typing as npt

from spikecycle.traces.array_types import Array, Int64, WeightCodes
from spikecycle.traces.checks import check_integer
from spikecycle.traces.errors import TraceError
from spikecycle.traces.operators.base import UNSIZED, Operator, OperatorFields, OperatorHeader, ReadArray, Shape, Step
from spikecycle.traces.operators.extras import CHANNEL_BIASES
from spikecycle.traces.operators.products import exact_product
from spikecycle.traces.schema import MAX_SUM, MAX_WEIGHT_BITS, MAX_WEIGHTS, MIN_WEIGHT_BITS
from spikecycle.traces.shape import LayerShape, SynapseKind
from spikecycle.traces.tensors import Source, TensorSpec, ValueRange
from spikecycle.traces.weights import HIGHEST_BIAS, LOWEST_BIAS, check_scale, check_weights, code_dtype, weight_range

Held = TypeVar("Held", bound=Array)


@dataclass(frozen=True, eq=False)
class Synapse(Operator):
    """Sums of weights times inputs, plus a bias once per timestep: `conv1d`, `conv2d` or `linear`.

        current[m, p, q] = bias[m] + sum over c, r, s of weights[m, c, r, s] x input[g x C/groups + c, h, w]

    with h, w as in `LayerShape`, zero outside the map, g the group of channel m. A linear operator takes its input
    flattened in the order channel, row, column. weight_scale: float64 (1,) or (M,), real weight = code x scale.
    read_weights gives codes (M, C / groups, R, S) in the range of weight_bits, read_bias int32 (M,); both say what is
    wrong with them.
    """

    shape: LayerShape
    weight_bits: int
    read_weights: ReadArray = field(repr=False)
    read_bias: ReadArray | None = field(default=None, repr=False)
    weight_scale: npt.NDArray[np.float64] | float = 1.0

    kinds: ClassVar[tuple[str, ...]] = ("conv1d", "conv2d", "linear")

    def __post_init__(self) -> None:
        super().__post_init__()
        bits = check_integer("weight_bits", self.weight_bits, MIN_WEIGHT_BITS, MAX_WEIGHT_BITS)
        object.__setattr__(self, "weight_bits", bits)
        object.__setattr__(self, "weight_scale", check_scale(self.weight_scale, self.shape.M))
        count = self.shape.M * self.shape.fan_in
        if count > MAX_WEIGHTS:
            raise TraceError(f"weights: at most {MAX_WEIGHTS} values are allowed, found {count}")

    @classmethod
    def sized(
        cls,
        name: str,
        source: Source,
        spec: TensorSpec,
        output_name: str,
        shape: LayerShape,
        weight_bits: int,
        read_weights: ReadArray,
        read_bias: ReadArray | None = None,
        weight_scale: npt.NDArray[np.float64] | float = 1.0,
    ) -> Self:
        """A synapse whose output is as wide as weight_bits and its input's bits make necessary. spec: of the input."""
        operator = cls(name, (source,), UNSIZED, shape, weight_bits, read_weights, read_bias, weight_scale)
        lowest, highest = operator.output_range([spec])
        # With a bias of 2**31 a layer of version 1 may go beyond, were all its weights as large as they can be.
        possible = ValueRange(max(lowest, -MAX_SUM), min(highest, MAX_SUM - 1))
        output = TensorSpec.of_range(output_name, operator.output_shape([spec]), possible)
        object.__setattr__(operator, "output", output)  # nobody has it yet, and to make it anew would check all again
        return operator

    @property
    def kind(self) -> str:
        """conv1d, conv2d or linear."""
        return self.shape.operator

    @property
    def scales(self) -> npt.NDArray[np.float64]:
        """The weight scale as float64 (1,) or (M,)."""
        return np.asarray(self.weight_scale)

    @property
    def has_bias(self) -> bool:
        """Whether a bias is added."""
        return self.read_bias is not None

    def demands(self, sources: Sequence[TensorSpec]) -> tuple[str, ...]:
        """Groups, dilation, inputs below zero, beside those of every operator."""
        shape = self.shape
        asked = {
            "groups": shape.groups > 1,
            "dilation": shape.dilation != (1, 1),
            "a signed input": any(source.signed for source in sources),
        }
        return (*super().demands(sources), *(name for name, asks in asked.items() if asks))

    def extras(self) -> tuple[str, ...]:
        """Biases, if it has some."""
        return (CHANNEL_BIASES,) if self.has_bias else ()

    def weights(self) -> npt.NDArray[np.int32]:
        """Weight codes, int32 (M, C / groups, R, S), read-only; not read again while somebody still holds them."""
        return self._held("weights", lambda: self.codes().astype(np.int32, copy=False))

    def codes(self) -> WeightCodes:
        """The same in the smallest dtype that holds weight_bits, int8, int16 or int32: as they are in most files, in a
        quarter of the memory. Not for arithmetic, which would overflow."""

        def read() -> WeightCodes:
            dtype = code_dtype(self.weight_bits)
            weights = self.held_weights()
            if weights is not None:
                return weights.astype(dtype, copy=False)
            codes = self.read_weights()
            if codes.dtype != dtype:  # a code beyond weight_bits would become another
                codes = check_weights(codes, self.shape.weight_shape, self.weight_bits)
            if "zero_weights" not in self.__dict__:  # so that nobody reads them again to count
                self.__dict__["zero_weights"] = _zeros(codes)
            return codes

        return self._held("codes", read)

    def held_weights(self) -> npt.NDArray[np.int32] | None:
        """The weights, if somebody holds them."""
        return cast("npt.NDArray[np.int32] | None", self._still_held("weights"))

    def _held(self, name: str, read: Callable[[], Held]) -> Held:
        """An array that is read, read-only, unless somebody still holds it."""
        with self.__dict__.setdefault(f"_reads_{name}", Lock()):  # who comes second waits, and reads nothing
            found = cast("Held | None", self._still_held(name))
            if found is None:
                found = read()
                found.setflags(write=False)
                self.__dict__[f"_held_{name}"] = weakref.ref(found)
            return found

    def _still_held(self, name: str) -> Array | None:
        held = self.__dict__.get(f"_held_{name}")
        return None if held is None else cast("Array | None", held())

    @cached_property
    def zero_weights(self) -> int:
        """Weights that are 0."""
        return _zeros(self.codes())

    def bias(self) -> npt.NDArray[np.int32]:
        """int32 (M,), zeros if there is none; read-only, as weights are."""
        return self._held("bias", self.read_bias or (lambda: np.zeros(self.shape.M, np.int32)))

    def output_shape(self, sources: Sequence[TensorSpec]) -> Shape:
        """(M, P, Q)."""
        (source,) = sources
        meets = source.count == self.shape.C if self.kind == "linear" else source.shape == self.shape.input_shape
        if not meets:
            wanted = f"{self.shape.C} values" if self.kind == "linear" else f"shape {self.shape.input_shape}"
            raise TraceError(f"its weights take {wanted}, found tensor {source.name} of shape {source.shape}")
        return self.shape.output_shape

    def output_range(self, sources: Sequence[TensorSpec]) -> ValueRange:
        """The bound that weight_bits gives."""
        (source,) = sources
        lowest, highest = weight_range(self.weight_bits)
        corners = [code * value for code in (lowest, highest) for value in (*source.range, 0)]
        fan_in = self.shape.fan_in
        bias = (LOWEST_BIAS, HIGHEST_BIAS) if self.has_bias else (0, 0)
        return ValueRange(fan_in * min(corners) + bias[0], fan_in * max(corners) + bias[1])

    def tight_range(self, sources: Sequence[TensorSpec]) -> ValueRange:
        """The bound that the codes and the bias give."""
        (source,) = sources
        codes = self.weights().astype(np.int64).reshape(self.shape.M, -1)
        positive, negative = np.maximum(codes, 0).sum(axis=1), np.minimum(codes, 0).sum(axis=1)
        lowest, highest = min(source.range.lowest, 0), source.range.highest
        channels = list(zip(positive.tolist(), negative.tolist(), self.bias().tolist(), strict=True))
        return ValueRange(
            min(plus * lowest + minus * highest + bias for plus, minus, bias in channels),
            max(plus * highest + minus * lowest + bias for plus, minus, bias in channels),
        )

    def start(self) -> Step:
        """See the class."""
        shape, bias = self.shape, self.bias().astype(np.int64)[:, None, None]
        grouped = self.weights().astype(np.int64).reshape(shape.groups, shape.M // shape.groups, -1)

        def step(inputs: Sequence[Int64]) -> Int64:
            columns = _columns(inputs[0].reshape(shape.input_shape), shape)
            return exact_product(grouped, columns).reshape(shape.output_shape) + bias

        return step

    def attributes(self) -> Mapping[str, int | str | tuple[int, ...]]:
        """Geometry, as far as the tensors and the weights do not tell it."""
        if self.kind == "linear":
            return {"weight_bits": self.weight_bits}
        return {
            "weight_bits": self.weight_bits,
            "stride": self.shape.stride,
            "padding": self.shape.sides,
            "dilation": self.shape.dilation,
            "groups": self.shape.groups,
        }

    def summary(self) -> str:
        """Kernel, stride and so on, where they are unusual; weights and how many of them are zero."""
        shape, codes = self.shape, self.codes()
        words = [f"{shape.R}x{shape.S} kernel"] if self.kind == "conv2d" else []
        words += [f"kernel of {shape.S}"] if self.kind == "conv1d" else []
        unusual = (
            ("stride", shape.stride, (1, 1)),
            ("padding", shape.short_padding, (0, 0)),
            ("dilation", shape.dilation, (1, 1)),
            ("groups", shape.groups, 1),
        )
        words += [f"{name} {value}" for name, value, usual in unusual if value != usual]
        zeros = self.zero_weights / codes.size
        words += [f"{codes.size:,} weights of {self.weight_bits} bits, {100 * zeros:.1f} % zero"]
        return ", ".join(words + ["bias"] * bool(self.bias().any()))

    def arrays(self) -> Mapping[str, npt.NDArray[Any]]:
        """weights, weight_scale and, where there is one, bias."""
        bias = {"bias": self.bias()} if self.has_bias else {}
        return {"weights": self.codes(), "weight_scale": self.scales, **bias}

    @classmethod
    def read(cls, header: OperatorHeader, fields: OperatorFields) -> Self:
        """The operator in a file."""
        found = fields.shape("weights")
        if len(found) != 4:
            raise TraceError(f"weights: the shape must be (M, C/groups, R, S), found {found}")
        source = header.sources[0]
        if header.kind == "linear":
            shape = LayerShape.linear(source.count, found[0])
        else:
            stride, dilation, padding = (
                fields.integers(name, count) for name, count in (("stride", 2), ("dilation", 2), ("padding", 4))
            )
            shape = LayerShape(
                cast(SynapseKind, header.kind), *source.shape, found[0], found[2], found[3],
                stride=cast("tuple[int, int]", stride), padding=cast("tuple[int, int, int, int]", padding),
                groups=fields.integer("groups"), dilation=cast("tuple[int, int]", dilation),
            )  # fmt: skip
        bits = check_integer("weight_bits", fields.integer("weight_bits"), MIN_WEIGHT_BITS, MAX_WEIGHT_BITS)
        weights = fields.array("weights", ("int8", "int16", "int32"), shape.weight_shape, limits=weight_range(bits))
        scale = fields.values("weight_scale", ("float64",), (1,), (shape.M,))
        bias = fields.array("bias", ("int32",), (shape.M,)) if fields.has("bias") else None
        return cls(header.name, header.inputs, header.output, shape, bits, weights, bias, scale)


def _zeros(codes: WeightCodes) -> int:
    return int(codes.size - np.count_nonzero(codes))


def _columns(values: Int64, shape: LayerShape) -> Int64:
    """What every output position reads, int64 (groups, C / groups x R x S, P x Q): the im2col matrix of each group."""
    top, bottom, left, right = shape.sides
    padded = np.pad(values, ((0, 0), (top, bottom), (left, right)))
    taps = np.empty((shape.C, shape.R, shape.S, shape.P, shape.Q), np.int64)
    for r in range(shape.R):
        rows = slice(
            r * shape.dilation[0], r * shape.dilation[0] + (shape.P - 1) * shape.stride[0] + 1, shape.stride[0]
        )
        for s in range(shape.S):
            first = s * shape.dilation[1]
            taps[:, r, s] = padded[:, rows, first : first + (shape.Q - 1) * shape.stride[1] + 1 : shape.stride[1]]
    return taps.reshape(shape.groups, shape.fan_in, shape.P * shape.Q)
