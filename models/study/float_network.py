"""The float networks of a study: their weights in a file that says of which network they are, and how to run it again.

A compressed network of a study knows from which of them it started, so that both can be run on other recordings.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import torch
from pydantic import Field, ValidationError
from safetensors import SafetensorError, safe_open

from spikecycle.files import is_regular
from spikecycle.models.checkpoint import load_checkpoint, save_checkpoint
from spikecycle.models.data.frames import FrameSet
from spikecycle.models.data.options import OnProgress
from spikecycle.models.errors import ModelsError
from spikecycle.models.networks.catalogue import build_network
from spikecycle.models.networks.network import FloatNetwork
from spikecycle.models.networks.options import NetworkOptions
from spikecycle.models.options import Options
from spikecycle.models.study.store import FLOATS, NETWORKS, WEIGHTS, FloatRecord, NetworkRecord, Store
from spikecycle.models.training import predictions

METADATA = "float_network"
"""Of the file of weights: the facts, as JSON."""
BYTES_PER_WEIGHT = 4
BATCH_VALUES = 2**24
"""Values of frames that are run at a time, at most."""
MOST_BATCHED = 128
Pixels = Annotated[int, Field(ge=1, le=2**14)]


class FloatFacts(Options):
    """What weights belong to. input_shape: (C, H, W) of a frame, whose counts have input_bits."""

    network: str
    options: NetworkOptions
    input_shape: Annotated[tuple[Pixels, Pixels, Pixels], Field(strict=False)]  # JSON has lists
    timesteps: Annotated[int, Field(ge=1, le=2**20)]
    classes: Annotated[int, Field(ge=1, le=2**20)]
    input_bits: Annotated[int, Field(ge=1, le=8)]
    seed: Annotated[int, Field(ge=0)]
    class_names: Annotated[tuple[str, ...], Field(strict=False)] = ()
    """By number, where the data set has names."""


@dataclass(frozen=True, eq=False)
class SavedFloat:
    """A float network with its weights. accuracy: of the study's test samples, where its record is there."""

    facts: FloatFacts
    network: FloatNetwork
    accuracy: float | None

    def predictions(
        self, samples: FrameSet, largest: int | None = None, on_measured: OnProgress | None = None
    ) -> npt.NDArray[np.int64]:
        """The class of every sample, int64 (N,). largest: count of a frame, to which larger ones are cut."""
        size = max(1, min(MOST_BATCHED, BATCH_VALUES // max(1, samples.frames[0].size)))
        found = np.zeros(len(samples), np.int64)
        for start in range(0, len(samples), size):
            chosen = samples.take(range(start, min(start + size, len(samples))))
            if largest is not None:
                chosen = FrameSet(np.minimum(chosen.frames, largest), chosen.labels)
            found[start : start + size] = predictions(self.network, chosen, self.facts.classes, size)
            if on_measured is not None:
                on_measured(start + len(chosen), len(samples))
        return found


def save_float(path: Path, network: FloatNetwork, facts: FloatFacts) -> None:
    """Write the weights, and what they belong to."""
    save_checkpoint(path, network, {"network": facts.network, METADATA: facts.model_dump_json(exclude_none=True)})


def open_float(path: Path) -> SavedFloat:
    """The network of a file that `save_float` wrote; ModelsError, one line, for any other."""
    facts = _facts(path)
    try:
        network = build_network(
            facts.network,
            facts.options,
            input_shape=facts.input_shape,
            timesteps=facts.timesteps,
            classes=facts.classes,
            generator=torch.Generator().manual_seed(0),
            most_weights=path.stat().st_size // BYTES_PER_WEIGHT,
        )
    except ModelsError as error:
        raise ModelsError(f"{path}: {error}") from None
    load_checkpoint(path, network)
    record = Store(path.parent.parent).read(FLOATS, path.stem, FloatRecord) if path.parent.name == FLOATS else None
    return SavedFloat(facts, network, None if record is None else record.accuracy)


def float_of(trace: Path) -> Path | None:
    """The weights from which the network of a study's trace was made; None where it is no trace of a study, or of one
    that earlier versions ran, which did not write it down. ModelsError where they are gone or damaged."""
    if trace.parent.name != NETWORKS:
        return None
    store = Store(trace.parent.parent)
    record = store.read(NETWORKS, trace.stem, NetworkRecord)
    if record is None or not record.float_key:
        return None
    weights = store.place(FLOATS, record.float_key, WEIGHTS)
    if store.read(FLOATS, record.float_key, FloatRecord) is None:
        raise ModelsError(f"{weights}: is gone or damaged; run the study again")
    return weights


def _facts(path: Path) -> FloatFacts:
    if not is_regular(path):
        raise ModelsError(f"{path}: is no file")
    try:
        with safe_open(path, framework="pt") as file:
            told = (file.metadata() or {}).get(METADATA)
    except (SafetensorError, OSError) as error:
        raise ModelsError(f"{path}: is no safetensors file: {error}") from error
    if told is None:
        if path.parent.name == FLOATS:
            raise ModelsError(
                f"{path}: was written by an earlier version, and does not say of which network it is; run the study "
                f"again with another --out, or evaluate what became of it: {path.parent.parent} with --network NAME"
            )
        raise ModelsError(
            f"{path}: holds parameters, which do not say what a network does (those of a study's float networks do); "
            "load them into their module, and give that to import_network in Python"
        )
    try:
        return FloatFacts.model_validate_json(told)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "JSON"
        raise ModelsError(f"{path}: what it says of its network is damaged: {where}: {first['msg']}") from error
