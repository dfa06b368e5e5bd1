"""A study from what is there to what is asked for: the float networks first, then every compressed network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from spikecycle.models.study.asked import CompressionEntry
from spikecycle.models.study.context import Context
from spikecycle.models.study.jobs import Event, FloatJob, Job, NetworkJob
from spikecycle.models.study.pool import run_jobs
from spikecycle.models.study.preflight import check_layers_named, check_machines, check_samples
from spikecycle.models.study.records import Failure, FloatRecord, NetworkRecord
from spikecycle.models.study.store import FLOATS, NETWORKS, SIMULATIONS, file_digest
from spikecycle.models.study.tables import Finished
from spikecycle.models.study.work import TRACE
from spikecycle.simulator import RunResult


class Watcher(Protocol):
    """Who is told how a run goes."""

    def checks(self) -> None:
        """The network is tried on every machine; the first time, kernels are compiled, which takes long."""

    def starts(self, jobs: Sequence[Job]) -> None:
        """These are to be done."""

    def happens(self, job: Job, event: Event) -> None:
        """A job has got further."""

    def ends(self, job: Job, failure: Failure | None) -> None:
        """A job has ended."""


@dataclass(frozen=True)
class MissingWork:
    """What is not there yet."""

    floats: list[FloatJob]
    networks: list[NetworkJob]

    @property
    def jobs(self) -> list[Job]:
        """All of it."""
        return [*self.floats, *self.networks]


def plan(context: Context, compressions: Sequence[CompressionEntry]) -> MissingWork:
    """What these compressions still need, with every seed of the study."""
    floats, networks = [], []
    for seed in context.study.seeds:
        untrained = False
        for compression in compressions:
            key = context.network_key(seed, compression)
            trained = context.store.read(NETWORKS, key, NetworkRecord) is not None
            missing = sum(result is None for _, _, result in _simulations(context, key)) if trained else None
            if missing is None or missing > 0:
                count = sum(map(len, context.machines.values()))
                networks.append(NetworkJob(key, seed, compression, count if missing is None else missing, trained))
            untrained = untrained or not trained
        key = context.float_key(seed)
        if untrained and context.store.read(FLOATS, key, FloatRecord) is None:
            floats.append(FloatJob(key, seed, context.study.training.epochs))
    return MissingWork(floats, networks)


def run(context: Context, compressions: Sequence[CompressionEntry], processes: int, watcher: Watcher) -> list[Failure]:
    """Do what is not there yet, and return what could not be done; whatever ends is in the store at once.

    Raises, before anything is trained, ModelsError where samples are too few or a compression names a layer that the
    network does not have, and MappingError where a machine cannot run the network.
    """
    missing = plan(context, compressions)
    if missing.networks:
        check_samples(context)
        check_layers_named(context)
        watcher.checks()
        check_machines(context)
    watcher.starts(missing.jobs)
    failures = []
    for jobs in (missing.floats, missing.networks):  # a network whose float network failed fails at once, and says so
        for job, failure in run_jobs(context, jobs, processes, watcher.happens):
            watcher.ends(job, failure)
            failures += [] if failure is None else [failure]
    return failures


def finished(context: Context) -> Iterator[Finished]:
    """Every simulation of the study that is done, in the order of the study."""
    for compression in context.study.grid:
        for seed in context.study.seeds:
            key = context.network_key(seed, compression)
            network = context.store.read(NETWORKS, key, NetworkRecord)
            if network is None:
                continue
            trace = context.store.place(NETWORKS, key, TRACE).relative_to(context.folder).as_posix()
            for machine, weight_format, result in _simulations(context, key):
                if result is not None:
                    yield Finished(context.name, compression, seed, machine, weight_format, network, result, trace)


def _simulations(context: Context, key: str) -> Iterator[tuple[str, str, RunResult | None]]:
    """What there is of a recorded network: machine, format and result."""
    digest = file_digest(context.store.place(NETWORKS, key, TRACE))
    for name, formats in context.machines.items():
        for weight_format, machine in formats.items():
            found = context.store.read(SIMULATIONS, context.simulation_key(digest, machine), RunResult)
            yield name, weight_format, found
