"""A chain of integer nodes: what each emits for given frames, and the trace of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spikecycle.models.integer.node import IntegerNode, Recording, Values
from spikecycle.traces import LayerParameters, TraceWriter

VALUES_AT_ONCE = 2**20  # of one layer, over all timesteps; in float32 4 MiB, which stay in a cache

OnRecorded = Callable[[int, int], None]
"""Called as progress(samples recorded, samples in all)."""


def run_network(nodes: Sequence[IntegerNode], frames: Values) -> list[Values]:
    """What every node emits, each (N, T, M, P, Q), from frames (N, T, C, H, W)."""
    emitted = []
    for node in nodes:
        frames = node.run(frames)
        emitted.append(frames)
    return emitted


def record_network(
    path: Path,
    nodes: Sequence[IntegerNode],
    frames: Values,
    labels: npt.NDArray[np.int64] | None,
    provenance: Mapping[str, Any],
    on_recorded: OnRecorded | None = None,
) -> dict[str, float]:
    """Run the network on `frames` and write what every layer with weights received and emitted.

    Memory holds a few samples at a time, one where a sample is large. Returns the mean of what each node emitted per
    neuron and timestep: the firing rate, where it emits spikes. TraceError, naming the file, if it cannot be written.
    """
    layers = [layer for node in nodes for layer in node.trace_layers()]
    emitted = dict.fromkeys((node.name for node in nodes), 0.0)
    with TraceWriter(path, layers, frames.shape[1], provenance) as writer:
        for group in _groups(layers, frames):
            recordings = list(_recorded(nodes, frames[group], emitted))
            for index, sample in enumerate(range(group.start, group.stop)):
                writer.append(
                    [recording.inputs[index] for recording in recordings],
                    [None if recording.outputs is None else recording.outputs[index] for recording in recordings],
                    None if labels is None else int(labels[sample]),
                )
                if on_recorded is not None:
                    on_recorded(sample + 1, len(frames))
    return {name: total / len(frames) for name, total in emitted.items()}


def _groups(layers: Sequence[LayerParameters], frames: Values) -> Iterator[slice]:
    """The samples that are run together."""
    of_a_timestep = max(max(layer.shape.input_count, layer.shape.output_count) for layer in layers)
    size = max(1, VALUES_AT_ONCE // (of_a_timestep * frames.shape[1]))
    for start in range(0, len(frames), size):
        yield slice(start, min(start + size, len(frames)))


def _recorded(nodes: Sequence[IntegerNode], frames: Values, emitted: dict[str, float]) -> Iterator[Recording]:
    """The recordings of a few samples, node after node; adds what each node emitted per sample to `emitted`."""
    for node in nodes:
        outputs = node.run(frames)
        emitted[node.name] += float(outputs.mean()) * len(frames)
        yield from node.recordings(frames, outputs)
        frames = outputs
