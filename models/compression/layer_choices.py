"""What may be chosen for one layer, bits of its weights and a pruner, and how choices become a compression."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from spikecycle.models.compression.compression import Compression
from spikecycle.models.compression.pruners import PrunerKind
from spikecycle.models.compression.pruners.by_layer import ByLayer


class LayerChoice(NamedTuple):
    """Bits of a layer's weights, and which pruner it has: its place among those to choose from, from 1 on; 0: none."""

    bits: int
    pruner: int = 0


def choices_for(
    layers: Sequence[str], bits: Sequence[int], pruners: Sequence[PrunerKind] = ()
) -> dict[str, list[LayerChoice]]:
    """What each layer may have: every width with every pruner that could prune it, and unpruned.

    A pruner leaves out the layers that it skips and, where it prunes whole channels, the last one, whose channels are
    the network's answer.
    """
    able = {
        layer: [
            place
            for place, pruner in enumerate(pruners, start=1)
            if layer not in pruner.skip_layers and not (pruner.whole_channels and layer == layers[-1])
        ]
        for layer in layers
    }
    return {
        layer: [LayerChoice(width, place) for width in sorted(set(bits)) for place in (0, *able[layer])]
        for layer in layers
    }


def rules_of(chosen: Mapping[str, LayerChoice], pruners: Sequence[PrunerKind]) -> ByLayer | None:
    """The pruner of a network with these choices; None where no layer is pruned."""
    layers = {
        layer: pruners[choice.pruner - 1].model_copy(update={"skip_layers": ()})
        for layer, choice in chosen.items()
        if choice.pruner
    }
    return ByLayer(layers=layers) if layers else None


def applied(
    chosen: Mapping[str, LayerChoice], compression: Compression, pruners: Sequence[PrunerKind] = ()
) -> Compression:
    """The same compression with these choices; without pruners to choose from it keeps its own."""
    bits = {layer: choice.bits for layer, choice in chosen.items()}
    updated = compression.model_copy(update={"weight_bits": max(bits.values()), "layer_weight_bits": bits})
    return updated.model_copy(update={"pruner": rules_of(chosen, pruners)}) if pruners else updated
