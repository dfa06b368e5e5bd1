"""N of every M consecutive weights are kept, so that hardware finds a fixed number of them in a fixed place.

Source: Zhou, Ma, Zhu, Liu, Zhang, Yuan, Sun, Li, "Learning N:M Fine-grained Structured Sparse Neural Networks From
Scratch", ICLR 2021 (arXiv 2102.04010). Here M - N grows gradually, one weight of each group after another.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from spikecycle.models.compression.pruners.base import Kept, Magnitudes, PrunerKind
from spikecycle.models.options import refused_keys


class NOfM(PrunerKind):
    """The largest n of every group of m.

    Groups run along the second axis of a weight (M, C / groups, R, S) from channel 0. Where m does not divide C /
    groups, the last group is short, as if zeros filled it up: it keeps up to n, so that a fan-in of n is not pruned.
    """

    kind: Literal["n_m"] = "n_m"
    n: Annotated[int, Field(ge=1, le=63)]
    """Weights of a group that are kept, by magnitude; fewer than m."""
    m: Annotated[int, Field(ge=2, le=64)]
    """Weights of a group: so many input channels in turn, at one place of the kernel and for one output channel."""

    @model_validator(mode="after")
    def _fewer_than_all(self) -> Self:
        if self.n >= self.m:
            raise refused_keys(
                {"n": f"m is {self.m}, so that nothing would be pruned; allowed: 1 to {self.m - 1}"}, vars(self)
            )
        return self

    @property
    def summary(self) -> str:
        """N, M and the axis."""
        return f"{self.n} of every {self.m} input channels kept at each place of a kernel"

    def kept(self, magnitudes: Sequence[Magnitudes], grown: float) -> list[Kept]:
        """All but the smallest of each group."""
        pruned = round(grown * (self.m - self.n))
        return [self._kept_of(magnitude, self.m - pruned) for magnitude in magnitudes]

    def _kept_of(self, magnitudes: Magnitudes, most: int) -> Kept:
        outputs, inputs, *kernel = magnitudes.shape
        groups = -(-inputs // self.m)
        filled = np.full((outputs, groups * self.m, *kernel), -1, dtype=np.float32)  # below every magnitude
        filled[:, :inputs] = magnitudes
        grouped = filled.reshape(outputs, groups, self.m, *kernel)
        ranks = (-grouped).argsort(axis=2, kind="stable").argsort(axis=2, kind="stable")
        kept: Kept = (ranks < most).reshape(filled.shape)[:, :inputs]
        return kept
