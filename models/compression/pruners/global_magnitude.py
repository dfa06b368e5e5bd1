"""The smallest weights of the whole network: ranked over all layers together, as the published study prunes.

Source: Han, Pool, Tran, Dally, "Learning both Weights and Connections for Efficient Neural Networks", NeurIPS 2015
(arXiv 1506.02626), section 3, with one threshold for all layers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from spikecycle.models.compression.pruners.base import Kept, Magnitudes, PrunerKind, Share, all_but_smallest


class GlobalMagnitude(PrunerKind):
    """The smallest weights, whatever their layer."""

    kind: Literal["global_magnitude"] = "global_magnitude"
    share: Share
    """Of all weights that are not skipped, to the nearest weight."""

    @property
    def summary(self) -> str:
        """The share and the rule."""
        return f"{100 * self.share:.4g} % of all weights pruned by global magnitude, gradually"

    def kept(self, magnitudes: Sequence[Magnitudes], grown: float) -> list[Kept]:
        """All but the smallest weights of the network."""
        flat = np.concatenate([magnitude.ravel() for magnitude in magnitudes])
        kept = all_but_smallest(flat, round(self.share * grown * flat.size))
        ends = np.cumsum([magnitude.size for magnitude in magnitudes])[:-1]
        return [part.reshape(m.shape) for part, m in zip(np.split(kept, ends), magnitudes, strict=True)]
