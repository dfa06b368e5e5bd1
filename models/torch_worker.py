"""PyTorch's dense forward of a trace's layers, again and again, in a process of its own: a peer of `spikecycle bench`.

The same layers on the same spikes, as 32-bit floating point, all timesteps of a sample as one batch; neurons are left
out. Its threads give a core up while they wait: spinning, they take a hundred times as long as soon as anything else
is at work.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from typing import Any

from spikecycle.bench_server import serve
from spikecycle.installing import how_to_install
from spikecycle.traces import TraceError

PASSIVE = {"OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "0", "KMP_BLOCKTIME": "0"}
"""What OpenMP of GCC and of Intel is told in the environment. Sources: the OpenMP specification, libgomp's and Intel's
manuals."""


def prepare(task: Mapping[str, Any]) -> tuple[dict[str, Any], Callable[[], dict[str, Any]]]:
    """Read the layers of sample 0. task: "trace", a path; "threads". ImportError, saying what helps, without torch."""
    for name, value in PASSIVE.items():
        os.environ.setdefault(name, value)  # read when torch is loaded
    try:
        import torch
    except ImportError as error:
        raise ImportError(f"torch is not installed: {how_to_install('train')}") from error

    from spikecycle.models.convolution import convolve
    from spikecycle.traces import open_trace

    torch.set_num_threads(task["threads"])
    layers = []
    with open_trace(task["trace"]) as trace:
        for layer in trace.layers:
            inputs = torch.from_numpy(layer.inputs(0)).float()
            weights = torch.from_numpy(layer.weights()).float()
            layers.append((layer.shape, inputs, weights))

    def forward() -> None:
        for shape, inputs, weights in layers:
            if shape.operator == "linear":
                torch.nn.functional.linear(inputs.flatten(1), weights.flatten(1))
            else:
                convolve(shape, inputs, weights, None)

    def run() -> dict[str, Any]:
        start = time.perf_counter()
        with torch.inference_mode():
            forward()
        return {"seconds": time.perf_counter() - start}

    return {"first_s": run()["seconds"], "version": str(torch.__version__)}, run


if __name__ == "__main__":
    serve(prepare, (ImportError, TraceError))
