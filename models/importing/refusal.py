"""What cannot be imported: one reason per part of the network, told together."""

from __future__ import annotations

from collections.abc import Sequence

from spikecycle.models.errors import ModelsError
from spikecycle.traces.errors import one_line

LONGEST = 2_000
"""Characters of a reason: names of nodes are those of the file."""


class Refusal(Exception):
    """Why one part of a network has no place in a trace. place: the part's name, once it is known."""

    place: str | None = None

    def of(self, place: str) -> Refusal:
        """The same, naming the part, unless it does already."""
        self.place = self.place or place
        return self


class StartsAnew(Refusal):
    """A forward of one timestep forgets all states: it is a whole sample."""


def refuse(source: str, reasons: Sequence[str]) -> None:
    """ModelsError with one line for each reason; nothing where there is none."""
    if reasons:
        raise ModelsError("\n".join(f"{source}: {one_line(reason, LONGEST)}" for reason in reasons))
