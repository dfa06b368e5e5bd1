"""The example of a SLURM cluster: the job script that it would submit, read without a SLURM system."""

from __future__ import annotations

import importlib
import shlex
import signal
from collections.abc import Iterator
from types import ModuleType

import pytest


@pytest.fixture
def slurm_cluster() -> Iterator[ModuleType]:
    """The example. To import dask-jobqueue replaces the handlers of signals, which other tests need."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield importlib.import_module("spikecycle.simulator.examples.slurm_cluster")
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.filterwarnings("ignore")  # of other people's packages, in threads of theirs
def test_the_job_script_asks_for_one_core_and_starts_one_worker_of_this_scheduler(slurm_cluster: ModuleType) -> None:
    with slurm_cluster.slurm_cluster(0) as cluster:
        lines = cluster.job_script().splitlines()
        address = cluster.scheduler_address
    assert lines[0].startswith("#!")
    asked = {line.removeprefix("#SBATCH ") for line in lines if line.startswith("#SBATCH")}
    assert {"-J spikecycle", "-n 1", "--cpus-per-task=1", f"-t {slurm_cluster.WALLTIME}"} <= asked
    command = shlex.split(lines[-1])
    assert address in command
    assert command[command.index("--nthreads") + 1] == "1"
