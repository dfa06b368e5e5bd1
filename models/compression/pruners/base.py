"""The pruner interface: which weights a pruner keeps at a given sparsity, and how sparsity grows in training.

Source of the growth: Zhu, Gupta, "To prune, or not to prune: exploring the efficacy of pruning for model
compression", arXiv 1710.01878 (2017), equation 1: a cubic schedule, fast at first.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Annotated, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt
from pydantic import Field

from spikecycle.models.compression.kinds import Kind

Magnitudes = npt.NDArray[np.float32]
Kept = npt.NDArray[np.bool_]

Share = Annotated[float, Field(gt=0, lt=1)]


class PruningRule(NamedTuple):
    """A pruner that ranks the weights of these layers together."""

    pruner: PrunerKind
    layers: tuple[str, ...]


class PrunerKind(Kind, ABC):
    """The rule of a pruner; `Pruner` applies it to a network while that trains.

    whole_channels: output channels are pruned, with what is added to them; the last weight of a network, whose
    channels are its answer, is not pruned then.
    """

    whole_channels: ClassVar[bool] = False
    ramp_share: Annotated[float, Field(gt=0, le=1)] = 0.5
    """Share of the training in which pruning grows; from then on what is pruned does not change."""
    skip_layers: Annotated[tuple[str, ...], Field(strict=False)] = ()
    """Names of weights that are never pruned."""

    @property
    @abstractmethod
    def summary(self) -> str:
        """What is pruned in the end, in words."""

    def named(self) -> list[tuple[str, str]]:
        """The layers that it names, each with its key, so that one which is not there can be refused."""
        return [("skip_layers", name) for name in self.skip_layers]

    def rules(self, names: Sequence[str]) -> list[PruningRule]:
        """Which pruner prunes which of the layers `names`: itself all that it does not skip."""
        return [PruningRule(self, tuple(name for name in names if name not in self.skip_layers))]

    def grown(self, progress: float) -> float:
        """How far it has grown, 0 to 1, when `progress` (0 to 1) of the training is done."""
        left = max(0.0, 1.0 - progress / self.ramp_share)
        return float(1.0 - left**3)

    @abstractmethod
    def kept(self, magnitudes: Sequence[Magnitudes], grown: float) -> list[Kept]:
        """What to keep of each weight, bool of the shapes of `magnitudes`, each float32 (M, C / groups, R, S).

        Of zeros, which may be pruned already, it keeps none before it gives up anything else.
        """


def all_but_smallest(magnitudes: npt.NDArray[np.float32], pruned: int) -> Kept:
    """True for all but the `pruned` smallest of a vector; among equals, the first are pruned. Linear in time."""
    kept = np.ones(magnitudes.shape, dtype=np.bool_)
    if pruned == 0:
        return kept
    limit = np.partition(magnitudes, pruned - 1)[pruned - 1]
    kept[magnitudes < limit] = False
    equal = np.flatnonzero(magnitudes == limit)
    kept[equal[: pruned - np.count_nonzero(~kept)]] = False
    return kept
