"""What a sweep of 10,000 points costs: wall time, and CPU time of the command and all processes that it starts.

    python benchmarks/sweep_points.py [TRACE]

Wall time depends on what else the computer does; CPU time hardly does. CPU time over cores is what the wall time comes
to where nothing else runs, if all cores are busy all the time: the share that they were is printed too. The operating
system adds up the CPU time of processes that have ended (wait4), workers of the sweep included.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

SPACE = {
    "dataflow.pes": "2,4,6,8,12,16,20,24,28,32",
    "dataflow.lanes": "1,2,4,8",
    "dataflow.fifo_depth": "1,2,4,8,16",
    "dataflow.decoder.mask_bits_per_cycle": "16,32",
    "buffers.weights.size_kib": "8,16,32,64,128",
    "dram.bandwidth_gbit_per_s": "64,128,256,512,1024",
}
"""10 x 4 x 5 x 2 x 5 x 5 points; only the last key leaves what the array does as it was."""
JOBS = 2
TARGET_S = 600
REFUSED = 2
"""The command's status where it does not begin; it has said why."""


def main() -> None:
    """Run the command and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trace", nargs="?", default="digits-8bit", metavar="TRACE", help="%(default)s by default")
    trace = parser.parse_args().trace
    with tempfile.TemporaryDirectory() as folder:
        settings = [word for key, values in SPACE.items() for word in ("--set", f"{key}={values}")]
        command = [sys.executable, "-m", "spikecycle", "sweep", trace, "--hw", "spike_array", *settings]
        command += ["--jobs", str(JOBS), "--out", folder, "--json", str(Path(folder) / "sweep-result.json")]
        print(" ".join(["spikecycle", *command[3:-4]]))
        start = time.monotonic()
        process = os.posix_spawn(command[0], command, os.environ)
        _, status, used = os.wait4(process, 0)
        wall_s = time.monotonic() - start
        cpu_s = used.ru_utime + used.ru_stime
        load = os.getloadavg()[1]
    status = os.waitstatus_to_exitcode(status)
    if status == REFUSED:
        raise SystemExit(status)
    print(f"status {status}")
    print(f"wall {wall_s:.0f} s, CPU {cpu_s:.0f} s of all processes, {JOBS} workers; busy {cpu_s / wall_s / JOBS:.0%}")
    print(f"CPU time over {JOBS} cores: {cpu_s / JOBS:.0f} s; target {TARGET_S} s; load of the computer: {load:.1f}")


if __name__ == "__main__":
    main()
