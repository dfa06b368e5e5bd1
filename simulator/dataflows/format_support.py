"""Refuses formats that a dataflow does not support, and formats chosen for operators that do not exist."""

from __future__ import annotations

from collections.abc import Sequence

from spikecycle.simulator.dataflows.base import Dataflow
from spikecycle.simulator.dataflows.stage import Stage
from spikecycle.simulator.errors import MappingError
from spikecycle.simulator.formats import check_operators, spike_format, weight_format
from spikecycle.simulator.machine.schema import AUTO, Machine


def check_formats(machine: Machine, dataflow: Dataflow, stages: Sequence[Stage]) -> None:
    """Refuse formats that the dataflow declares it cannot take, and formats of operators that there are not.

    Raises MappingError, or UsageError for an operator that the network does not have.
    """
    formats = machine.formats
    if formats is None:
        return
    weighted = [stage.name for stage in stages if any(stage.synapses())]
    check_operators(formats, weighted)
    support = dataflow.supports
    problems: dict[str, str | None] = {}
    for operator in weighted:
        choice = formats.weights_of(operator)
        if choice.format != AUTO:
            what = f"weights of {operator!r} in the format {choice.format!r}"
            problems[what] = support.weight_format_problem(weight_format(choice))
    spikes = f"spikes in the format {formats.spikes.format!r}"
    problems[spikes] = support.spike_format_problem(spike_format(formats.spikes))
    for what, problem in problems.items():
        if problem:
            raise MappingError(f"machine {machine.name!r} (dataflow {dataflow.name}) cannot take {what}: {problem}")
