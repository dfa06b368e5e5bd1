"""What is known of a stage by sizes alone: its outline, and the memory that its arrays take on any machine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from spikecycle.simulator.dataflows.base import Dataflow
from spikecycle.simulator.dataflows.layer import LayerTask, without_holes
from spikecycle.simulator.dataflows.stage import Network, Stage
from spikecycle.simulator.machine.schema import Machine
from spikecycle.simulator.memory import Need
from spikecycle.simulator.replay.sample import KEPT_BYTES
from spikecycle.simulator.workload.non_zero_sums import sums_bytes
from spikecycle.traces import LayerShape, Pool, Population, Synapse, Tensor
from spikecycle.traces.frames import block_timesteps
from spikecycle.traces.packing import packed_bytes
from spikecycle.traces.weights import code_dtype

COMPUTED_COPIES = 2  # of a tensor that was not recorded: as it was computed, and a timestep later
COPIES = 3  # of a tensor: as recorded, as it is used, and what is found out about it
POTENTIAL_BYTES = 24  # of a neuron while it is recomputed: sum, potential and flag


@dataclass(frozen=True)
class LayerSizes:
    """What an estimate needs to know of a layer: everything but its arrays. Letters are those of `LayerShape`."""

    shape: LayerShape
    timesteps: int
    input_bits: int
    weight_bits: int


def layer_sizes(stage: Stage, network: Network) -> LayerSizes | None:
    """A stage as the layer that `layer_of` will make of it, its inputs side by side; None for one without weights."""
    synapses = list(stage.synapses())
    if not synapses:
        return None
    largest = max((without_holes(synapse.shape) for synapse in synapses), key=lambda shape: shape.R * shape.S)
    specs = [network.tensors[source.tensor].spec for source in (s for synapse in synapses for s in synapse.inputs)]
    shape = largest
    population = stage.operators[-1]
    if isinstance(population, Population) and len(population.inputs) > 1:
        made = {synapse.output.name: synapse.shape.C for synapse in synapses}
        channels = sum(made.get(source.tensor, population.output.shape[0]) for source in population.inputs)
        shape = replace(largest, operator="conv2d", C=channels, groups=1)
    return LayerSizes(
        shape,
        network.timesteps,
        max(spec.bits for spec in specs),
        max(synapse.weight_bits for synapse in synapses),
    )


def outline(stage: Stage, network: Network) -> LayerTask | None:
    """A stage as the layer that `layer_of` will make of it, as far as sizes tell: its weights are 0 and take no memory,
    and are for nobody to look at. None for a stage without weights."""
    sizes = layer_sizes(stage, network)
    population = stage.operators[-1]
    if sizes is None or not isinstance(population, Population):
        return None
    pools = [operator for operator in stage.operators if isinstance(operator, Pool)]
    return LayerTask(
        name=stage.name,
        shape=sizes.shape,
        timesteps=sizes.timesteps,
        input_bits=sizes.input_bits,
        weight_bits=sizes.weight_bits,
        weights=np.ndarray(sizes.shape.weight_shape, np.int8, bytes(1), strides=(0, 0, 0, 0)),
        bias=np.ndarray(sizes.shape.M, np.int32, bytes(4), strides=(0,)),
        neuron=population.neuron,
        pool=pools[0].window if pools else (1, 1),
    )


def run_needs(
    dataflow: Dataflow, machine: Machine, network: Network, stages: Iterable[Stage], with_timeline: bool = False
) -> dict[str, tuple[Need, ...]]:
    """Everything that the stages of a run need, by stage. with_timeline: whether somebody wants one."""
    return {
        f"layer {stage.name!r}": (
            *stage_needs(stage, network, dataflow.supports.packed_spikes, dataflow.supports.layers_only),
            *(need for need in dataflow.memory(machine, stage, network) if with_timeline or not need.is_of_timeline),
        )
        for stage in stages
    }


def stage_needs(
    stage: Stage, network: Network, packed_spikes: bool = False, weights_as_codes: bool = False
) -> tuple[Need, ...]:
    """The arrays of a stage itself: weights, with what they are read from; one sample of its tensors.

    packed_spikes: see `Support`. weights_as_codes: whether weights are held in their own width, as layers hold them
    (`layer_of`), or as int32.
    """
    weights = sum(synapse.shape.M * synapse.shape.fan_in for synapse in stage.synapses())
    what = f"{weights} weights (M x C/groups x R x S)"
    if weights_as_codes:
        needs = list(_code_needs(stage, network, what))
    else:
        # a read takes the codes and a copy, a count of what is not 0 a flag of each
        needs = [Need(4 * weights, what), Need(weights + 3 * _code_bytes(stage), what, is_kept=False)]
    for tensor in _tensors_of(stage, network):
        values = network.timesteps * tensor.spec.count
        what = f"{values} values of tensor {tensor.name!r} (T x C x H x W)"
        size = COPIES * _item_bytes(tensor) * values
        if packed_spikes and tensor.spec.is_binary:
            size = COPIES * network.timesteps * packed_bytes(tensor.spec.count)
        elif packed_spikes and not tensor.recorded:
            size = COMPUTED_COPIES * min(tensor.spec.dtype.itemsize * values, KEPT_BYTES)
        needs.append(Need(size, what, is_kept=False))
        if packed_spikes:  # what is unpacked, or computed, at a time
            some = min(values, block_timesteps(tensor.spec.count) * tensor.spec.count)
            size = tensor.spec.dtype.itemsize * some
            needs.append(Need(size, f"some timesteps of tensor {tensor.name!r}", is_kept=False))
    if not weights_as_codes or _is_recomputed(stage, network):
        needs.append(neurons_need(stage))
    last = stage.operators[-1]
    if isinstance(last, Synapse) and not network.tensors[last.output.name].recorded:
        size = sums_bytes(last.shape, last.weight_bits)
        needs.append(Need(size, "weights by event (C x R x S x M), to count currents", is_kept=False))
    return tuple(needs)


def neurons_need(stage: Stage) -> Need:
    """The neurons of a stage while they are recomputed."""
    neurons = sum(operator.output.count for operator in stage.operators if isinstance(operator, Population))
    return Need(POTENTIAL_BYTES * neurons, f"{neurons} neurons", is_kept=False)


def turned_need(stage: Stage) -> Need:
    """The weights of a stage by input channel, to recompute its neurons: turned, and the taps of a kernel put apart."""
    size = 2 * _code_bytes(stage)
    return Need(size, f"{size} bytes of weights by input channel (M x C/groups x R x S)", is_kept=False)


def _is_recomputed(stage: Stage, network: Network) -> bool:
    return not network.tensors[stage.operators[-1].output.name].recorded


def _code_bytes(stage: Stage) -> int:
    """All weights in their own width."""
    return sum(
        np.dtype(code_dtype(synapse.weight_bits)).itemsize * synapse.shape.M * synapse.shape.fan_in
        for synapse in stage.synapses()
    )


def _code_needs(stage: Stage, network: Network, what: str) -> Iterator[Need]:
    """Weights of a layer in their own width: as they are read, and the same unpacked or checked; side by side with
    those of other inputs, or with zeros in the holes of a kernel, in one piece and in parts."""
    codes, sizes = _code_bytes(stage), layer_sizes(stage, network)
    yield Need(codes, what, is_kept=False)
    yield Need(codes, what, is_kept=False)
    if sizes is not None:
        weights = sizes.shape.M * sizes.shape.fan_in
        merged = np.dtype(code_dtype(sizes.weight_bits)).itemsize * weights
        if merged > codes:
            yield Need(2 * merged, f"{weights} weights side by side", is_kept=False)
    if _is_recomputed(stage, network):
        yield turned_need(stage)


def tensor_need(tensor: Tensor, timesteps: int) -> Need:
    """One sample of a tensor."""
    values = timesteps * tensor.spec.count
    what = f"{values} values of a sample (T x C x H x W)"
    return Need(COPIES * _item_bytes(tensor) * values, what, is_kept=False)


def _tensors_of(stage: Stage, network: Network) -> Iterable[Tensor]:
    """Tensors that the stage takes or gives, and those from which they have to be recomputed."""
    producers = {operator.output.name: operator for operator in network.operators}
    found: dict[str, Tensor] = {}
    waiting = [*stage.consumed, *stage.produced]
    while waiting:
        name = waiting.pop()
        if name in found or name not in network.tensors:
            continue
        found[name] = network.tensors[name]
        if not found[name].recorded and name in producers:
            waiting += [source.tensor for source in producers[name].inputs]
    # What synapses hand to the neurons of their own stage is added up timestep by timestep and never kept.
    inner = {synapse.output.name for synapse in stage.synapses() if synapse is not stage.operators[-1]}
    inner |= {pool.output.name for pool in stage.operators if isinstance(pool, Pool) and pool.inputs[0].tensor in inner}
    return [tensor for name, tensor in found.items() if name not in inner or tensor.recorded]


def _item_bytes(tensor: Tensor) -> int:
    bits = tensor.spec.bits
    return 1 if bits <= 8 else 2 if bits <= 16 else 8
