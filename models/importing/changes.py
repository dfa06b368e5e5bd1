"""What a user should know of how a network that was read became one that a trace can hold."""

from __future__ import annotations

from collections.abc import Iterator

from spikecycle.models.importing.graph import FloatGraph, FloatSynapse


def changes(read: FloatGraph, lowered: FloatGraph) -> Iterator[str]:
    """One line for each layer that stands for several, and each population that the network that was read lacks."""
    for each in lowered.operators:
        if not isinstance(each, FloatSynapse):
            continue
        layers = [name for name in each.stands_for if isinstance(read.by_name.get(name), FloatSynapse)]
        if len(layers) > 1:
            yield (
                f"{', '.join(layers)} have no neurons between them: folded into one layer, {each.name}, of "
                f"{each.weight.size} weights"
            )
    known = {each.name for each in read.populations}
    for population in lowered.populations:
        if population.name not in known:
            yield (
                f"{population.name}: a neuron for each position that fires in every timestep was added, for what a "
                "batch norm or constant adds before a padded convolution, which the zeros around the map do not get"
            )
