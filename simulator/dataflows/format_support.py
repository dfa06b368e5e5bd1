"""The refusal of formats that a dataflow does not declare, and of formats for operators that there are not."""

from __future__ import annotations

from collections.abc import Sequence

from spikecycle.simulator.dataflows.base import Dataflow
from spikecycle.simulator.dataflows.stage import Stage
from spikecycle.simulator.errors import MappingError
from spikecycle.simulator.formats import check_operators
from spikecycle.simulator.machine.schema import AUTO, Machine


def check_formats(machine: Machine, dataflow: Dataflow, stages: Sequence[Stage]) -> None:
    """Refuse formats that the dataflow's declaration does not list, and formats of operators that there are not.

    Raises MappingError, or UsageError for an operator that the network does not have.
    """
    formats = machine.formats
    if formats is None:
        return
    weighted = [stage.name for stage in stages if any(stage.synapses())]
    check_operators(formats, weighted)
    support = dataflow.supports
    names = {name: formats.weights_of(name).format for name in weighted}
    for operator, name in names.items():
        if name not in support.weight_formats | {AUTO}:
            raise MappingError(_refusal(f"weights of {operator!r}", name, support.weight_formats, dataflow, machine))
    if formats.spikes.format not in support.spike_formats:
        raise MappingError(_refusal("spikes", formats.spikes.format, support.spike_formats, dataflow, machine))


def _refusal(what: str, name: str, decoded: frozenset[str], dataflow: Dataflow, machine: Machine) -> str:
    return (
        f"machine {machine.name!r} (dataflow {dataflow.name}) cannot decode {what} in the format {name!r}, it decodes: "
        f"{', '.join(sorted(decoded)) or 'none'}"
    )
