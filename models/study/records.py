"""What the store knows of each finished part."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FloatRecord(_Record):
    """A float network that was trained. accuracy: share of the test samples whose class was found."""

    accuracy: float


class NetworkRecord(_Record):
    """A compressed network that was trained and recorded. Accuracies as in FloatRecord.

    pruned_share: of all weights, those that a pruner holds at zero. layer_weight_bits: of the layers whose weights are
    not as wide as the compression says for all.
    """

    accuracy_float: float
    accuracy_fake_quantized: float
    accuracy_integer: float
    test_samples: int
    pruned_share: float
    layer_weight_bits: dict[str, int] = {}


class Failure(_Record):
    """Why a part could not be made."""

    what: str
    reason: str
