"""How the shipped samples are trained and compressed: every hyper-parameter, in one place."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from models.compression.prune import PruningSchedule
from models.errors import ModelsError
from models.networks.neuron import NeuronConfig
from models.training import Schedule

FLOAT_SCHEDULE = Schedule(epochs=20, learning_rate=2e-3, rate_penalty=1.0, shift_px=1)


@dataclass(frozen=True)
class Recipe:
    """One sample: a float network is trained, its batch norm folded, then it is trained on with its compression.

    pruning: None to prune nothing. neuron: shared by both trainings, so that the float network already has the
    leak and the reset of the integer one.
    """

    name: str
    summary: str
    weight_bits: int
    neuron: NeuronConfig
    compressed: Schedule
    pruning: PruningSchedule | None = None
    float_schedule: Schedule = FLOAT_SCHEDULE


def _compressed(epochs: int) -> Schedule:
    return Schedule(epochs=epochs, learning_rate=1e-3, rate_penalty=1.0, shift_px=1)


RECIPES: tuple[Recipe, ...] = (
    Recipe(
        name="digits-8bit",
        summary="8-bit weights, learned scale per output channel",
        weight_bits=8,
        neuron=NeuronConfig(leak_numerator=15, leak_shift=4, reset="hard", potential_bits=16),
        compressed=_compressed(epochs=15),
    ),
    Recipe(
        name="digits-4bit",
        summary="4-bit weights, learned scale per output channel",
        weight_bits=4,
        neuron=NeuronConfig(leak_numerator=15, leak_shift=4, reset="hard", potential_bits=12),
        compressed=_compressed(epochs=15),
    ),
    Recipe(
        name="digits-ternary",
        summary="ternary weights (-1, 0, 1), learned scale per output channel",
        weight_bits=2,
        neuron=NeuronConfig(leak_numerator=15, leak_shift=4, reset="soft", potential_bits=8),
        compressed=_compressed(epochs=20),
    ),
    Recipe(
        name="digits-pruned80",
        summary="80 % of all weights pruned by global magnitude, gradually; 8-bit weights, learned scale per channel",
        weight_bits=8,
        neuron=NeuronConfig(leak_numerator=15, leak_shift=4, reset="soft", potential_bits=16),
        compressed=_compressed(epochs=20),
        pruning=PruningSchedule(final_share=0.8),
    ),
)


def find_recipe(name: str) -> Recipe:
    """The recipe of that name; ModelsError with the nearest name otherwise."""
    by_name = {recipe.name: recipe for recipe in RECIPES}
    if name not in by_name:
        near = difflib.get_close_matches(name, by_name, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(by_name)}"
        raise ModelsError(f"no sample named {name}; {hint}")
    return by_name[name]
