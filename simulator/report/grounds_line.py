"""The assumptions that can turn a conclusion around, in one line: samples, formats, and what stays on chip."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from spikecycle.simulator.explore.grounds import ACTIVATION_RESIDENCY, WEIGHT_RESIDENCY, Grounded
from spikecycle.simulator.report import human

_MOST_VALUES = 4
"""Of one assumption that are named; of more, how many there are."""
_RELOADED = {"inference": "reloaded in every inference", "resident": "resident"}
_ACTIVATIONS = {"dram": "through DRAM", "chip": "on chip where they fit"}


@dataclass(frozen=True)
class Ground:
    """What one run rests on. samples: how many; the others as documents have them. None: the document does not tell,
    or the machine has no such format."""

    samples: int | None
    weight_format: str | None
    spike_format: str | None
    weight_residency: str | None
    activation_residency: str | None


def ground_of(each: Grounded) -> Ground:
    """Of one result, or of the machine that advice is about."""
    return Ground(each.samples, each.weight_format, each.spike_format, each.weight_residency, each.activation_residency)


def grounds_of_points(points: Iterable[Mapping[str, Any]]) -> list[Ground]:
    """Of the points of a sweep or search that have a result."""
    columns = ("weight_format", "spike_format", WEIGHT_RESIDENCY, ACTIVATION_RESIDENCY)
    found = []
    for point in points:
        if point.get("problem") is None:
            samples = point.get("inferences")
            words = (None if point.get(name) is None else str(point[name]) for name in columns)
            found.append(Ground(samples if isinstance(samples, int) else None, *words))
    return found


def ground_line(grounds: Sequence[Ground], labels: Sequence[str] = ()) -> str:
    """ "10 samples; weights bitmask, reloaded in every inference; spikes bitmap; activations through DRAM".

    labels: one for each ground; where they are not alike, each value is followed by the labels that it is of. Empty
    where the documents tell nothing.
    """

    def values(words: Sequence[str | None], noun: str) -> str:
        found: dict[str, list[str]] = {}
        for index, word in enumerate(words):
            if word is not None:
                found.setdefault(word, []).append(labels[index] if labels else "")
        if len(found) > 1 and labels:
            return ", ".join(f"{word} ({', '.join(of)})" for word, of in found.items())
        if len(found) > _MOST_VALUES:
            return f"{len(found)} {noun}"
        *others, last = found or [""]
        return f"{', '.join(others)} or {last}" if others else last

    samples = values(
        [None if each.samples is None else human.numbered(each.samples, "sample") for each in grounds],
        "numbers of samples",
    )
    told = [each for each in grounds if each.weight_residency is not None]
    if not told:
        return samples
    weights = values([_format(each.weight_format) for each in grounds], "formats")
    reloaded = values([_weights(each.weight_residency) for each in grounds], "residencies")
    spikes = values([_format(each.spike_format) for each in grounds], "formats")
    activations = values([_ACTIVATIONS.get(each.activation_residency or "") for each in grounds], "residencies")
    return f"{samples}; weights {weights}, {reloaded}; spikes {spikes}; activations {activations}"


def _format(name: str | None) -> str:
    return "in no format" if name is None else name


def _weights(residency: str | None) -> str | None:
    if residency is None:
        return None
    return _RELOADED.get(residency, f"loaded once per batch of {residency.partition(':')[2]}")
