"""A call of the part that needs torch, taken or refused: shared by its surfaces."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.fuzz.outcomes import check_refusal


def accepted(call: Callable[[], Any], name: str) -> tuple[Any, str]:
    """What the call gives and no words, or nothing and the words of its refusal, which say the name in every line."""
    from spikecycle.simulator import SimulatorError

    try:
        return call(), ""
    except SimulatorError as error:
        lines = [line if name in line else f"\n{line}" for line in str(error).splitlines()[:50]]
        check_refusal(lines, beginning="")
        return None, str(error)
