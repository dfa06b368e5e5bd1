"""Dataflows that map one layer at a time: a population of neurons with the synapses that feed it, as one operator.

A population may have several inputs: synapses, spikes added as they are (identity), and either of them from the
timestep before (recurrence). For an array that accumulates events into potentials all of these are one layer whose
input channels lie side by side: a synapse contributes its kernel, an identity input a kernel that is 1 at its own
channel and position and 0 elsewhere, a delayed input the spikes of the timestep before. A kernel of groups has zeros
between its groups then. A dilated kernel has zeros in its holes: these arrays know none, and treat them as they treat
all zeros. Sums are exact and saturate once, so the layer computes what the population computes, bit for bit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, cast

import numpy as np

from spikecycle.simulator.activity import Activity, Counter
from spikecycle.simulator.array_types import Frames, Inputs, Int32, UInt8, WeightCodes
from spikecycle.simulator.dataflows.base import WeightFootprint, WeightStorage
from spikecycle.simulator.dataflows.stage import Network, Stage, StageSample
from spikecycle.simulator.errors import MappingError
from spikecycle.traces import Layer, LayerShape, Neuron, Pool, Population, Source, Synapse
from spikecycle.traces.frames import block_timesteps, blocks, pack_frames
from spikecycle.traces.packing import PackedSpikes


@dataclass(frozen=True, eq=False)
class LayerTask:
    """What an array needs to know of a layer before it sees a sample.

    weights: (M, C / groups, R, S) codes of `weight_bits`, signed, in the smallest dtype that holds them or a larger
    one: not for arithmetic as they are. bias: int32 (M,). timesteps: T. pool: rows and columns of the windows of
    currents of which neurons take the largest; (1, 1) without a pool.
    """

    name: str
    shape: LayerShape
    timesteps: int
    input_bits: int
    weight_bits: int
    weights: WeightCodes
    bias: Int32
    neuron: Neuron
    pool: tuple[int, int] = (1, 1)

    @property
    def is_pooled(self) -> bool:
        """Whether there are fewer neurons than sums."""
        return self.pool != (1, 1)

    @classmethod
    def of(cls, layer: Layer) -> LayerTask:
        """A layer of a version 1 trace, its arrays read."""
        return cls(
            layer.name, layer.shape, layer.timesteps, layer.input_bits, layer.weight_bits, layer.codes(),
            layer.bias(), layer.neuron,
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class LayerSample:
    """One sample of a layer.

    inputs: (T, C, H, W) values. outputs: (T, M, P, Q), output spikes as uint8; of neurons that do not fire, potentials,
    which no array looks at. Binary spikes may be packed: take them timestep by timestep. active: (T, M, P, Q), 1
    where a neuron is not at rest when its timestep's update begins (it received a weight that is not zero, or its
    stored potential is not 0); None where the plan does not need it.
    weights_on_chip: an earlier inference has loaded the weights. inputs_on_chip, outputs_on_chip: the tensor waits on
    chip between this layer and the one that makes or takes it, and is not moved from or to DRAM.
    """

    inputs: Inputs | PackedSpikes
    outputs: Frames
    active: UInt8 | PackedSpikes | None = None
    weights_on_chip: bool = False
    inputs_on_chip: bool = False
    outputs_on_chip: bool = False


class MappedLayer(Protocol):
    """A layer mapped on an array."""

    @property
    def needs_active(self) -> bool:
        """Whether `run` wants to know which neurons are active (sparse update)."""

    @property
    def storage(self) -> WeightStorage:
        """The layer's weights in the machine's format."""

    @property
    def footprint(self) -> WeightFootprint:
        """What keeping the weights on chip takes."""

    @property
    def counters(self) -> tuple[Counter, ...]:
        """What `run` may count."""

    def tiling(self) -> Mapping[str, int]:
        """How the layer is cut."""

    def run(self, sample: LayerSample) -> Activity:
        """Replay one sample."""


@dataclass(frozen=True, eq=False)
class Connection:
    """One input of a layer: where it comes from, and the convolution that it passes through.

    weights: (M, C / groups, R, S), codes of `weight_bits`, see `LayerTask`.
    """

    source: Source
    shape: LayerShape
    weights: WeightCodes
    weight_bits: int


@dataclass(frozen=True, eq=False)
class LayerPlan:
    """A stage that is a layer, mapped on an array: see `spikecycle.simulator.dataflows.base.Plan`."""

    task: LayerTask
    connections: Sequence[Connection]
    population: Population
    mapped: MappedLayer

    @property
    def storage(self) -> WeightStorage:
        """The layer's weights in the machine's format."""
        return self.mapped.storage

    @property
    def footprint(self) -> WeightFootprint:
        """What keeping the weights on chip takes."""
        return self.mapped.footprint

    @property
    def counters(self) -> tuple[Counter, ...]:
        """What is counted while the layer runs."""
        return self.mapped.counters

    def tiling(self) -> Mapping[str, int]:
        """How the layer is cut."""
        return self.mapped.tiling()

    def run(self, sample: StageSample) -> Activity:
        """Replay one sample."""
        inputs = self.inputs(sample)
        outputs = sample.frames(self.population.output.name)
        active = self._active(sample) if self.mapped.needs_active else None
        kept = sample.on_chip.tensors
        return self.mapped.run(
            LayerSample(
                inputs,
                outputs,
                active,
                weights_on_chip=sample.on_chip.weights,
                inputs_on_chip=all(connection.source.tensor in kept for connection in self.connections),
                outputs_on_chip=self.population.output.name in kept,
            )
        )

    def inputs(self, sample: StageSample) -> Inputs | PackedSpikes:
        """What the layer takes, (T, C, H, W), binary spikes packed."""
        shape = self.task.shape
        if len(self.connections) == 1:
            frames = sample.source_frames(self.connections[0].source)
            if isinstance(frames, PackedSpikes):
                return frames.reshaped(shape.input_shape)
            values = np.asarray(frames).reshape(len(frames), *shape.input_shape)
            return cast("Inputs", values.astype(self._dtype, copy=False))
        if self.task.input_bits == 1:
            return pack_frames(self._side_by_side(sample), self.task.timesteps, shape.input_shape)
        return np.concatenate(list(self._side_by_side(sample)))

    def _side_by_side(self, sample: StageSample) -> Iterator[Inputs]:
        """Several inputs, (n, C, H, W), some timesteps at a time."""
        shape, dtype = self.task.shape, self._dtype
        timesteps = block_timesteps(shape.input_count)
        parts = [blocks(sample.source_frames(connection.source), timesteps) for connection in self.connections]
        for some in zip(*parts, strict=True):
            joined = np.concatenate(
                [
                    values.reshape(len(values), *connection.shape.input_shape)
                    if connection.shape.input_shape != values.shape[1:]
                    else values
                    for values, connection in zip(some, self.connections, strict=True)
                ],
                axis=1,
            )
            assert joined.shape[1:] == shape.input_shape
            yield cast("Inputs", joined.astype(dtype, copy=False))

    @property
    def _dtype(self) -> type[np.unsignedinteger[Any]]:
        return np.uint8 if self.task.input_bits <= 8 else np.uint16

    def _active(self, sample: StageSample) -> PackedSpikes:
        """Which neurons are active in each timestep."""
        steps = sample.tensors.steps(self.population, track_active=True)
        return pack_frames((step.active for step in steps), self.task.timesteps, self.population.output.shape)


def layer_of(stage: Stage, network: Network) -> tuple[LayerTask, list[Connection], Population]:
    """The stage, a population of neurons with weights, as one layer.

    Raises MappingError, naming the population, for inputs that cannot lie side by side (maps or strides that differ).
    """
    population = stage.operators[-1]
    synapses = {operator.output.name: operator for operator in stage.operators if isinstance(operator, Synapse)}
    assert isinstance(population, Population) and synapses, "`Support.layers_only` refuses everything else"
    pools = [operator for operator in stage.operators if isinstance(operator, Pool)]
    connections = [
        _synapse(synapses[source.tensor])
        if source.tensor in synapses and not source.delay
        else _identity(source, network, population)
        for source in (pools[0].inputs if pools else population.inputs)
    ]
    bias, *others = [synapse.bias() for synapse in synapses.values()]
    if others:
        exact = bias.astype(np.int64)
        for other in others:
            exact += other
        bias = exact.astype(np.int32)
    if len(connections) == 1:
        shape, weights = connections[0].shape, connections[0].weights
    else:
        shape, weights = _side_by_side(population.name, connections)
    specs = [network.tensors[connection.source.tensor].spec for connection in connections]
    task = LayerTask(
        name=stage.name,
        shape=shape,
        timesteps=network.timesteps,
        input_bits=max(spec.bits for spec in specs),
        weight_bits=max(connection.weight_bits for connection in connections),
        weights=weights,
        bias=bias,
        neuron=population.neuron,
        pool=pools[0].window if pools else (1, 1),
    )
    return task, connections, population


def check_layer(stage: Stage, network: Network) -> None:
    """Raise the MappingError that `layer_of` would raise, without its arrays."""
    population = stage.operators[-1]
    assert isinstance(population, Population), "`Support.layers_only` refuses everything else"
    synapses = {synapse.output.name: synapse for synapse in stage.synapses()}
    pools = [operator for operator in stage.operators if isinstance(operator, Pool)]
    sources, shapes = [], []
    for source in pools[0].inputs if pools else population.inputs:
        synapse = None if source.delay else synapses.get(source.tensor)
        sources.append(synapse.inputs[0].tensor if synapse else source.tensor)
        shapes.append(without_holes(synapse.shape) if synapse else _identity_shape(source, network, population))
    _check_side_by_side(population.name, sources, shapes)


def _synapse(synapse: Synapse) -> Connection:
    (source,) = synapse.inputs
    shape, weights = synapse.shape, synapse.codes()
    if shape.dilation != (1, 1):
        filled = without_holes(shape)
        with_zeros = np.zeros(filled.weight_shape, weights.dtype)
        with_zeros[:, :, :: shape.dilation[0], :: shape.dilation[1]] = weights
        shape, weights = filled, with_zeros
    return Connection(source, shape, weights, synapse.weight_bits)


def without_holes(shape: LayerShape) -> LayerShape:
    """The shape of a layer whose kernel has zeros where a dilated one has holes."""
    if shape.dilation == (1, 1):
        return shape
    rows, columns = (shape.R - 1) * shape.dilation[0] + 1, (shape.S - 1) * shape.dilation[1] + 1
    return replace(shape, R=rows, S=columns, dilation=(1, 1))


def _identity(source: Source, network: Network, population: Population) -> Connection:
    """Spikes that are added as they are: a 1x1 convolution with the identity matrix."""
    shape = _identity_shape(source, network, population)
    return Connection(source, shape, np.eye(shape.M, dtype=np.int8)[:, :, None, None], 2)


def _identity_shape(source: Source, network: Network, population: Population) -> LayerShape:
    channels, rows, columns = population.output.shape
    if network.tensors[source.tensor].spec.shape != population.output.shape:
        raise MappingError(
            f"operator {population.name!r} cannot be mapped: its input {source.tensor!r} has another shape"
        )
    return LayerShape("conv2d", C=channels, H=rows, W=columns, M=channels, R=1, S=1)


def _without_groups(connection: Connection) -> Connection:
    """A connection whose kernel has all input channels, 0 for those of other groups."""
    shape, groups = connection.shape, connection.shape.groups
    if groups == 1:
        return connection
    channels, outputs = shape.C // groups, shape.M // groups
    weights = np.zeros((shape.M, shape.C, shape.R, shape.S), connection.weights.dtype)
    for group in range(groups):
        rows = slice(group * outputs, (group + 1) * outputs)
        weights[rows, group * channels : (group + 1) * channels] = connection.weights[rows]
    return replace(connection, shape=replace(shape, groups=1), weights=weights)


def _check_side_by_side(name: str, sources: Sequence[str], shapes: Sequence[LayerShape]) -> None:
    for what in ("H", "W", "P", "Q", "M", "stride", "dilation"):
        found = [getattr(shape, what) for shape in shapes]
        if any(value != found[0] for value in found):
            raise MappingError(
                f"operator {name!r} cannot be mapped: its inputs {', '.join(map(repr, sources))} cannot lie side by "
                f"side, {what} is {', '.join(str(value) for value in found)}"
            )


def _side_by_side(name: str, connections: Sequence[Connection]) -> tuple[LayerShape, WeightCodes]:
    """One convolution over the channels of all inputs; kernels are padded with zero weights to a common size."""
    connections = [_without_groups(connection) for connection in connections]
    shapes = [connection.shape for connection in connections]
    _check_side_by_side(name, [connection.source.tensor for connection in connections], shapes)
    first = shapes[0]
    top = max(shape.padding_top for shape in shapes)
    left = max(shape.padding_left for shape in shapes)
    rows = max(shape.R - shape.padding_top for shape in shapes) + top
    columns = max(shape.S - shape.padding_left for shape in shapes) + left
    kernels = []
    for connection in connections:
        shape = connection.shape
        above, before = top - shape.padding_top, left - shape.padding_left
        around = ((above, rows - above - shape.R), (before, columns - before - shape.S))
        kernels.append(np.pad(connection.weights, ((0, 0), (0, 0), *around)))
    weights = np.concatenate(kernels, axis=1)
    padding = (
        top,
        (first.P - 1) * first.stride[0] + rows - top - first.H,
        left,
        (first.Q - 1) * first.stride[1] + columns - left - first.W,
    )
    merged = LayerShape(
        "conv2d", C=weights.shape[1], H=first.H, W=first.W, M=first.M, R=rows, S=columns, stride=first.stride,
        padding=(padding[0], max(0, padding[1]), padding[2], max(0, padding[3])),
    )  # fmt: skip
    return merged, weights
