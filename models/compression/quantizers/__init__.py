"""The quantizers, one file each, with the interface in `base`. Importable without torch."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, SerializeAsAny

from spikecycle.models.compression.kinds import choice_of
from spikecycle.models.compression.quantizers.base import QuantizerKind

QuantizerChoice = Annotated[SerializeAsAny[QuantizerKind], BeforeValidator(choice_of(QuantizerKind, __name__))]
"""A quantizer as options name it: `ewgs`, or `{kind: ewgs, gradient_scale: 0.01}`."""

__all__ = ["QuantizerChoice", "QuantizerKind"]
