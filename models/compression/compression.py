"""The settings of one compression (bits, quantizer, pruner, trainings), validated when they are read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from spikecycle.models.compression.entropy import EntropyPenalty
from spikecycle.models.compression.pruners import PrunerChoice
from spikecycle.models.compression.quantizers import QuantizerChoice
from spikecycle.models.compression.quantizers.learned_scale import LearnedScale
from spikecycle.models.options import Options, refused, refused_keys
from spikecycle.models.training_schedule import TrainingSchedule


def _one_line(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise refused("one line of text is needed")
    return text


Name = Annotated[str, Field(max_length=60), AfterValidator(_one_line)]
WeightBits = Annotated[int, Field(ge=2, le=8)]

PRUNING, QUANTIZING = "pruning", "quantizing"


class Compression(Options):
    """Weights quantized while the network trains on, and pruned, where there is a pruner."""

    name: Name
    """Its name in tables, and in pictures where what it does is not enough to tell it from others."""
    weight_bits: WeightBits = 8
    """Width of the codes in two's complement, 2 for ternary."""
    layer_weight_bits: Mapping[str, WeightBits] = Field(default_factory=dict)
    """Width of single weights, by name."""
    quantizer: QuantizerChoice = LearnedScale()
    """How weights become whole numbers."""
    pruner: PrunerChoice | None = None
    """Which weights become 0."""
    order: Literal["joint", "sequential"] = "joint"
    """`joint` prunes the network that is being quantized; `sequential` first trains the float network while it is
    pruned, and then quantizes it with what is pruned fixed. Without a pruner it is `joint`."""
    potential_bits: Annotated[int, Field(ge=4, le=16)] | None = None
    """Width of the membrane potentials; where it is not given, the network's own. At most 16, so that potential times
    leak is exact in the float32 of training."""
    entropy: EntropyPenalty | None = None
    """Added to the loss while the network is quantized, so that codes and spikes say more; none by default."""
    training: TrainingSchedule = TrainingSchedule(epochs=10, learning_rate=1e-3)
    """Of the network that is being quantized."""
    pruning_training: TrainingSchedule | None = None
    """Of the float network while it is pruned, in order `sequential`; where it is not given, as `training`."""

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.order == "sequential" and self.pruner is None:
            raise refused_keys({"order": "needs a pruner, and there is none; allowed without one: joint"}, vars(self))
        if self.order == "joint" and self.pruning_training is not None:
            reason = "there is no such training in order joint; allowed in order sequential"
            raise refused_keys({"pruning_training": reason}, vars(self))
        if self.entropy is not None and self.entropy.weights > 0 and not self.quantizer.equal_steps:
            reason = f"codes of {self.quantizer.kind} are not equally spaced; allowed with it: weights: 0"
            raise refused_keys({"entropy": reason}, vars(self))
        return self

    @property
    def phases(self) -> dict[str, TrainingSchedule]:
        """The trainings that it takes, in order, by name."""
        if self.order == "joint":
            return {QUANTIZING: self.training}
        return {PRUNING: self.pruning_training or self.training, QUANTIZING: self.training}

    @property
    def summary(self) -> str:
        """One line of words."""
        widths = sorted({self.weight_bits, *self.layer_weight_bits.values()})
        if len(widths) > 1:
            weights = f"weights of {widths[0]} to {widths[-1]} bits, by layer"
        else:
            weights = "ternary weights (-1, 0, 1)" if widths == [2] else f"{widths[0]}-bit weights"
        pruned = "" if self.pruner is None else f"{self.pruner.summary}; "
        then = "then " if self.order == "sequential" else ""
        potentials = "" if self.potential_bits is None else f", {self.potential_bits}-bit potentials"
        entropy = "" if self.entropy is None else ", entropy regularized"
        return f"{pruned}{then}{weights}, {self.quantizer.title}{potentials}{entropy}"

    def bits_of(self, synapse: str) -> int:
        """Width of the weight of that name."""
        return self.layer_weight_bits.get(synapse, self.weight_bits)
