"""Running a study: checks before anything is trained, then float networks, then every compressed network.

The checks find what would fail after hours: too few samples, layers that compressions name and the network has not,
machines that cannot run it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch import nn

from spikecycle.models.compression.scheme import CompressionScheme
from spikecycle.models.errors import ModelsError
from spikecycle.models.integer import record_network
from spikecycle.models.networks.network import FloatNetwork, integer_nodes, quantize
from spikecycle.models.pipeline import check_layers
from spikecycle.models.study.compression_entries import CompressionEntry
from spikecycle.models.study.jobs import Context, Event, FloatJob, Job, NetworkJob
from spikecycle.models.study.pool import run_jobs
from spikecycle.models.study.store import (
    FLOATS,
    NETWORKS,
    SIMULATIONS,
    TRACE,
    Damage,
    Failure,
    FloatRecord,
    NetworkRecord,
    file_digest,
)
from spikecycle.models.study.tables import Finished
from spikecycle.models.study.work import untrained
from spikecycle.simulator import RunResult, simulate


def check_layers_named(context: Context) -> None:
    """ModelsError, naming compression and key, for the first that names a layer which the network does not have."""
    network = untrained(context, torch.Generator().manual_seed(0))
    for compression in context.study.grid:
        try:
            check_layers(network, compression)
        except ModelsError as error:
            raise ModelsError(f"{context.name}: {error}") from error


def check_machines(context: Context) -> None:
    """Simulate one sample of the untrained network, with the study's widest weights, on every machine in every format.

    Of each width of network that the study has. Raises MappingError, naming machine and layer, for the first that
    cannot be mapped.
    """
    by_width: dict[float | None, CompressionEntry] = {}
    for compression in context.study.grid:
        widest = by_width.setdefault(compression.width, compression)
        if compression.weight_bits > widest.weight_bits:
            by_width[compression.width] = compression
    data = context.data
    for width, widest in by_width.items():
        untrained_one = untrained(context, torch.Generator().manual_seed(0), width)
        network = quantize(_with_biases(untrained_one), CompressionScheme(widest))
        with context.store.scratch() as folder:
            trace = Path(folder) / f"{context.name}-untrained.h5"
            record_network(trace, integer_nodes(network, data.input_bits), data.test.frames[:1], None, {})
            for formats in context.machines.values():
                for machine in formats.values():
                    simulate(trace, machine)


def _with_biases(network: FloatNetwork) -> FloatNetwork:
    """The network with the biases that training will give it: some machines can do without only."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.ones_(module.bias)
    return network


class Watcher(Protocol):
    """Who is told how a run goes."""

    def damaged(self, found: Sequence[Damage]) -> None:
        """These files of the folder are not what was written there; their records count as not there."""

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
        to_train: dict[float | None, None] = {}  # widths, in order
        for compression in compressions:
            key = context.network_key(seed, compression)
            trained = context.store.read(NETWORKS, key, NetworkRecord) is not None
            missing = sum(result is None for _, _, result in _simulations(context, key)) if trained else None
            if missing is None or missing > 0:
                count = sum(map(len, context.machines.values()))
                networks.append(NetworkJob(key, seed, compression, count if missing is None else missing, trained))
            if not trained:
                to_train[compression.width] = None
        for width in to_train:
            key = context.float_key(seed, width)
            if context.store.read(FLOATS, key, FloatRecord) is None:
                floats.append(FloatJob(key, seed, width, context.study.training.epochs))
    return MissingWork(floats, networks)


def run(context: Context, compressions: Sequence[CompressionEntry], processes: int, watcher: Watcher) -> list[Failure]:
    """Do what is not there yet, and return what could not be done; whatever ends is in the store at once.

    Raises, before anything is trained, ModelsError where samples are too few or a compression names a layer that the
    network does not have, and MappingError where a machine cannot run the network.
    """
    damaged = list(context.store.damaged())
    if damaged:
        watcher.damaged(damaged)
    missing = plan(context, compressions)
    if missing.networks:
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
                    yield Finished(
                        context.name, context.study.margin, compression, seed, machine, weight_format, network, result,
                        trace,
                    )  # fmt: skip


def _simulations(context: Context, key: str) -> Iterator[tuple[str, str, RunResult | None]]:
    """What there is of a recorded network: machine, format and result."""
    digest = file_digest(context.store.place(NETWORKS, key, TRACE))
    for name, formats in context.machines.items():
        for weight_format, machine in formats.items():
            found = context.store.read(SIMULATIONS, context.simulation_key(digest, machine), RunResult)
            yield name, weight_format, found
