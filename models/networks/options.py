"""Options of networks: one set of keys for all of them, validated before anything is built."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from spikecycle.models.catalogue import Choices

Whole = Annotated[int, Field(ge=1)]


class NetworkOptions(Choices):
    """Choices for one network; what is left out, or null, is the network's own default.

    Frozen; keys that are not listed here are refused. A network refuses those that it does not have.
    """

    width: Annotated[float, Field(gt=0, le=64)] | None = None
    """Multiplies the channels of every convolution and the neurons of every hidden dense layer."""
    hidden: Whole | None = None
    """Neurons of the hidden dense layer, instead of what `width` gives."""
    voters: Whole | None = None
    """Output neurons per class."""
    dropout: Annotated[float, Field(ge=0, lt=1)] | None = None
    """Share of the inputs of dense layers that training drops."""
    attention_bits: Annotated[int, Field(ge=1, le=8)] | None = None
    """Bits of the scale by which attention multiplies spikes."""
