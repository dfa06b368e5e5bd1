"""How the shipped samples are trained and compressed: every hyper-parameter, in one place."""

from __future__ import annotations

from dataclasses import dataclass

from spikecycle.models.compression.compression import Compression
from spikecycle.models.compression.pruners.global_magnitude import GlobalMagnitude
from spikecycle.models.errors import ModelsError
from spikecycle.models.networks.neuron import NeuronConfig
from spikecycle.models.options import unknown_name
from spikecycle.models.training_schedule import TrainingSchedule

FLOAT_TRAINING = TrainingSchedule(epochs=20, learning_rate=2e-3, rate_penalty=1.0, shift_px=1)


@dataclass(frozen=True)
class Recipe:
    """One sample: a float network is trained, its batch norm folded, then it is trained on with its compression.

    neuron: shared by both trainings, so that the float network already has the leak and the reset of the integer one.
    """

    compression: Compression
    neuron: NeuronConfig
    float_training: TrainingSchedule = FLOAT_TRAINING

    @property
    def name(self) -> str:
        """The name of the compression and of the trace."""
        return self.compression.name


def _training(epochs: int) -> TrainingSchedule:
    return TrainingSchedule(epochs=epochs, learning_rate=1e-3, rate_penalty=1.0, shift_px=1)


RECIPES: tuple[Recipe, ...] = (
    Recipe(
        Compression(name="digits-8bit", weight_bits=8, training=_training(epochs=15)),
        NeuronConfig(leak_numerator=15, leak_shift=4, reset="hard", potential_bits=16),
    ),
    Recipe(
        Compression(name="digits-4bit", weight_bits=4, training=_training(epochs=15)),
        NeuronConfig(leak_numerator=15, leak_shift=4, reset="hard", potential_bits=12),
    ),
    Recipe(
        Compression(name="digits-ternary", weight_bits=2, training=_training(epochs=20)),
        NeuronConfig(leak_numerator=15, leak_shift=4, reset="soft", potential_bits=8),
    ),
    Recipe(
        Compression(
            name="digits-pruned80", weight_bits=8, pruner=GlobalMagnitude(share=0.8), training=_training(epochs=20)
        ),
        NeuronConfig(leak_numerator=15, leak_shift=4, reset="soft", potential_bits=16),
    ),
)


def find_recipe(name: str) -> Recipe:
    """The recipe of that name; ModelsError with the nearest name otherwise."""
    by_name = {recipe.name: recipe for recipe in RECIPES}
    if name not in by_name:
        raise ModelsError(f"sample {name} is {unknown_name(name, by_name)}")
    return by_name[name]
