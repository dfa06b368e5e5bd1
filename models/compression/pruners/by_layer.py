"""Each layer by a rule of its own: channels of one, N of every M weights of the next, single weights of a third.

Layers differ in what pruning costs and saves: a layer whose neurons are few loses little with whole channels, which
every machine can leave out, and a large one can spare more single weights than any regular pattern allows. `mixed` of a
study chooses the rules by measured losses and simulated energies. Source of rules that differ by layer under one
budget: He, Lin, Liu, Wang, Li, Han, "AMC: AutoML for Model Compression and Acceleration on Mobile Devices", ECCV 2018
(arXiv 1802.03494); here each layer may also differ in kind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from spikecycle.models.compression.pruners import PrunerChoice
from spikecycle.models.compression.pruners.base import Kept, Magnitudes, PrunerKind, PruningRule
from spikecycle.models.options import refused, refused_keys


def _rule_of_a_layer(pruner: PrunerKind) -> PrunerKind:
    if isinstance(pruner, ByLayer):
        raise refused("by_layer is no rule of a single layer")
    if pruner.skip_layers:
        raise refused("skip_layers has no meaning for a single layer; leave the layer out")
    return pruner


class ByLayer(PrunerKind):
    """A pruner for each layer that is named; the others are not pruned."""

    kind: Literal["by_layer"] = "by_layer"
    layers: Annotated[Mapping[str, Annotated[PrunerChoice, AfterValidator(_rule_of_a_layer)]], Field(min_length=1)]
    """Pruners by the names of the weights, each with its own `ramp_share`; `share` is then of that layer."""

    @model_validator(mode="after")
    def _options_of_its_rules(self) -> Self:
        told: dict[str, Any] = {
            key: "has no meaning here; each pruner of `layers` has its own"
            for key in ("ramp_share", "skip_layers")
            if key in self.model_fields_set
        }
        if told:
            raise refused_keys(told, vars(self))
        return self

    @property
    def summary(self) -> str:
        """Every layer's."""
        return "; ".join(f"{layer}: {pruner.summary}" for layer, pruner in self.layers.items())

    def named(self) -> list[tuple[str, str]]:
        """The layers."""
        return [(f"layers.{name}", name) for name in self.layers]

    def rules(self, names: Sequence[str]) -> list[PruningRule]:
        """One for each layer."""
        return [PruningRule(pruner, (layer,)) for layer, pruner in self.layers.items()]

    def kept(self, magnitudes: Sequence[Magnitudes], grown: float) -> list[Kept]:
        """Each weight by the rule of its layer, in the order of `layers`."""
        each = zip(self.layers.values(), magnitudes, strict=True)
        return [pruner.kept([magnitude], grown)[0] for pruner, magnitude in each]
