"""Memory of long, wide and large traces: many timesteps, many weights, many samples, each in a process of its own.

    python benchmarks/streaming_memory.py [--machine NAME | all] [--timesteps N] [--features N]
        [--gigabytes N] [--folder FOLDER]

A run of many timesteps may take twice the largest operator with its spikes packed eight to a byte, and 200 MB; a layer
of 67 M weights 1 GB; a trace of many samples 1 GB, whatever its size. A figure of 0 leaves a case out. Peaks are VmHWM
of the process that simulates, as Linux counts them, Python and kernels included. The large trace is one sample of the
reference network over and over, written chunk by chunk, so that writing it takes little; --folder is where it goes (the
temporary folder by default), and it is deleted afterwards.
`--machine all` prints a table of all shipped machines; one that would need more than MOST_BYTES is refused, not run.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import arguments
import h5py
import numpy as np
from reference_network import in_fresh_process, write_trace

from spikecycle.traces import LayerShape, open_trace
from spikecycle.traces.synthetic import synthetic_trace

MB = 10**6
BYTES_PER_KIB = 1024
MOST_BYTES = 10 * 2**30
"""That a run may take by its own estimate: the computer that measures has other work."""
MOST_WEIGHT_BYTES = MOST_TRACE_BYTES = 1000 * MB
"""That a layer of 67 M weights, and a trace of any number of samples, may take."""
TIMESTEPS, FEATURES, GIGABYTES = 100_000, 8192, 10.0
LONG_NETWORK = (
    LayerShape("conv2d", C=2, H=16, W=16, M=16, R=3, S=3, padding=(1, 1)),
    LayerShape("conv2d", C=16, H=16, W=16, M=16, R=3, S=3, padding=(1, 1)),
    LayerShape.linear(4096, 10),
)
"""Of little work a timestep, so that many timesteps are many bytes."""


def write_long_trace(path: str, timesteps: int) -> None:
    """One sample of LONG_NETWORK with noise for spikes."""
    synthetic_trace(path, LONG_NETWORK, timesteps, 1, 0.05, 0.8, 8, 1, output_density=0.05)


def write_wide_trace(path: str, features: int) -> None:
    """A linear layer of as many inputs as outputs, four timesteps."""
    shape = LayerShape.linear(features, features)
    synthetic_trace(path, (shape,), 4, 1, 0.1, 0.8, 8, 1, output_density=0.1)


def write_large_trace(path: str, file_bytes: int) -> None:
    """One sample of the reference network, and copies of its chunks until the file is as large."""
    write_trace(path)
    with h5py.File(path, "r+") as file:
        datasets = [layer[name] for layer in file["layers"].values() for name in ("inputs", "outputs")]
        samples = -(-file_bytes // sum(dataset.id.get_storage_size() for dataset in datasets))
        for dataset in datasets:
            dataset.resize(samples, axis=0)
            chunks = [dataset.id.get_chunk_info(index) for index in range(dataset.id.get_num_chunks())]
            stored = [dataset.id.read_direct_chunk(chunk.chunk_offset)[1] for chunk in chunks]
            for sample in range(1, samples):
                for chunk, data in zip(chunks, stored, strict=True):
                    corner = (sample, *chunk.chunk_offset[1:])
                    dataset.id.write_direct_chunk(corner, data, chunk.filter_mask)
        file.attrs["N"] = np.int64(samples)


def simulated(path: str, machine: str) -> dict[str, Any]:
    """Simulate a trace; its cycles, CPU seconds and the peak memory of this process in bytes, or why it is refused."""
    from spikecycle.simulator import simulate
    from spikecycle.simulator.errors import SimulatorError

    start = time.process_time()
    try:
        cycles = simulate(path, machine, max_memory_bytes=MOST_BYTES).sum_cycles
    except SimulatorError as error:
        return {"refused": str(error)}
    return {"cycles": cycles, "cpu_s": time.process_time() - start, "peak_bytes": _status_bytes("VmHWM")}


def _status_bytes(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1]) * BYTES_PER_KIB


def packed_bytes(path: str) -> int:
    """Inputs and outputs of the largest operator, one sample, eight spikes to a byte."""
    with open_trace(path) as trace:
        return max(
            (layer.shape.input_count + layer.shape.output_count) * trace.timesteps // 8 for layer in trace.layers
        )


def long_bound_bytes(path: str) -> int:
    """What a run of the long trace may take."""
    return 2 * packed_bytes(path) + 200 * MB


def report(what: str, path: str, machine: str, bound_bytes: int) -> None:
    """Simulate and print a row of the table."""
    found = in_fresh_process(simulated, path, machine)
    if "refused" in found:
        print(f"| `{machine}` | {what} | refused: {found['refused'].partition(': ')[2]} | | | |", flush=True)
        return
    verdict = "yes" if found["peak_bytes"] <= bound_bytes else "no"
    print(
        f"| `{machine}` | {what} | {found['peak_bytes'] / MB:,.0f} | {bound_bytes / MB:,.0f} | {verdict} | "
        f"{found['cpu_s']:.1f} |",
        flush=True,
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--machine", type=arguments.machines, default="spike_array", help="a name, several with commas, or all"
    )
    parser.add_argument("--timesteps", type=int, default=TIMESTEPS)
    parser.add_argument("--features", type=int, default=FEATURES, help="inputs and outputs of one wide linear layer")
    parser.add_argument("--gigabytes", type=float, default=GIGABYTES)
    parser.add_argument("--folder", help="where the traces go while they are measured")
    given = parser.parse_args()
    machines = given.machine
    print("| machine | trace | peak, MB | bound, MB | met | CPU s |\n|---|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        path = str(Path(folder) / "trace.h5")
        in_fresh_process(write_long_trace, path, 2)
        for machine in machines:
            in_fresh_process(simulated, path, machine)  # compiling takes memory of its own, once
        if given.timesteps:
            in_fresh_process(write_long_trace, path, given.timesteps)
            bound = long_bound_bytes(path)
            for machine in machines:
                report(f"T = {given.timesteps:,}", path, machine, bound)
        if given.features:
            in_fresh_process(write_wide_trace, path, given.features)
            for machine in machines:
                report(f"{given.features**2 / 1e6:.0f} M weights", path, machine, MOST_WEIGHT_BYTES)
        if given.gigabytes:
            needed = int(given.gigabytes * 1e9)
            if shutil.disk_usage(folder).free < 1.1 * needed:
                raise SystemExit(f"{folder}: has no room for {given.gigabytes:g} GB")
            in_fresh_process(write_large_trace, path, needed)
            for machine in machines:
                report(f"{given.gigabytes:g} GB", path, machine, MOST_TRACE_BYTES)


if __name__ == "__main__":
    main()
