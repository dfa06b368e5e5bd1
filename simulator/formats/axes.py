"""Along which dimensions of a weight array a fiber runs, and in which order its positions lie.

The weights of a synapse have the dimensions output channel, input channel, kernel row, kernel column. A fiber is a part
of them that is stored and fetched together; its positions are numbered with the last dimension running fastest. Formats
that store groups of neighbouring positions (N:M) need to know which neighbours those are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

NAMED_AXES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "output_channel": ("output_channel",),
        "input_channel": ("input_channel",),
        "kernel": ("kernel_row", "kernel_column"),
        "fan_in": ("input_channel", "kernel_row", "kernel_column"),
    }
)
"""The dimensions that a named axis runs along, the last one fastest."""


@dataclass(frozen=True)
class FiberAxes:
    """How the fibers of a layer lie in its weights.

    dimensions: those that a fiber runs along, the last one fastest; none if nobody knows.
    reorderable: whether the machine can take the positions of a fiber in another order of its dimensions (it gets a
        fiber as a whole and places every weight by its position).
    step: neighbours along the last dimension are so many channels (rows, columns) of the layer apart.
    """

    dimensions: tuple[str, ...]
    reorderable: bool = False
    step: int = 1

    def storage_order(self, axis: str) -> tuple[str, ...] | None:
        """The fiber's dimensions with those of the named `axis` last, in its order; None if that cannot be had."""
        wanted = NAMED_AXES[axis]
        order = (*(name for name in self.dimensions if name not in wanted), *wanted)
        if order == self.dimensions:
            return order
        return order if self.reorderable and set(wanted) <= set(self.dimensions) else None

    def __str__(self) -> str:
        return ", ".join(self.dimensions)


FIBER_AXES: Mapping[str, FiberAxes] = MappingProxyType({name: FiberAxes(axes) for name, axes in NAMED_AXES.items()})
"""The fibers that run along one named axis and nothing else."""

UNKNOWN_AXES = FiberAxes(())
"""Of values that nobody says where they come from: neighbours are neighbours."""
