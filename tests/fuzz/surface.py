"""What a surface is: one way in for foreign bytes, how inputs for it are made, and what must hold of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Protocol

from tests.fuzz.outcomes import Outcome

Trial = Callable[[], Outcome]


class Surface(Protocol):
    """One way in. name: on the command line of the campaign. share: of all inputs, relative to other surfaces.

    needs_models: whether it imports torch, which takes memory from the others' processes.
    """

    name: str
    share: int
    needs_models: bool

    def prepare(self, folder: Path) -> None:
        """Make what all inputs start from in a folder, and import what they need; called once, before any fork."""

    def warm_up(self) -> None:
        """Do once what every worker would else do again: compile and load. Not before `prepare`."""

    def make(self, random: Random, folder: Path) -> Trial:
        """Make the next input in an empty folder. All that is random comes from `random`.

        What is given lets the program have the input and says what it did, or raises Finding for what should not be.
        """

    def replay(self, file: Path, folder: Path) -> Outcome:
        """The same with an input of the corpus, in the folder, instead of a new one."""
