"""The pruners, one file each, with the interface in `base`. Importable without torch: they rank NumPy arrays."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, SerializeAsAny

from spikecycle.models.compression.kinds import choice_of
from spikecycle.models.compression.pruners.base import PrunerKind

PrunerChoice = Annotated[SerializeAsAny[PrunerKind], BeforeValidator(choice_of(PrunerKind, __name__))]
"""A pruner as options name it: `{kind: n_m, n: 2, m: 4}`."""

__all__ = ["PrunerChoice", "PrunerKind"]
