"""What a result says of a machine and a network whatever the one does on the other: known before anything runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from spikecycle.simulator.dataflows.base import Dataflow
from spikecycle.simulator.dataflows.support import free_operators, unaccounted
from spikecycle.simulator.machine.schema import Machine
from spikecycle.simulator.plugins import plugins_used_by
from spikecycle.simulator.pricing import MachinePrices, prices_of
from spikecycle.simulator.result import Assumptions, BufferArea, LogicArea, PluginFile, SlowBuffer
from spikecycle.traces import Trace

OPERATION = (
    "one synaptic operation: one non-zero weight applied because of one spike (one set bit of a multi-bit input)"
)


@dataclass(frozen=True, eq=False)
class Grounds:
    """The grounds of a result.

    samples: indices of those that are simulated. overlap: name of the policy. prices: of the machine. keys: of the
    machine, all of them, with their values as JSON has them. sha256: their fingerprint. The others are as in
    `RunResult`.
    """

    network: Trace
    machine: Machine
    samples: Sequence[int]
    overlap: str
    prices: MachinePrices
    keys: dict[str, Any]
    sha256: str
    plugins: list[PluginFile]
    buffers: list[BufferArea]
    logic: list[LogicArea]
    too_slow: list[SlowBuffer]
    not_modelled: list[str]
    area_leaves_out: list[str]
    assumptions: Assumptions

    @classmethod
    def of(
        cls,
        network: Trace,
        machine: Machine,
        dataflow: Dataflow,
        samples: Sequence[int],
        overlap: str,
        *,
        ideal_memory: bool = False,
    ) -> Grounds:
        """MachineError where the machine's tables lack a figure. ideal_memory: whether its DRAM takes no time here."""
        prices, dram, logic = prices_of(machine), machine.dram, machine.logic
        keys = machine.model_dump(mode="json")
        return cls(
            network=network,
            machine=machine,
            samples=samples,
            overlap=overlap,
            prices=prices,
            keys=keys,
            sha256=machine.fingerprint(),
            plugins=plugins_used_by(machine, overlap),
            buffers=list(prices.memory_areas),
            logic=list(prices.logic_areas),
            too_slow=list(prices.too_slow),
            not_modelled=[*prices.not_modelled, *unaccounted(dataflow.supports, network)],
            area_leaves_out=list(prices.area_leaves_out),
            assumptions=Assumptions(
                dram_pj_per_bit=dram.energy_pj_per_bit if dram else None,
                sram_cell=machine.technology.sram_cell,
                temperature_k=machine.technology.temperature_k,
                node_nm=machine.technology.node_nm,
                energy_table=machine.energy.table,
                clock_gating=logic.clock_gating,
                glitch_factor=logic.glitch_factor,
                utilization=logic.utilization,
                logic_devices=logic.devices,
                operation=OPERATION,
                ideal_memory=ideal_memory,
                residency=keys["residency"],
                free_operators=free_operators(dataflow.supports, network),
            ),
        )
