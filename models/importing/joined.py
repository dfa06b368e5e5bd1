"""How the layers of a trace of version 1 are joined, which it does not say: found in what was recorded of each.

Such a trace holds what every layer received. What the layer before it emits is that, or its windows' largest values
are, or sums; whichever alone gives exactly what was recorded, in every timestep, is how they are joined.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from spikecycle.models.errors import ModelsError
from spikecycle.models.importing.integer_run import run_operators
from spikecycle.traces import Operator, Pool, Population, Source, Synapse, TensorSpec, Trace

Integers = npt.NDArray[Any]
MOST_VALUES = 2**24
"""Of a tensor, over all timesteps, that are looked at: as many samples, or one."""


@dataclass(frozen=True, eq=False)
class JoinedLayers:
    """A network: its operators in order, its tensors by name, and the one that samples enter by."""

    operators: tuple[Operator, ...]
    specs: Mapping[str, TensorSpec]


def joined(trace: Trace) -> JoinedLayers:
    """The network of a trace; ModelsError, naming two layers, where what was recorded does not tell how they follow."""
    specs = {name: tensor.spec for name, tensor in trace.tensors.items()}
    if trace.version > 1 or len(trace.layers) < 2:
        return JoinedLayers(trace.operators, specs)
    layers, kept = _layers(trace), dict(specs)
    made: list[Operator] = list(layers[0])
    for (before, emitting), (synapse, population) in pairwise(layers):
        name = synapse.inputs[0].tensor
        pool = _joint(trace, specs, before, emitting, synapse)
        source = emitting.output if pool is None else pool.output
        made += [] if pool is None else [pool]
        made += [replace(synapse, inputs=(Source(source.name),)), population]
        kept[source.name] = source
        del kept[name]
    return JoinedLayers(tuple(made), kept)


def _joint(
    trace: Trace, specs: Mapping[str, TensorSpec], before: Synapse, emitting: Population, synapse: Synapse
) -> Pool | None:
    """The pooling between two layers, None where there is none; ModelsError where nothing fits, or several do."""
    entered, name, emitted = before.inputs[0].tensor, synapse.inputs[0].tensor, emitting.output
    largest = max(specs[each].count for each in (entered, name, emitted.name)) * trace.timesteps
    samples = range(min(trace.samples, max(1, MOST_VALUES // largest)))
    received, given = _recorded(trace, name, samples), _recorded(trace, entered, samples)
    made = run_operators([before, emitting], specs, {entered: given}, [emitted.name])[emitted.name]
    found = []
    for pool in _ways(emitted, specs[name], f"{before.name} to {synapse.name}"):
        if pool is None:
            values = made
        else:
            with_pool = {**specs, pool.output.name: pool.output}
            values = run_operators([pool], with_pool, {emitted.name: made}, [pool.output.name])[pool.output.name]
        if np.array_equal(values.reshape(received.shape), received):
            found.append(pool)
    if len(found) != 1:
        what = "fits several ways of pooling" if found else "is neither that nor a pooling of it"
        raise ModelsError(
            f"{trace.path}: a trace of version 1 does not say how its layers are joined; of what {before.name} "
            f"emitted, what {synapse.name} received {what}; record the network again"
        )
    return found[0]


def _layers(trace: Trace) -> list[tuple[Synapse, Population]]:
    synapses = [each for each in trace.operators if isinstance(each, Synapse)]
    populations = {each.inputs[0].tensor: each for each in trace.operators if isinstance(each, Population)}
    return [(each, populations[each.output.name]) for each in synapses]


def _recorded(trace: Trace, name: str, samples: range) -> Integers:
    """Samples of a recorded tensor, (N, T, C, H, W)."""
    values = [trace.tensors[name].values(sample) for sample in samples]
    return np.stack([each for each in values if each is not None])


def _ways(emitted: TensorSpec, received: TensorSpec, name: str) -> Iterator[Pool | None]:
    """As it is, None, or by a pooling of windows that leave no room between them."""
    if emitted.count == received.count:
        yield None
    c, h, w = emitted.shape
    for window in range(2, max(h, w) + 1):
        shape = (c, max(1, h // window), max(1, w // window))
        rows, columns = min(window, h), min(window, w)
        flat = received.shape == (received.count, 1, 1) and np.prod(shape) == received.count
        if shape == received.shape or flat:
            output = TensorSpec(f"{name} pooled", shape, received.bits, received.signed)
            for mode in ("max", "sum"):
                pool = Pool(name, (Source(emitted.name),), output, mode, (rows, columns), (rows, columns))
                if pool.output_range([emitted]).highest <= output.range.highest:
                    yield pool
