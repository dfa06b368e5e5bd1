"""A Dask cluster on the nodes of a SLURM system, for `spikecycle sweep ... --cluster ADDRESS`.

Run it where jobs are submitted, with an environment that all nodes see, and leave it running:

    python slurm_cluster.py 20

It submits 20 jobs of one core each, and prints the address of the scheduler and the script that it submits. Traces,
machines and plugins must be at the same paths on all nodes. A job that ends, or is ended, loses no finished point.
"""

from __future__ import annotations

import sys
import time
from typing import Any

from dask_jobqueue.slurm import SLURMCluster

WALLTIME, MEMORY = "04:00:00", "4GB"


def slurm_cluster(jobs: int) -> Any:
    """A scheduler here, and so many jobs of one core."""
    cluster: Any = SLURMCluster(cores=1, processes=1, memory=MEMORY, walltime=WALLTIME, job_name="spikecycle")
    cluster.scale(jobs=jobs)
    return cluster


if __name__ == "__main__":
    with slurm_cluster(int(sys.argv[1])) as running:
        sys.stdout.write(f"{running.job_script()}\nspikecycle sweep ... --cluster {running.scheduler_address}\n")
        sys.stdout.flush()
        while True:
            time.sleep(60)
