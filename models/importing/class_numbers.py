"""Which class of a network the folders of recordings are: by the network's names of its classes, or by an assumption
that is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from spikecycle.models.errors import ModelsError
from spikecycle.wording import some_of

MOST_TOLD = 12
"""Classes of which a remark says what they were taken for."""


@dataclass(frozen=True)
class ClassNumbers:
    """numbers: of every folder, in their order, its class; names: of all classes, by number; remark: what was assumed,
    None where the network's own names told it."""

    numbers: tuple[int, ...]
    names: tuple[str, ...]
    remark: str | None = None


def class_numbers(folders: Sequence[str], classes: int, known: Sequence[str] = ()) -> ClassNumbers:
    """The classes of folders of these names, in their order, for a network of so many classes.

    known: the network's names of them, by number, if it has any. Folders that are numbers are those classes, from 0;
    from 1 where there is no 0 and the last one is as high as there are classes. Others are in their order. ModelsError
    where there are more folders than classes, for a name that is none of the known, and for numbers that cannot be
    classes.
    """
    if len(folders) > classes:
        raise ModelsError(f"{len(folders)} classes, for a network of {classes}")
    if set(folders) <= set(known):
        return ClassNumbers(tuple(known.index(name) for name in folders), tuple(known))
    values = [int(name) for name in folders] if all(map(str.isdecimal, folders)) else []
    _check_twice(folders, values)
    if values and all(map(str.isdecimal, known)):
        by_value = {int(name): number for number, name in enumerate(known)}
        if len(by_value) == len(known) and set(values) <= by_value.keys():  # 01 for 1
            return ClassNumbers(tuple(by_value[value] for value in values), tuple(known))
    first = _counted_from(values, classes)
    if known and (first is None or set(folders) & set(known) or all(map(str.isdecimal, known))):
        other = next(name for name in folders if name not in known)
        raise ModelsError(f"class {other} is none that the network was trained with: {some_of(known, MOST_TOLD)}")
    if first is None and 0 in values:
        raise ModelsError(f"class {max(values)}, for a network of classes 0 to {classes - 1}; see --class-names")
    numbers = tuple(range(len(folders))) if first is None else tuple(value - first for value in values)
    names = {number: str(number + (first or 0)) for number in range(classes)} | dict(zip(numbers, folders, strict=True))
    named = tuple(known) or tuple(names[number] for number in range(classes))
    return ClassNumbers(numbers, named, _remark(dict(zip(folders, numbers, strict=True)), classes, first))


def _counted_from(values: Sequence[int], classes: int) -> int | None:
    """The number of the first class, where folders that are these numbers are all classes; else None."""
    if not values:
        return None
    if max(values) < classes:
        return 0
    return 1 if min(values) > 0 and max(values) == classes else None


def _check_twice(folders: Sequence[str], values: Sequence[int]) -> None:
    first: dict[int, str] = {}
    for name, value in zip(folders, values, strict=False):
        if value in first:
            raise ModelsError(f"{first[value]} and {name} are the same class")
        first[value] = name


def _remark(taken: Mapping[str, int], classes: int, first: int | None) -> str:
    told = some_of([f"{name} is class {number}" for name, number in taken.items()], MOST_TOLD)
    few = f", {len(taken)} for a network of {classes}" if len(taken) < classes else ""
    if first is None:
        how = f"in their order{few}, which is a guess; --class-names, in the order of the network, tells it otherwise"
    elif first == 0 and 0 not in taken.values():
        other = ",".join(str(number + 1) for number in range(min(classes, MOST_TOLD)))
        more = ",..." if classes > MOST_TOLD else ""
        how = f"numbers from 0{few}; if they are numbers from 1, say so by --class-names {other}{more}"
    else:
        how = f"numbers from {first}{few}; --class-names, in the order of the network, tells it otherwise"
    return f"folders as classes: {told} ({how})"
