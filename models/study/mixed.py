"""Choose the bits of every layer from measured losses and simulated energies, before the training."""

from __future__ import annotations

from spikecycle.models.compression.compression import Compression
from spikecycle.models.compression.layer_costs import energies_pj, loss_increases
from spikecycle.models.compression.mixed_precision import least_loss
from spikecycle.models.errors import ModelsError
from spikecycle.models.networks.network import FloatNetwork
from spikecycle.models.study.asked import Mixed
from spikecycle.models.study.context import Context
from spikecycle.models.study.samples import first_of_each


def with_chosen_bits(context: Context, network: FloatNetwork, compression: Compression, mixed: Mixed) -> Compression:
    """The compression with the bits by layer that `mixed` asks for. network: trained, not yet compressed."""
    data = context.data
    samples = data.train.take(first_of_each(data.train.labels, mixed.samples_per_class))
    machine = context.machines[mixed.machine][mixed.format]
    losses = loss_increases(network, data, samples, compression, mixed.bits)
    with context.store.scratch() as folder:
        energies = energies_pj(network, data, samples, compression, mixed.bits, machine, folder=folder)
    most_pj = sum(by_bits[max(mixed.bits)] for by_bits in energies.values())
    try:
        allocation = least_loss(losses, lambda layer, bits: energies[layer][bits], mixed.energy_share * most_pj)
    except ModelsError as error:
        least = sum(min(by_bits.values()) for by_bits in energies.values()) / most_pj
        raise ModelsError(
            f"mixed.energy_share: {mixed.energy_share:g} is less than any bits take; the least is {least:.3f}"
        ) from error
    return allocation.applied_to(compression)
