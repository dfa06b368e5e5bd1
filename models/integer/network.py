"""A chain of integer nodes: what each emits for given frames, and the trace of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from models.integer.node import IntegerNode, Recording, Values
from traces import TraceWriter

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

    Memory holds one sample at a time. Returns the mean of what each node emitted per neuron and timestep: the firing
    rate, where it emits spikes. TraceError, naming the file, where it cannot be written.
    """
    layers = [layer for node in nodes for layer in node.trace_layers()]
    emitted = dict.fromkeys((node.name for node in nodes), 0.0)
    with TraceWriter(path, layers, frames.shape[1], provenance) as writer:
        for sample in range(len(frames)):
            recordings = list(_recorded(nodes, frames[sample : sample + 1], emitted))
            writer.append(
                [recording.inputs[0] for recording in recordings],
                [None if recording.outputs is None else recording.outputs[0] for recording in recordings],
                None if labels is None else int(labels[sample]),
            )
            if on_recorded is not None:
                on_recorded(sample + 1, len(frames))
    return {name: total / len(frames) for name, total in emitted.items()}


def _recorded(nodes: Sequence[IntegerNode], frames: Values, emitted: dict[str, float]) -> Iterator[Recording]:
    """The recordings of one sample, node after node; adds what each node emitted to `emitted`."""
    for node in nodes:
        outputs = node.run(frames)
        emitted[node.name] += float(outputs.mean())
        yield from node.recordings(frames, outputs)
        frames = outputs
