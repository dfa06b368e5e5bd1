"""Doing one job: train a float network, or compress it, record it, and simulate its trace. Needs torch."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import numpy as np
import torch

from spikecycle.models.checkpoint import load_checkpoint
from spikecycle.models.compression.compression import Compression
from spikecycle.models.compression.layer_choices import LayerChoice, applied
from spikecycle.models.compression.layer_costs import energies_pj, loss_increases
from spikecycle.models.compression.mixed_precision import least_loss
from spikecycle.models.data.frames import Labels
from spikecycle.models.errors import ModelsError
from spikecycle.models.integer import record_network
from spikecycle.models.networks.catalogue import build_network
from spikecycle.models.networks.network import FloatNetwork, QuantizedNetwork, integer_nodes
from spikecycle.models.pipeline import (
    Accuracies,
    OnPhaseEpoch,
    compress,
    compression_facts,
    measure,
    set_determinism,
    train_float,
)
from spikecycle.models.study.compression_entries import Mixed
from spikecycle.models.study.float_network import FloatFacts, save_float
from spikecycle.models.study.jobs import Context, Epoch, FloatJob, Job, NetworkJob, OnEvent, Simulated
from spikecycle.models.study.store import (
    DECIDING_PACKAGES,
    FAILURES,
    FLOATS,
    NETWORKS,
    SIMULATIONS,
    TRACE,
    WEIGHTS,
    Failure,
    FloatRecord,
    NetworkRecord,
    file_digest,
)
from spikecycle.models.training import EpochReport
from spikecycle.simulator import MappingError, RunResult, simulate
from spikecycle.traces import TraceError


def first_of_each(labels: Labels, count: int) -> list[int]:
    """Indices of the first `count` samples of every class, class by class; of all, where there are fewer."""
    return [int(index) for label in np.unique(labels) for index in np.flatnonzero(labels == label)[:count]]


def untrained(context: Context, generator: torch.Generator, width: float | None = None) -> FloatNetwork:
    """The network that the study names, for frames of its data; its weights are drawn from `generator`.

    width: instead of the study's own.
    """
    network, data = context.network(width), context.data
    _, timesteps, *frame = data.train.frames.shape
    channels, rows, columns = frame
    return build_network(
        network.name,
        network.options,
        input_shape=(channels, rows, columns),
        timesteps=timesteps,
        classes=data.classes,
        generator=generator,
    )


def with_choices(context: Context, network: FloatNetwork, compression: Compression, mixed: Mixed) -> Compression:
    """The compression with the bits, and pruners, by layer that `mixed` asks for. network: trained, not compressed."""
    data = context.data
    samples = data.train.take(first_of_each(data.train.labels, mixed.samples_per_class))
    machine = context.machines[mixed.machine][mixed.format]
    bits, pruners = mixed.bits, mixed.pruners or ()
    losses = loss_increases(network, data, samples, compression, bits, pruners)
    with context.store.scratch() as folder:
        energies = energies_pj(network, data, samples, compression, bits, machine, pruners, folder=folder)
    most_pj = sum(by_choice[LayerChoice(max(bits))] for by_choice in energies.values())
    try:
        allocation = least_loss(losses, lambda layer, choice: energies[layer][choice], mixed.energy_share * most_pj)
    except ModelsError as error:
        least = sum(min(by_choice.values()) for by_choice in energies.values()) / most_pj
        raise ModelsError(
            f"mixed.energy_share: {mixed.energy_share:g} is less than any choice takes; the least is {least:.3f}"
        ) from error
    return applied(allocation.chosen, compression, pruners)


def prepare() -> None:
    """Make this process compute the same bits as any other."""
    set_determinism()


def do_job(context: Context, job: Job, on_event: OnEvent) -> Failure | None:
    """Do what the job asks for and put it in the store; a failure of this job alone is put there and returned."""
    try:
        if isinstance(job, FloatJob):
            _train_float(context, job, on_event)
        else:
            _compress(context, job, on_event)
            _simulate(context, job, on_event)
    except (ModelsError, MappingError, TraceError) as error:
        if isinstance(error.__cause__, OSError):
            raise  # a full disk is nobody's failure, and hinders the next one as well
        failure = Failure(what=job.title, reason=str(error))
        context.store.write(FAILURES, job.key, failure)
        return failure
    return None


def _train_float(context: Context, job: FloatJob, on_event: OnEvent) -> None:
    generator = torch.Generator().manual_seed(job.seed)
    network = untrained(context, generator, job.width)
    accuracy = train_float(network, context.data, context.study.training, generator, _told(on_event))
    save_float(context.store.place(FLOATS, job.key, WEIGHTS), network, _float_facts(context, job))
    context.store.write(FLOATS, job.key, FloatRecord(accuracy=accuracy), (WEIGHTS,))


def _float_facts(context: Context, job: FloatJob) -> FloatFacts:
    network, data = context.network(job.width), context.data
    _, timesteps, channels, rows, columns = data.train.frames.shape
    return FloatFacts(
        network=network.name,
        options=network.options,
        input_shape=(channels, rows, columns),
        timesteps=timesteps,
        classes=data.classes,
        input_bits=data.input_bits,
        seed=job.seed,
        class_names=data.class_names,
    )


def _compress(context: Context, job: NetworkJob, on_event: OnEvent) -> None:
    """Train and record the compressed network, unless that was done before."""
    store, data = context.store, context.data
    if store.read(NETWORKS, job.key, NetworkRecord) is not None:
        return
    float_key = context.float_key(job.seed, job.compression.width)
    found = store.read(FLOATS, float_key, FloatRecord)
    if found is None:
        raise ModelsError("there is no float network to start from")
    generator = torch.Generator().manual_seed(job.seed)
    network = untrained(context, generator, job.compression.width)
    load_checkpoint(store.place(FLOATS, float_key, WEIGHTS), network)
    compression: Compression = job.compression
    if job.compression.mixed is not None:
        compression = with_choices(context, network, compression, job.compression.mixed)
    quantized = compress(network, data, compression, generator, _told(on_event))
    nodes = integer_nodes(quantized, data.input_bits)
    accuracies = measure(found.accuracy, quantized, nodes, data)
    facts = compression_facts(compression, quantized, nodes)
    recorded = first_of_each(data.test.labels, context.study.record_per_class)
    samples = data.test.take(recorded)
    provenance = _provenance(context, job, accuracies) | facts
    record_network(store.place(NETWORKS, job.key, TRACE), nodes, samples.frames, samples.labels, provenance)
    record = NetworkRecord(
        accuracy_float=accuracies.float_model,
        accuracy_fake_quantized=accuracies.fake_quantized,
        accuracy_integer=accuracies.integer,
        correct="".join("1" if found else "0" for found in accuracies.correct),
        test_samples=len(data.test),
        pruned_share=facts["pruned_share"],
        layer_weight_bits=dict(compression.layer_weight_bits),
        layer_pruners=_pruners_by_layer(compression, quantized),
        layer_input_bits={layer.name: layer.input_bits for node in nodes for layer in node.trace_layers()},
        float_key=float_key,
    )
    store.write(NETWORKS, job.key, record, (TRACE,))


def _pruners_by_layer(compression: Compression, network: QuantizedNetwork) -> dict[str, str]:
    """Kind of the pruner of each weight that has one."""
    if compression.pruner is None:
        return {}
    rules = compression.pruner.rules([synapse.name for synapse in network.synapses()])
    return {layer: rule.pruner.kind for rule in rules for layer in rule.layers}


def _simulate(context: Context, job: NetworkJob, on_event: OnEvent) -> None:
    """Simulate the trace on every machine in every format, where that was not done before."""
    store = context.store
    trace = store.place(NETWORKS, job.key, TRACE)
    digest = file_digest(trace)
    machines = [machine for formats in context.machines.values() for machine in formats.values()]
    keyed = [(context.simulation_key(digest, machine), machine) for machine in machines]
    missing = [one for one in enumerate(keyed) if store.read(SIMULATIONS, one[1][0], RunResult) is None]
    for done, (index, (key, machine)) in enumerate(missing):
        # Verified on the first machine of the study, not of this run: a resumed one writes the same bytes.
        result = simulate(trace, machine, verify=index == 0)
        _check_exact(result)
        store.write(SIMULATIONS, key, result)
        on_event(Simulated(done + 1, len(missing)))


def _check_exact(result: RunResult) -> None:
    """ModelsError if the simulator, which computes every spike itself, found another network in the trace."""
    for layer in result.verification or ():
        if layer.mismatches:
            raise ModelsError(
                f"layer {layer.layer} of the trace: {layer.mismatches} of {layer.spikes_compared} recorded outputs are "
                "not those of its weights and inputs"
            )


def _told(on_event: OnEvent) -> OnPhaseEpoch:
    def tell(phase: str, report: EpochReport) -> None:
        on_event(Epoch(phase, report.epoch, report.epochs, report.loss, report.samples_per_second))

    return tell


def _provenance(context: Context, job: NetworkJob, accuracies: Accuracies) -> dict[str, Any]:
    """What the trace says about its origin, besides its compression. No times: the same run gives the same bytes."""
    study, data = context.study, context.data
    network = context.network(job.compression.width)
    return {
        "model": f"network {network.name} {network.options.given() or ''}".strip(),
        "dataset": data.name,
        "dataset_description": data.description,
        "train_samples": len(data.train),
        "test_samples": len(data.test),
        "recorded": f"the first {study.record_per_class} test samples of every class, all of one that has fewer",
        "accuracy_float": accuracies.float_model,
        "accuracy_fake_quantized": accuracies.fake_quantized,
        "accuracy_integer": accuracies.integer,
        "float_training": study.training.model_dump(mode="json"),
        "seed": job.seed,
        **({"class_names": list(data.class_names)} if data.class_names else {}),
        "made_by": f"spikecycle study {context.name}",
        "versions": {name: version(name) for name in DECIDING_PACKAGES},
    }
