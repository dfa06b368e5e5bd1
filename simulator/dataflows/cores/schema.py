"""The section of a machine file that says how the neurons of a network are placed on cores."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from spikecycle.simulator.machine.schema import LARGEST_INT, PositiveInt, Section

NeuronOrder = Literal["position", "channel"]
"""position: all channels of one place of the map, then the next place; channel: all places of one channel, then the
next channel."""


class PopulationPlacement(Section):
    """Where the neurons of one population go, in place of the rule."""

    neurons_per_core: PositiveInt | None = None
    """Neurons of it on one core at most."""
    order: NeuronOrder | None = None
    """In which order they are placed."""
    first_core: Annotated[int, Field(ge=0, le=LARGEST_INT)] | None = None
    """Core on which its first neurons go, whatever else is there."""


class CorePlacement(Section):
    """The rule: populations in the order of the network, each from a core of its own on, `neurons_per_core` neurons to
    a core, in `order`. Where the network's inputs have cores too, they come first."""

    cores: PositiveInt
    """Cores that there are."""
    neurons_per_core: PositiveInt
    """Neurons on one core at most."""
    order: NeuronOrder = "position"
    """In which order the neurons of a population are placed."""
    axons_per_core: PositiveInt | None = None
    """Neurons that can reach one core at most; none: as many as there are."""
    populations: dict[str, PopulationPlacement] = Field(default_factory=dict)
    """Where single populations go, by the name of their operator (of an input: its tensor)."""
