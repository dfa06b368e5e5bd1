"""From a machine file's choice of formats to the formats, operator by operator."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

from spikecycle.simulator.errors import UsageError
from spikecycle.simulator.formats.base import WEIGHT_FORMATS, WeightFormat
from spikecycle.simulator.formats.spikes import SPIKE_FORMATS, SpikeFormat
from spikecycle.simulator.machine.schema import (
    AUTO,
    Formats,
    LeastOf,
    OperatorFormats,
    OperatorWeightFormat,
    SpikeFormatChoice,
    WeightFormatChoice,
)
from spikecycle.suggestions import known_names


class OperatorCost(NamedTuple):
    """What an operator costs in one format: energy in pJ and cycles, of the same samples in every format."""

    energy_pj: float
    cycles: int


def weight_format(choice: WeightFormatChoice) -> WeightFormat:
    """The weight format that a machine file names, with the settings that it gives.

    Raises UsageError if there is none of that name, or it cannot have those settings. "auto" is no format: it stands
    for a choice that `candidates` and `pick` make.
    """
    if choice.format == AUTO:
        raise UsageError(
            f"weight format {AUTO!r} stands for the best one of each operator, which has to be picked first"
        )
    chosen = WEIGHT_FORMATS.lookup(choice.format)
    asked = {key: getattr(choice, key) for key in chosen.settings}
    given = {key: value for key, value in asked.items() if value is not None}
    try:
        return replace(chosen, **given) if given else chosen
    except ValueError as error:
        raise UsageError(str(error)) from error


def spike_format(choice: SpikeFormatChoice) -> SpikeFormat:
    """The spike format that a machine file names, with its run_bits; UsageError if there is none of that name."""
    chosen = SPIKE_FORMATS.lookup(choice.format)
    return replace(chosen, run_bits=choice.run_bits) if chosen.run_bits else chosen


def check_weight_format(name: str) -> None:
    """UsageError if `name` is neither a weight format nor "auto"."""
    if name != AUTO:
        WEIGHT_FORMATS.lookup(name)


def check_operators(formats: Formats, operators: Iterable[str]) -> None:
    """UsageError if a format is chosen for an operator that the network does not have.

    operators: names of the network's operators that have weights.
    """
    known = list(operators)
    for name in formats.per_operator:
        if name not in known:
            raise UsageError(
                f"formats.per_operator.{name}: the network has no operator with weights of this name"
                f"{known_names(name, known, 'it has:', '`spikecycle check TRACE`')}"
            )


def candidates(choice: WeightFormatChoice) -> dict[str, WeightFormatChoice]:
    """The choices among which "auto" picks, by name, all with its settings; any other choice is the only one."""
    if choice.format != AUTO:
        return {choice.format: choice}
    return {name: choice.model_copy(update={"format": name}) for name in WEIGHT_FORMATS.names()}


def pick(results_by_format: Mapping[str, OperatorCost], by: LeastOf) -> str:
    """The format in which an operator takes least energy, cycles or energy x cycles; the first of equal ones.

    results_by_format: the formats that the machine could take. Raises UsageError if there is none.
    """
    if not results_by_format:
        raise UsageError("no weight format to pick: the machine can take none")
    measures = {
        "energy": lambda cost: cost.energy_pj,
        "cycles": lambda cost: cost.cycles,
        "edp": lambda cost: cost.energy_pj * cost.cycles,
    }
    return min(results_by_format, key=lambda name: measures[by](results_by_format[name]))


def with_picked(formats: Formats, picked: Mapping[str, str]) -> Formats:
    """The choice of formats with the one picked for each operator (operator name -> format name) written down."""
    own = {
        operator: OperatorFormats(
            weights=OperatorWeightFormat(**(formats.weights_of(operator).model_dump() | {"format": name}))
        )
        for operator, name in picked.items()
    }
    return formats.model_copy(update={"per_operator": {**formats.per_operator, **own}})
