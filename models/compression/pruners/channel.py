"""Whole output channels, those whose weights are smallest: the neurons of a pruned channel never fire.

Source: Li, Kadav, Durdanovic, Samet, Graf, "Pruning Filters for Efficient ConvNets", ICLR 2017 (arXiv 1608.08710),
section 3: filters are ranked by the sum of their absolute weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

import numpy as np

from spikecycle.models.compression.pruners.base import Kept, Magnitudes, PrunerKind, Share, all_but_smallest


class Channel(PrunerKind):
    """The smallest channels, by the mean magnitude of their weights, for layers differ in fan-in.

    Within a layer, mean and sum rank alike. Weights that read a pruned channel stay as they are; no spike ever reaches
    them.
    """

    whole_channels: ClassVar[bool] = True
    kind: Literal["channel"] = "channel"
    share: Share
    """Of the output channels, to the nearest channel; those of the last layer are never pruned."""
    scope: Literal["layer", "global"] = "layer"
    """Of every layer by itself, or of all layers together, where every layer keeps its largest channel."""

    @property
    def summary(self) -> str:
        """The share and where."""
        place = "all hidden layers together" if self.scope == "global" else "every hidden layer"
        return f"{100 * self.share:.4g} % of the output channels of {place} pruned, gradually"

    def kept(self, magnitudes: Sequence[Magnitudes], grown: float) -> list[Kept]:
        """All but the smallest channels."""
        norms = [magnitude.mean(axis=(1, 2, 3), dtype=np.float32) for magnitude in magnitudes]
        channels = self._of_all(norms, grown) if self.scope == "global" else self._of_each(norms, grown)
        return [
            np.broadcast_to(kept[:, None, None, None], magnitude.shape).copy()
            for kept, magnitude in zip(channels, magnitudes, strict=True)
        ]

    def _of_each(self, norms: list[Magnitudes], grown: float) -> list[Kept]:
        return [all_but_smallest(norm, min(round(self.share * grown * norm.size), norm.size - 1)) for norm in norms]

    def _of_all(self, norms: list[Magnitudes], grown: float) -> list[Kept]:
        ranked = np.concatenate(norms)
        ends = np.cumsum([norm.size for norm in norms])
        largest = [end - norm.size + int(norm.argmax()) for end, norm in zip(ends, norms, strict=True)]
        ranked[largest] = np.inf
        pruned = min(round(self.share * grown * ranked.size), ranked.size - len(norms))
        return np.split(all_but_smallest(ranked, pruned), ends[:-1])
