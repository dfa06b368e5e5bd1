"""Formats operator by operator: what a machine file says, and how the best one is picked."""

from __future__ import annotations

from typing import Any

import pytest

from spikecycle.simulator.errors import UsageError
from spikecycle.simulator.formats import (
    WEIGHT_FORMATS,
    OperatorCost,
    candidates,
    check_operators,
    pick,
    weight_format,
    with_picked,
)
from spikecycle.simulator.machine.schema import Formats, WeightFormatChoice


def formats(**per_operator: Any) -> Formats:
    """Bitmask, runs of 6 bits where there are runs, but for these operators."""
    return Formats.model_validate(
        {"weights": {"format": "bitmask", "run_bits": 6}, "spikes": {"format": "bitmap"}, "per_operator": per_operator}
    )


def test_an_operator_has_its_own_format_or_the_machines() -> None:
    chosen = formats(fc1={"weights": "rle"}, conv1={"weights": {"format": "rle", "run_bits": 3}})
    assert weight_format(chosen.weights_of("fc1")).name == "rle"
    assert weight_format(chosen.weights_of("fc1")).run_bits == 6  # what it does not say is as the machine says
    assert weight_format(chosen.weights_of("conv1")).run_bits == 3
    assert weight_format(chosen.weights_of("fc2")).name == "bitmask"
    assert Formats.model_validate({"weights": {"format": "cp"}, "spikes": {"format": "aer"}}).per_operator == {}


def test_an_operator_that_the_network_does_not_have_is_told_with_those_it_has() -> None:
    check_operators(formats(fc1={"weights": "rle"}), ["conv1", "fc1"])
    with pytest.raises(UsageError) as error:
        check_operators(formats(fc1={"weights": "rle"}, con1={"weights": "rle"}), ["conv1", "fc1"])
    assert str(error.value) == (
        "formats.per_operator.con1: the network has no operator with weights of this name, it has: conv1, fc1; did you "
        "mean 'conv1'?"
    )


COSTS = {"cp": OperatorCost(10.0, 50), "rle": OperatorCost(20.0, 20), "ubm": OperatorCost(30.0, 15)}


@pytest.mark.parametrize(
    ("by", "best"),
    # energy x cycles: 500, 400, 450
    [("energy", "cp"), ("cycles", "ubm"), ("edp", "rle")],
)
def test_the_format_of_least_cost_is_picked(by: Any, best: str) -> None:
    assert pick(COSTS, by) == best


def test_of_equal_formats_the_first_is_picked() -> None:
    same = OperatorCost(1.0, 1)
    assert pick({"rle": same, "cp": same}, "edp") == "rle"


def test_there_must_be_a_format_to_pick() -> None:
    with pytest.raises(UsageError, match="the machine can take none"):
        pick({}, "energy")


def test_auto_stands_for_all_formats_with_its_settings() -> None:
    found = candidates(WeightFormatChoice(format="auto", run_bits=4))
    assert tuple(found) == WEIGHT_FORMATS.names()
    assert weight_format(found["rle"]).run_bits == 4
    only = WeightFormatChoice(format="cp")
    assert candidates(only) == {"cp": only}


def test_what_was_picked_is_written_down_for_each_operator() -> None:
    chosen = formats(fc1={"weights": {"format": "auto", "run_bits": 2}}, fc2={"weights": "cp"})
    done = with_picked(chosen, {"fc1": "rle"})
    assert weight_format(done.weights_of("fc1")).run_bits == 2
    assert [done.weights_of(name).format for name in ("fc1", "fc2", "fc3")] == ["rle", "cp", "bitmask"]
    assert chosen.weights_of("fc1").format == "auto"


@pytest.mark.parametrize(
    ("choice", "words"),
    [({"format": "auto", "auto_by": "area"}, "auto_by"), ({"format": "n_of_m", "kept": 0}, "kept")],
)
def test_settings_that_are_none_are_refused(choice: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        WeightFormatChoice.model_validate(choice)
