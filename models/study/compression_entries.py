"""The compressions of a study: the entries of its file, and the grid of compressions that each stands for."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Self

from pydantic import Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails

from spikecycle.models.compression.compression import Compression, WeightBits
from spikecycle.models.compression.pruners import PrunerChoice
from spikecycle.models.compression.pruners.by_layer import ByLayer
from spikecycle.models.options import Options, refused, refused_keys


class Mixed(Options):
    """Bits by layer, and pruners, chosen before the compressed network is trained, so that the loss grows least."""

    bits: Annotated[list[WeightBits], Field(min_length=1)]
    """Those to choose from; one is enough where there are pruners."""
    pruners: Annotated[list[PrunerChoice], Field(min_length=1)] | None = None
    """Those to choose from for each layer, beside none; a `share` is then of that layer. With a machine whose weights
    are resident another choice can come out than with one that loads them in every inference."""
    machine: str
    """On which energy is simulated: one of the study, by its name, of a file without the suffix."""
    format: str
    """In which energy is simulated: one of the study."""
    energy_share: Annotated[float, Field(gt=0, le=1)]
    """The energy is at most this share of that with the most bits everywhere."""
    samples_per_class: Annotated[int, Field(ge=1)] = 10
    """Training samples of each class on which loss and energy are measured."""

    @model_validator(mode="after")
    def _something_to_choose(self) -> Self:
        if len(set(self.bits)) + len(self.pruners or ()) <= 1:
            raise refused_keys({"bits": "there is one choice only; two widths, or a pruner, are needed"}, vars(self))
        if any(isinstance(pruner, ByLayer) for pruner in self.pruners or ()):
            reason = "by_layer is what comes out; the rules of single layers are needed"
            raise refused_keys({"pruners": reason}, vars(self))
        return self


class CompressionEntry(Compression):
    """A Compression, or one whose bits are to be chosen, of the study's network or of a wider or narrower one."""

    width: Annotated[float, Field(gt=0, le=64)] | None = None
    """Of the network that is compressed, instead of what the study's network has as its option `width`, so that
    wider with fewer bits is a point of the grid. Its float network is trained for itself."""

    @model_validator(mode="after")
    def _one_pruner(self) -> Self:
        if self.pruner is not None and self.mixed is not None and self.mixed.pruners is not None:
            raise refused_keys({"pruner": "mixed.pruners chooses it by layer; allowed: one of the two"}, vars(self))
        return self

    mixed: Mixed | None = None
    """How its weight bits are to be chosen by layer."""


GRID = "grid"
FULL_WEIGHT_BITS = 8  # pruning at this width is pruning alone, as in the published study (arXiv 2302.04174)
PATH = ("compressions",)
MOST_LEVELS = 10  # of the path of a key
MOST_COMPRESSIONS = 4096
MOST_VALUES = 2**19  # all compressions are in memory at once


def expand(common: Mapping[str, Any], entries: list[dict[str, Any]]) -> list[CompressionEntry]:
    """All compressions of a study, in order.

    An entry holds keys of a Compression, over those of `common`. With `grid`, key paths with lists of values, it
    stands for every combination of them, the last key fastest; their values are added to its name. Raises
    ValidationError, whose locations are the paths of the keys in the study, before anything is made of entries that
    stand for too many.
    """
    _check_size(common, entries)
    found: list[CompressionEntry] = []
    problems: list[InitErrorDetails] = []
    for index, entry in enumerate(entries):
        try:
            found += [CompressionEntry.model_validate(keys) for keys in _combinations(merged(common, entry))]
        except ValidationError as error:
            problems += _located(error, (*PATH, index))
    names = Counter(compression.name for compression in found)
    twice = sorted(name for name, count in names.items() if count > 1)
    problems += [_problem(PATH, f"the name {name} is given to several", name) for name in twice]
    if problems:
        raise ValidationError.from_exception_data("compressions", problems)
    return found


def _check_size(common: Mapping[str, Any], entries: list[dict[str, Any]]) -> None:
    """ValidationError, naming the first entry with which there are too many compressions, or too large ones."""
    compressions = values = 0
    for index, entry in enumerate(entries):
        axes = entry.get(GRID, {})
        lists = axes.values() if isinstance(axes, Mapping) else ()
        combinations = math.prod(len(axis) for axis in lists if isinstance(axis, list))
        compressions += combinations
        values += combinations * (_count(common) + _count({key: entry[key] for key in entry if key != GRID}))
        where = (*PATH, index, *((GRID,) if combinations > 1 else ()))
        if compressions > MOST_COMPRESSIONS:
            reason = f"a study may have {MOST_COMPRESSIONS} compressions, with this entry it has {compressions}"
            raise _error(where, reason, axes)
        if values > MOST_VALUES:
            reason = f"the keys of all compressions may have {MOST_VALUES} values, with this entry they have {values}"
            raise _error(where, reason, axes)


def _count(value: Any) -> int:
    """Values in a value, itself included."""
    if isinstance(value, Mapping):
        return 1 + sum(map(_count, value.values()))
    return 1 + sum(map(_count, value)) if isinstance(value, list) else 1


def check_mixed(
    common: Mapping[str, Any], entries: list[dict[str, Any]], machines: Sequence[str], formats: Sequence[str]
) -> None:
    """ValidationError, located as those of `expand`, where `mixed` chooses bits by what the study does not simulate."""
    expand(common, entries)
    problems = []
    for index, entry in enumerate(entries):
        for compression in expand(common, [entry]):
            if compression.mixed is None:
                continue
            chosen = {"machine": (compression.mixed.machine, machines), "format": (compression.mixed.format, formats)}
            problems += [
                _problem((*PATH, index, "mixed", key), f"one of the study is needed: {', '.join(allowed)}", name)
                for key, (name, allowed) in chosen.items()
                if name not in allowed
            ]
    if problems:
        raise ValidationError.from_exception_data("compressions", problems)


def merged(common: Mapping[str, Any], special: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of both; where both have one, the special value, or both merged where they are mappings."""
    both = {**common, **special}
    for key in common.keys() & special.keys():
        if isinstance(common[key], Mapping) and isinstance(special[key], Mapping):
            both[key] = merged(common[key], special[key])
    return both


def method_of(compression: CompressionEntry) -> str:
    """What it is in the terms of the published study: quantization, pruning, joint or sequential; or mixed."""
    if compression.mixed is not None or compression.layer_weight_bits:
        return "mixed"
    if compression.pruner is None:
        return "quantization"
    if compression.order == "joint" and compression.weight_bits == FULL_WEIGHT_BITS:
        return "pruning"
    return compression.order


def _combinations(entry: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The keys of every compression that the entry stands for."""
    axes = entry.pop(GRID, {})
    if not isinstance(axes, dict):
        raise _error((GRID,), "key paths with lists of values are needed", axes)
    for path, values in axes.items():
        if not isinstance(values, list) or not values:
            raise _error((GRID, path), "a list of values is needed", values)
        if str(path).count(".") >= MOST_LEVELS:
            raise _error((GRID, f"{str(path)[:40]}..."), f"at most {MOST_LEVELS} levels are allowed", values)
    name = entry.get("name", "")
    if axes and not isinstance(name, str):
        raise _error(("name",), "text is needed", name)
    for values in itertools.product(*axes.values()):
        chosen = dict(entry)
        for path, value in zip(axes, values, strict=True):
            chosen = merged(chosen, _nested(path, value))
        if axes:
            chosen["name"] = "-".join([name, *map(_short, values)]).removeprefix("-")
        yield chosen


def _nested(path: str, value: Any) -> dict[str, Any]:
    """{"pruner": {"share": 0.8}} from "pruner.share" and 0.8."""
    for key in reversed(path.split(".")):
        value = {key: value}
    nested: dict[str, Any] = value
    return nested


def _short(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _located(error: ValidationError, where: tuple[int | str, ...]) -> list[InitErrorDetails]:
    details = error.errors(include_url=False)
    unique = {(one["loc"], one["msg"]): one for one in details}  # every combination has the same problem
    return [
        _problem((*where, *one["loc"]), "missing" if one["type"] == "missing" else one["msg"], one["input"])
        for one in unique.values()
    ]


def _problem(location: tuple[int | str, ...], reason: str, found: object) -> InitErrorDetails:
    return InitErrorDetails(type=refused(reason), loc=location, input=found)


def _error(location: tuple[int | str, ...], reason: str, found: object) -> ValidationError:
    return ValidationError.from_exception_data("grid", [_problem(location, reason, found)])
