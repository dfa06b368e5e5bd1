"""Which class of a network a folder is: numbers mean the same whatever other folders are there; guesses are told."""

from __future__ import annotations

import pytest

from spikecycle.models.errors import ModelsError
from spikecycle.models.importing.class_numbers import class_numbers

SIDES = ("left", "middle", "right")


@pytest.mark.parametrize(
    ("folders", "known", "numbers", "names"),
    [
        (["left", "middle", "right"], SIDES, (0, 1, 2), SIDES),
        (["right"], SIDES, (2,), SIDES),
        (["7", "3"], ("3", "5", "7"), (2, 0), ("3", "5", "7")),
        (["03", "05"], ("3", "5", "7"), (0, 1), ("3", "5", "7")),
        (["0", "1"], ("1", "0", "2"), (1, 0), ("1", "0", "2")),
    ],
)
def test_known_names_tell_it_without_a_remark(
    folders: list[str], known: tuple[str, ...], numbers: tuple[int, ...], names: tuple[str, ...]
) -> None:
    found = class_numbers(folders, 3, known)
    assert (found.numbers, found.names, found.remark) == (numbers, names, None)


@pytest.mark.parametrize(
    ("folders", "known", "numbers", "names", "told"),
    [
        (["0", "1", "2"], (), (0, 1, 2), ("0", "1", "2"), "0 is class 0, 1 is class 1, 2 is class 2 (numbers from 0; "),
        (["0", "2"], (), (0, 2), ("0", "1", "2"), "0 is class 0, 2 is class 2 (numbers from 0, 2 for a network of 3; "),
        (["1", "2"], (), (1, 2), ("0", "1", "2"),
         "1 is class 1, 2 is class 2 (numbers from 0, 2 for a network of 3; if "
         "they are numbers from 1, say so by --class-names 1,2,3)"),
        (["02"], (), (2,), ("0", "1", "02"), "02 is class 2 (numbers from 0, 1 for a network of 3; if they are num"),
        (["1", "2", "3"], (), (0, 1, 2), ("1", "2", "3"),
         "1 is class 0, 2 is class 1, 3 is class 2 (numbers from 1; --class-names, in "
         "the order of the network, tells it otherwise)"),
        (["1", "3"], (), (0, 2), ("1", "2", "3"), "1 is class 0, 3 is class 2 (numbers from 1, 2 for a network of 3; "),
        (["1", "3"], SIDES, (0, 2), SIDES, "1 is class 0, 3 is class 2 (numbers from 1, 2 for a network of 3; --class"),
        (["0", "1"], SIDES, (0, 1), SIDES, "0 is class 0, 1 is class 1 (numbers from 0, 2 for a network of 3; --class"),
        (["5", "7", "9"], (), (0, 1, 2), ("5", "7", "9"), "5 is class 0, 7 is class 1, 9 is class 2 (in their order, "),
        (["a", "b"], (), (0, 1), ("a", "b", "2"), "a is class 0, b is class 1 (in their order, 2 for a network of 3, "),
        (["a", "b", "c"], (), (0, 1, 2), ("a", "b", "c"),
         "b is class 1, c is class 2 (in their order, which is a guess; "
         "--class-names, in the order of the network, tells it otherwise)"),
    ],
)  # fmt: skip
def test_what_is_assumed_is_told(
    folders: list[str], known: tuple[str, ...], numbers: tuple[int, ...], names: tuple[str, ...], told: str
) -> None:
    found = class_numbers(folders, 3, known)
    assert (found.numbers, found.names) == (numbers, names)
    assert found.remark is not None and found.remark.startswith("folders as classes: ") and told in found.remark


@pytest.mark.parametrize(
    ("folders", "known", "told"),
    [
        (["a", "b", "c", "d"], (), "4 classes, for a network of 3"),
        (["0", "3"], (), "class 3, for a network of classes 0 to 2; see --class-names"),
        (["1", "01"], (), "1 and 01 are the same class"),
        (["left", "wrong"], SIDES, "class wrong is none that the network was trained with: left, middle, right"),
        (["left", "1"], SIDES, "class 1 is none that the network was trained with"),
        (["9"], SIDES, "class 9 is none that the network was trained with"),
        (["0", "1"], ("1", "2", "3"), "class 0 is none that the network was trained with: 1, 2, 3"),
        (["0", "1"], ("3", "5", "7"), "class 0 is none that the network was trained with: 3, 5, 7"),
    ],
)
def test_what_cannot_be_is_one_line(folders: list[str], known: tuple[str, ...], told: str) -> None:
    with pytest.raises(ModelsError) as error:
        class_numbers(folders, 3, known)
    assert told in str(error.value) and "\n" not in str(error.value)


def test_of_many_classes_some_are_told() -> None:
    remark = class_numbers([str(number) for number in range(1, 100)], 100).remark
    assert remark is not None and "12 is class 12 and 87 more (numbers from 0, 99 for a network of 100" in remark
    assert remark.endswith("--class-names 1,2,3,4,5,6,7,8,9,10,11,12,...)")
