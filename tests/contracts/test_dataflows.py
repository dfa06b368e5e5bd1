"""Every registered dataflow keeps every law of `tests.contracts.suite`, on every shipped machine and small network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

import pytest

from spikecycle.simulator.dataflows import DATAFLOWS
from spikecycle.simulator.dataflows.row_stationary.machine import WeightDecoder
from spikecycle.simulator.formats import SPIKE_FORMATS, WEIGHT_FORMATS
from spikecycle.simulator.machine.loader import load_machine, override, shipped_machines
from spikecycle.traces import Trace
from tests.contracts.networks import NETWORKS
from tests.contracts.suite import Case, check_all, check_operations, check_result, check_twin

Networks = Callable[[str], Trace]
MACHINES = {name: load_machine(name) for name in shipped_machines()}
ARRAYS = frozenset(NETWORKS) - {"attention", "signed"}
CORES = frozenset(NETWORKS) - {"attention", "pooled_currents", "pooled_leftovers", "signed"}
RUN = {
    "spike_array": ARRAYS,
    "row_stationary": ARRAYS,
    "spike_serial": frozenset(NETWORKS) - {"signed"},
    "balanced_rows": frozenset(NETWORKS) - {"signed", "readout", "two_states", "own_parameters", "pooled_leftovers"},
    "time_batching": frozenset(NETWORKS) - {"signed"},
    "product_sparsity": frozenset(NETWORKS) - {"signed"},
    "dense_array": frozenset(NETWORKS),
    "input_scan": frozenset({"convolution", "strided", "grouped", "linear", "residual", "recurrent", "ternary"}),
    "systolic": frozenset(NETWORKS),
    "neuron_sweep": CORES,
    "fan_out_walk": CORES,
    "routed_cores": CORES,
    "clock_driven": CORES,
    "crossbar_tiles": CORES,
    "fused_layers": CORES,
    "dual_sparse": frozenset(NETWORKS) - {"attention", "signed"},
    "sorted_broadcast": frozenset(NETWORKS) - {"attention", "signed"},
    "pattern_correction": frozenset(NETWORKS) - {"attention", "signed"},
    "event_field": frozenset(NETWORKS) - {"attention", "signed"},
    "gustavson_merge": frozenset(NETWORKS) - {"attention", "signed"},
    "token_bundles": frozenset(NETWORKS),
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


DECODERS: dict[str, dict[str, Any]] = {
    "spike_array": {
        "dataflow.decoder.groups_per_cycle": 1,
        "dataflow.decoder.code_words_per_cycle": 1,
        "dataflow.decoder.trit_bytes_per_cycle": 1,
        "dataflow.decoder.table_lookups_per_cycle": 2,
    },
    "row_stationary": {"dataflow.weight_decoders": list(get_args(WeightDecoder))},
}
"""Keys that give a machine a decoder for every format that its dataflow declares, where it has some without one."""
SETTINGS: dict[tuple[str, str], dict[str, Any]] = {
    ("spike_array", "n_of_m"): {
        "formats.weights.group_axis": "output_channel", "dataflow.partition": "space", "dataflow.pe_columns": 1,
    },
}  # fmt: skip
"""What a dataflow needs for one format: fibers of whole groups."""


def _formats() -> list[tuple[str, str, str]]:
    """(machine, operand, format) for every format that the machine's dataflow takes."""
    found = []
    for name, machine in MACHINES.items():
        supports = DATAFLOWS.lookup(machine.dataflow.kind).supports
        if machine.formats is not None:
            weights = [key for key, chosen in WEIGHT_FORMATS.items() if not supports.weight_format_problem(chosen)]
            spikes = [key for key, chosen in SPIKE_FORMATS.items() if not supports.spike_format_problem(chosen)]
            found += [(name, "weights", chosen) for chosen in weights]
            found += [(name, "spikes", chosen) for chosen in spikes]
    assert len(found) > 20
    return found


@pytest.mark.parametrize(("name", "operand", "chosen"), _formats())
def test_every_format_that_is_declared(name: str, operand: str, chosen: str, network: Networks) -> None:
    machine = MACHINES[name]
    kind = machine.dataflow.kind
    settings = {**DECODERS.get(kind, {}), f"formats.{operand}.format": chosen, **SETTINGS.get((kind, chosen), {})}
    if settings.get("dataflow.partition") == "space":
        settings["dataflow.pe_rows"] = machine.pe_count
    case = Case.of(override(machine, settings), network("ternary"))
    check_twin(case)
    check_operations(case)
    check_result(case)
    for stage in case.stages:
        assert case.plan(stage).storage.stored_bits > 0
