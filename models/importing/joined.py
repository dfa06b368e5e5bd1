"""How the layers of a trace of version 1 are joined, which it does not say: found in what was recorded of each.

Such a trace holds what every layer received. What the layer before it emits is that, or its windows' largest values
are, or sums; whichever gives exactly what was recorded, in every sample and timestep, is how they are joined.
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


@dataclass(frozen=True, eq=False)
class Joined:
    """A network: its operators in order, its tensors by name, and the one that samples enter by."""

    operators: tuple[Operator, ...]
    specs: Mapping[str, TensorSpec]


def joined(trace: Trace) -> Joined:
    """The network of a trace; ModelsError, naming two layers, where what was recorded does not tell how they follow."""
    specs = {name: tensor.spec for name, tensor in trace.tensors.items()}
    if trace.version > 1 or len(trace.layers) < 2:
        return Joined(trace.operators, specs)
    layers, kept = _layers(trace), dict(specs)
    made: list[Operator] = list(layers[0])
    for (before, emitting), (synapse, population) in pairwise(layers):
        name = synapse.inputs[0].tensor
        received = _recorded(trace, name)
        given = {before.inputs[0].tensor: _recorded(trace, before.inputs[0].tensor)}
        emitted = run_operators([before, emitting], specs, given, [emitting.output.name])[emitting.output.name]
        for pool in _ways(emitting.output, specs[name], f"{before.name} to {synapse.name}"):
            if pool is None:
                source, found = emitting.output, emitted
            else:
                source = pool.output
                found = run_operators([pool], {**specs, source.name: source}, {emitting.output.name: emitted},
                                      [source.name])[source.name]  # fmt: skip
            if np.array_equal(found.reshape(received.shape), received):
                made += [] if pool is None else [pool]
                made += [replace(synapse, inputs=(Source(source.name),)), population]
                kept[source.name] = source
                del kept[name]
                break
        else:
            raise ModelsError(
                f"{trace.path}: a trace of version 1 does not say how its layers are joined, and what {synapse.name} "
                f"received is neither what {before.name} emitted nor a pooling of that; record the network again"
            )
    return Joined(tuple(made), kept)


def _layers(trace: Trace) -> list[tuple[Synapse, Population]]:
    synapses = [each for each in trace.operators if isinstance(each, Synapse)]
    populations = {each.inputs[0].tensor: each for each in trace.operators if isinstance(each, Population)}
    return [(each, populations[each.output.name]) for each in synapses]


def _recorded(trace: Trace, name: str) -> Integers:
    """All samples of a recorded tensor, (N, T, C, H, W)."""
    values = [trace.tensors[name].values(sample) for sample in range(trace.samples)]
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
