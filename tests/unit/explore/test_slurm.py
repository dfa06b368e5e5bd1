"""The example of a SLURM cluster: the job script that it would submit, read without a SLURM system."""

from __future__ import annotations

import shlex

import pytest

from spikecycle.simulator.examples import slurm_cluster


@pytest.mark.filterwarnings("ignore")  # of other people's packages, in threads of theirs
def test_the_job_script_asks_for_one_core_and_starts_one_worker_of_this_scheduler() -> None:
    with slurm_cluster.slurm_cluster(0) as cluster:
        lines = cluster.job_script().splitlines()
        address = cluster.scheduler_address
    assert lines[0].startswith("#!")
    asked = {line.removeprefix("#SBATCH ") for line in lines if line.startswith("#SBATCH")}
    assert {"-J spikecycle", "-n 1", "--cpus-per-task=1", f"-t {slurm_cluster.WALLTIME}"} <= asked
    command = shlex.split(lines[-1])
    assert address in command
    assert command[command.index("--nthreads") + 1] == "1"
