"""Every registered dataflow keeps every law of `tests.contracts.suite`, on every shipped machine and small network."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from spikecycle.simulator.dataflows import DATAFLOWS
from spikecycle.simulator.machine.loader import load_machine, override, shipped_machines
from spikecycle.simulator.machine.schema import Machine
from spikecycle.traces import Trace
from tests.contracts.networks import NETWORKS
from tests.contracts.suite import Case, check_all, check_operations, check_result, check_twin

Networks = Callable[[str], Trace]
MACHINES = {name: load_machine(name) for name in shipped_machines()}
ARRAYS = frozenset(NETWORKS) - {"dilated", "addition", "attention", "pooled_currents", "signed", "readout"}
RUN = {
    "spike_array": ARRAYS,
    "row_stationary": ARRAYS,
    "spike_serial": frozenset(NETWORKS) - {"attention", "signed", "readout"},
    "systolic": frozenset(NETWORKS),
}
"""Networks that a dataflow has to run at least: what it declares may grow, not shrink unseen."""


def test_every_dataflow_has_a_machine() -> None:
    assert {machine.dataflow.kind for machine in MACHINES.values()} == set(DATAFLOWS.names())


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("machine", MACHINES)
def test_the_laws(machine: str, name: str, network: Networks) -> None:
    case = Case.of(MACHINES[machine], network(name))
    assert case.is_supported or name not in RUN.get(case.dataflow.name, ())
    if not case.is_supported:
        pytest.skip(f"{case.dataflow.name} declares that it does not run it")
    check_all(case)


def _formats(machine: Machine) -> list[dict[str, str]]:
    """Formats that the dataflow decodes, one operand changed at a time."""
    supports = DATAFLOWS.lookup(machine.dataflow.kind).supports
    operands = {"weights": supports.weight_formats, "spikes": supports.spike_formats}
    return [{f"formats.{operand}.format": name} for operand, names in operands.items() for name in sorted(names)]


@pytest.mark.parametrize("name", ["strided", "linear"])
@pytest.mark.parametrize(
    ("machine", "chosen"), [(name, chosen) for name, machine in MACHINES.items() for chosen in _formats(machine)]
)
def test_every_format_that_is_declared(machine: str, chosen: dict[str, str], name: str, network: Networks) -> None:
    case = Case.of(override(MACHINES[machine], chosen), network(name))
    check_twin(case)
    check_operations(case)
    check_result(case)
    for stage in case.stages:
        assert case.plan(stage).storage.stored_bits > 0
