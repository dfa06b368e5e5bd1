"""What cannot be imported: one reason per part of the network, told together."""

from __future__ import annotations

from collections.abc import Sequence

from spikecycle.models.errors import ModelsError


class Refusal(Exception):
    """Why one part of a network has no place in a trace; whoever catches it knows the part's name and kind."""


def refuse(source: str, reasons: Sequence[str]) -> None:
    """ModelsError with one line for each reason; nothing where there is none."""
    if reasons:
        raise ModelsError("\n".join(f"{source}: {reason}" for reason in reasons))
