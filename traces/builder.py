"""Building a network of operators from NumPy arrays, and recording it: sizes and values follow from what is given."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from spikecycle.traces.array_types import Array
from spikecycle.traces.checks import check_integer, check_name
from spikecycle.traces.errors import TraceError, located
from spikecycle.traces.network_writer import NetworkWriter
from spikecycle.traces.neuron import Neuron
from spikecycle.traces.operators import Add, AttentionProduct, Concatenate, Operator, Pool, Population, Synapse
from spikecycle.traces.operators.base import UNSIZED
from spikecycle.traces.operators.pool import PoolMode
from spikecycle.traces.schema import MAX_DIMENSION
from spikecycle.traces.shape import LayerShape, SynapseKind
from spikecycle.traces.tensors import Source, TensorSpec
from spikecycle.traces.weights import check_bias, check_weights

Sides = int | tuple[int, int] | tuple[int, int, int, int]
Pair = int | tuple[int, int]


class GraphBuilder:
    """A network in the making. Every method names an operator and returns the tensor it makes, of the same name.

        graph = GraphBuilder(timesteps=10)
        x = graph.input("x", spikes)                                            # (N, T, C, H, W)
        current = graph.conv2d("conv1", x, weights, weight_bits=4, padding=1)
        spikes = graph.neuron("neuron1", current, Neuron("if", 20, potential_bits=8))
        graph.write("network.h5")

    Tensors get the bits that their values can need. `write` computes what the operators make of the inputs, by the
    integer semantics of traces/FORMAT.md, and records every tensor but the currents of synapses; `record` of a
    method says otherwise. TraceError, naming the operator, where something does not fit.
    """

    def __init__(self, timesteps: int) -> None:
        self.timesteps = check_integer("timesteps", timesteps, 1, MAX_DIMENSION)
        self.tensors: dict[str, TensorSpec] = {}
        self.operators: list[Operator] = []
        self._inputs: list[TensorSpec] = []
        self._values: dict[str, Array] = {}
        self._recorded: set[str] = set()
        self._promised: dict[str, TensorSpec] = {}

    @property
    def recorded(self) -> frozenset[str]:
        """Names of the tensors that are recorded besides the inputs."""
        return frozenset(self._recorded)

    def input(
        self,
        name: str,
        values: Array | None = None,
        *,
        shape: tuple[int, int, int] | None = None,
        bits: int = 1,
        signed: bool = False,
    ) -> Source:
        """A tensor that no operator makes.

        values: integers (N, T, C, H, W), or (N, T, C) for vectors; without them, give the shape (C, H, W), and the
        values of each sample to a `writer`.
        """
        with located(f"tensor {name}"):
            if values is not None:
                values = np.asarray(values)
                values = values[..., None, None] if values.ndim == 3 else values
                if values.ndim != 5 or values.shape[1] != self.timesteps:
                    raise TraceError(f"the shape must be (N, {self.timesteps}, C, H, W), found {values.shape}")
                shape = values.shape[2:]
                self._values[name] = values
            if shape is None:
                raise TraceError("either values or a shape must be given")
            spec = TensorSpec(name, shape, bits, signed)
        self._inputs.append(self._add_tensor(spec))
        return Source(name)

    def delayed(
        self,
        source: Source | str,
        shape: tuple[int, int, int] | None = None,
        *,
        bits: int = 1,
        signed: bool = False,
    ) -> Source:
        """The tensor a timestep earlier, zero in the first.

        For recurrence, a tensor can be named before it is made; then its shape (C, H, W) must be given, and its bits,
        unless it is binary.
        """
        name = source if isinstance(source, str) else source.tensor
        if name not in self.tensors:
            if shape is None:
                raise TraceError(f"tensor {name}: is not made yet, so its shape must be given")
            self._promised[name] = TensorSpec(name, shape, bits, signed)
        return Source(name, 1)

    def conv2d(
        self,
        name: str,
        source: Source | str,
        weights: Array,
        *,
        weight_bits: int,
        stride: Pair = 1,
        padding: Sides = 0,
        dilation: Pair = 1,
        groups: int = 1,
        bias: Array | None = None,
        weight_scale: npt.NDArray[np.float64] | float = 1.0,
        record: bool = False,
    ) -> Source:
        """Currents (M, P, Q) of a convolution, weights (M, C / groups, R, S).

        padding: of all sides, (vertical, horizontal), or (top, bottom, left, right).
        """
        return self._synapse(
            "conv2d", name, source, weights, weight_bits, bias, weight_scale, record,
            stride=_pair(stride), padding=_pair(padding), dilation=_pair(dilation), groups=groups,
        )  # fmt: skip

    def conv1d(
        self,
        name: str,
        source: Source | str,
        weights: Array,
        *,
        weight_bits: int,
        stride: int = 1,
        padding: Pair = 0,
        dilation: int = 1,
        groups: int = 1,
        bias: Array | None = None,
        weight_scale: npt.NDArray[np.float64] | float = 1.0,
        record: bool = False,
    ) -> Source:
        """Currents (M, 1, Q) of a convolution along maps of one row, weights (M, C / groups, S).

        padding: of both sides, or (left, right).
        """
        with located(f"operator {name}"):
            rows = np.asarray(weights)
            if rows.ndim != 3:
                raise TraceError(f"weights: the shape must be (M, C/groups, S), found {rows.shape}")
        return self._synapse(
            "conv1d", name, source, rows[:, :, None], weight_bits, bias, weight_scale, record,
            stride=(1, stride), padding=(0, 0, *_pair(padding)), dilation=(1, dilation), groups=groups,
        )  # fmt: skip

    def linear(
        self,
        name: str,
        source: Source | str,
        weights: Array,
        *,
        weight_bits: int,
        bias: Array | None = None,
        weight_scale: npt.NDArray[np.float64] | float = 1.0,
        record: bool = False,
    ) -> Source:
        """Currents (M, 1, 1), weights (M, inputs); the input is flattened in the order channel, row, column."""
        with located(f"operator {name}"):
            rows = np.asarray(weights)
            if rows.ndim != 2:
                raise TraceError(f"weights: the shape must be (M, inputs), found {rows.shape}")
        return self._synapse("linear", name, source, rows[:, :, None, None], weight_bits, bias, weight_scale, record)

    def neuron(
        self, name: str, sources: Source | str | Sequence[Source | str], neuron: Neuron, *, record: bool = True
    ) -> Source:
        """Spikes of neurons, or potentials of a readout, that sum everything that arrives."""
        several = [sources] if isinstance(sources, Source | str) else sources
        with located(f"operator {name}"):
            operator = Population(name, self._sources(several), UNSIZED, neuron)
        return self._add(operator, record)

    def add(self, name: str, sources: Sequence[Source | str], *, record: bool = True) -> Source:
        """The sum of tensors of one shape."""
        with located(f"operator {name}"):
            operator = Add(name, self._sources(sources), UNSIZED)
        return self._add(operator, record)

    def concatenate(self, name: str, sources: Sequence[Source | str], *, record: bool = True) -> Source:
        """The channels of one tensor after the other."""
        with located(f"operator {name}"):
            operator = Concatenate(name, self._sources(sources), UNSIZED)
        return self._add(operator, record)

    def pool(
        self,
        name: str,
        source: Source | str,
        mode: PoolMode,
        window: Pair,
        *,
        stride: Pair | None = None,
        padding: Sides = 0,
        shift: int | None = None,
        record: bool = True,
    ) -> Source:
        """The max, average or sum of windows, side by side unless a stride is given; see `Pool`."""
        with located(f"operator {name}"):
            step = _pair(window if stride is None else stride)
            operator = Pool(name, self._sources([source]), UNSIZED, mode, _pair(window), step, _pair(padding), shift)
        return self._add(operator, record)

    def attention(
        self,
        name: str,
        left: Source | str,
        right: Source | str,
        *,
        heads: int = 1,
        transpose_left: bool = False,
        transpose_right: bool = False,
        shift: int = 0,
        record: bool = True,
    ) -> Source:
        """The product of two tensors per head; see `AttentionProduct`."""
        with located(f"operator {name}"):
            inputs = self._sources([left, right])
            operator = AttentionProduct(name, inputs, UNSIZED, heads, transpose_left, transpose_right, shift)
        return self._add(operator, record)

    def writer(self, path: str | os.PathLike[str], provenance: Mapping[str, Any] | None = None) -> NetworkWriter:
        """A writer for samples that come one by one; see `NetworkWriter`."""
        with located(path):
            for name, promised in self._promised.items():
                made = self.tensors.get(name)
                if made is None:
                    raise TraceError(f"tensor {name}: is used a timestep later, but nobody makes it")
                if made.shape != promised.shape or not _within(made, promised):
                    raise TraceError(f"tensor {name}: was announced as {_text(promised)}, but is {_text(made)}")
        return NetworkWriter(path, self._inputs, self.operators, self._recorded, self.timesteps, provenance)

    def write(
        self,
        path: str | os.PathLike[str],
        *,
        labels: Sequence[int] | Array | None = None,
        provenance: Mapping[str, Any] | None = None,
    ) -> None:
        """Compute and write all samples. labels: integers (N,), or None."""
        with located(path):
            for spec in self._inputs:
                if spec.name not in self._values:
                    raise TraceError(f"tensor {spec.name}: has a shape but no values; give them to a `writer`")
            counts = {name: len(values) for name, values in self._values.items()}
            if labels is not None:
                counts["labels"] = len(labels)
            if len(set(counts.values())) > 1:
                raise TraceError(f"the number of samples must be the same everywhere, found {counts}")
        with self.writer(path, provenance) as writer:
            for sample in range(next(iter(counts.values()), 0)):
                values = {name: array[sample] for name, array in self._values.items()}
                writer.append(values, None if labels is None else int(labels[sample]))

    def _synapse(
        self,
        kind: SynapseKind,
        name: str,
        source: Source | str,
        weights: Array,
        weight_bits: int,
        bias: Array | None,
        weight_scale: npt.NDArray[np.float64] | float,
        record: bool,
        **geometry: Any,
    ) -> Source:
        with located(f"operator {name}"):
            inputs = self._sources([source])
            codes = np.asarray(weights)
            if codes.ndim != 4:
                raise TraceError(f"weights: the shape must be (M, C/groups, R, S), found {codes.shape}")
            m, channels, r, s = codes.shape
            spec = self._spec(inputs[0])
            if kind == "linear":
                shape = LayerShape.linear(channels, m)
            else:
                c, h, w = spec.shape
                shape = LayerShape(kind, c, h, w, m, r, s, **geometry)
            checked = check_weights(codes, shape.weight_shape, weight_bits).copy()
            offset = None if bias is None else check_bias(np.asarray(bias), m)
            operator = Synapse(
                name, inputs, UNSIZED, shape, weight_bits, lambda: checked,
                None if offset is None else lambda: offset, weight_scale,
            )  # fmt: skip
        return self._add(operator, record)

    def _add(self, operator: Operator, record: bool) -> Source:
        name = operator.name
        with located(f"operator {name}"):
            sources = [self._spec(source) for source in operator.inputs]
            output = TensorSpec.of_range(name, operator.output_shape(sources), operator.tight_range(sources))
            sized = replace(operator, output=output)
            sized.check(sources)
            self._add_tensor(output)
        self.operators.append(sized)
        if record:
            self._recorded.add(name)
        return Source(name)

    def _add_tensor(self, spec: TensorSpec) -> TensorSpec:
        check_name(spec.name)
        if spec.name in self.tensors:
            raise TraceError(f"tensor {spec.name}: the name is taken; names must differ")
        self.tensors[spec.name] = spec
        return spec

    def _sources(self, sources: Sequence[Source | str]) -> tuple[Source, ...]:
        found = tuple(Source(source) if isinstance(source, str) else source for source in sources)
        for source in found:
            self._spec(source)
        return found

    def _spec(self, source: Source) -> TensorSpec:
        spec = self.tensors.get(source.tensor) or (self._promised.get(source.tensor) if source.delay else None)
        if spec is None:
            raise TraceError(f"there is no tensor {source.tensor} yet; `delayed` announces one that is made later")
        return spec


def _pair(value: Any) -> Any:
    """An integer for both axes, or what was given."""
    return (value, value) if isinstance(value, int | np.integer) else value


def _within(spec: TensorSpec, wider: TensorSpec) -> bool:
    return wider.range.lowest <= spec.range.lowest and spec.range.highest <= wider.range.highest


def _text(spec: TensorSpec) -> str:
    return f"{spec.shape} of {spec.bits} {'signed' if spec.signed else 'unsigned'} bits"
