"""Price integer counts: a machine's buffers, energy table, wires and DRAM turned into pJ per action, mW and mm2."""

from __future__ import annotations

from collections.abc import Callable

from spikecycle.simulator.activity import OPERANDS, Counter
from spikecycle.simulator.energy import EnergyTable, SramEstimate, SramModel
from spikecycle.simulator.machine.schema import Machine
from spikecycle.simulator.result import BufferArea, CounterResult
from spikecycle.simulator.units import energy_pj as leaked_pj
from spikecycle.simulator.units import um2_to_mm2, um_to_mm

DRAM_READ = tuple(
    Counter(f"dram.read.{operand}", "dram", operand, "read", "dram", "bits", f"bits of {operand} read from DRAM")
    for operand in OPERANDS
)
DRAM_WRITE = tuple(
    Counter(f"dram.write.{operand}", "dram", operand, "write", "dram", "bits", f"bits of {operand} written to DRAM")
    for operand in OPERANDS
)


class Pricing:
    """What each action costs on one machine. Every estimate is made once, when the machine is known."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        technology = machine.technology
        sram = SramModel.load(technology.sram_cell, technology.temperature_k)
        self.table = EnergyTable.load(machine.energy.table).scaled(technology.node_nm)
        self._sram: dict[str, SramEstimate] = {
            key: sram.estimate(technology.node_nm, buffer.size_kib, buffer.width_bits, buffer.banks)
            for key, buffer in machine.buffer_items().items()
        }
        self._resources: dict[str, Callable[[Counter], float]] = {
            "sram": self._sram_pj,
            "logic": lambda counter: self.table.action_pj(counter.action, counter.bits),
            "wire": lambda counter: self.table.wire_pj_per_bit_mm * counter.bits * um_to_mm(counter.length_um),
            "dram": lambda counter: (machine.dram.energy_pj_per_bit if machine.dram else 0.0) * counter.bits,
            "none": lambda counter: 0.0,
        }

    def counter(self, counter: Counter, count: int) -> CounterResult:
        """`count` actions of `counter`, priced."""
        return CounterResult(
            name=counter.name,
            component=counter.component,
            operand=counter.operand,
            action=counter.action,
            resource=counter.resource,
            unit=counter.unit,
            count=count,
            energy_pj=count * self._resources[counter.resource](counter),
        )

    def leakage_pj(self, cycles: int) -> float:
        """Leakage of all buffers over `cycles`, pJ."""
        return leaked_pj(
            sum(area.leakage_mw for area in self.buffer_areas()), cycles, self._machine.technology.clock_mhz
        )

    def buffer_areas(self) -> list[BufferArea]:
        """Every buffer in silicon."""
        areas = []
        for key, estimate in self._sram.items():
            instances = self._machine.instances(key)
            areas.append(
                BufferArea(
                    buffer=key,
                    instances=instances,
                    area_mm2=instances * estimate.area_mm2,
                    leakage_mw=instances * estimate.leakage_mw,
                    read_pj=estimate.read_pj,
                    write_pj=estimate.write_pj,
                    access_ns=estimate.access_ns,
                    extrapolated=estimate.extrapolated,
                )
            )
        return areas

    def logic_area_mm2(self) -> float:
        """Area of the array's arithmetic."""
        return um2_to_mm2(
            sum(unit.count * self.table.area_um2(unit.action, unit.bits) for unit in self._machine.logic())
        )

    def _sram_pj(self, counter: Counter) -> float:
        estimate = self._sram[counter.component]
        return {"read": estimate.read_pj, "write": estimate.write_pj}[counter.action]
