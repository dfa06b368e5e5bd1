"""Price integer counts: the parts of a machine and its energy table turned into pJ, mW and mm2.

All of it follows from a machine and counts alone. What an action costs, by the resource that its counter names:

    sram      one access of the memory `component`: SRAM, flip-flops or cache, by its kind
    logic     the energy table's `action` on operands of `bits`
    crossbar  a PE cycle of the machine's section `crossbar`, for kernels of `bits` positions
    control   the event `action` ("unit.event") of a unit of control of this machine, times logic.glitch_factor
    clock     `bits` flip-flops for one cycle, `action` "active" or "idle"
    wire      `bits` over `length_um`
    dram      `bits` moved; or one activation of a row; or one cycle of background power
    none      nothing
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache
from typing import Literal

from pydantic import TypeAdapter

from spikecycle.simulator.activity import Counter, Resource
from spikecycle.simulator.array_types import Int64
from spikecycle.simulator.energy.crossbar import crossbar_constants, pe_cycle_pj
from spikecycle.simulator.energy.memories import MemoryEstimate, estimate_memory
from spikecycle.simulator.energy.table import EnergyTable, shipped_energy_tables
from spikecycle.simulator.errors import MachineError
from spikecycle.simulator.machine.crossbar import Crossbar
from spikecycle.simulator.machine.parts import LogicUnit, Memory
from spikecycle.simulator.machine.schema import Machine
from spikecycle.simulator.result import BufferArea, CounterResult, LogicArea, SlowBuffer
from spikecycle.simulator.units import NS_PER_US, um2_to_mm2, um_to_mm
from spikecycle.simulator.units import energy_pj as power_pj

PriceList = Mapping[Resource, Callable[[Counter], float]]
"""pJ of one action of a counter, by its resource."""
ALL_OPERANDS = "all"
"""Operand of what serves all of them: clock, leakage."""
OF_TIME = ("active", "idle", "background")
"""Actions that happen in every cycle, whatever the array does."""
_TOLD = ("name", "component", "operand", "action", "resource", "unit")
"""What a result says of a counter."""
_COUNTER_RESULTS = TypeAdapter(tuple[CounterResult, ...])
"""Makes all of them at once, in two thirds of the time that one takes after the other."""
_WAITS_FOR_DRAM = "dram_"
"""Stall categories: cycles in which the array waits begin like this."""


class MachinePrices:
    """What the actions, the area and the leakage of a machine come to. What several of them rest on is looked up once.

    Every member raises MachineError where the machine's tables lack something that it needs.
    """

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self._priced: dict[Counter, tuple[float, dict[str, str]]] = {}

    def price(self, counters: Sequence[Counter], counts: Sequence[int]) -> tuple[CounterResult, ...]:
        """`counts[i]` actions of `counters[i]`."""
        return _COUNTER_RESULTS.validate_python(
            [
                {**told, "sum_count": count, "sum_energy_pj": count * action_pj}
                for (action_pj, told), count in zip(map(self._price, counters), counts, strict=True)
            ]
        )

    def action_pj(self, counter: Counter) -> float:
        """pJ of one action of a counter."""
        return self._price(counter)[0]

    def _price(self, counter: Counter) -> tuple[float, dict[str, str]]:
        """The same with what a result says of the counter: stages have most of their counters in common."""
        found = self._priced.get(counter)
        if found is None:
            action_pj = self.price_list[counter.resource](counter)
            found = self._priced[counter] = action_pj, {name: getattr(counter, name) for name in _TOLD}
        return found

    @cached_property
    def table(self) -> EnergyTable:
        """The machine's energy table at its node."""
        return EnergyTable.load(self.machine.energy.table).scaled(self.machine.technology.node_nm)

    @cached_property
    def units(self) -> tuple[LogicUnit, ...]:
        """The machine's logic."""
        return self.machine.units()

    @cached_property
    def memory_areas(self) -> tuple[BufferArea, ...]:
        """Every memory in silicon, all instances."""
        return tuple(
            BufferArea(
                buffer=memory.name,
                kind=memory.kind,
                instances=memory.instances,
                size_kib=memory.size_kib,
                width_bits=memory.width_bits,
                banks=memory.banks,
                ports=memory.ports,
                area_mm2=memory.instances * estimate.area_mm2,
                leakage_mw=memory.instances * estimate.leakage_mw,
                read_pj=estimate.read_pj,
                write_pj=estimate.write_pj,
                access_ns=estimate.access_ns,
                extrapolated=estimate.extrapolated,
            )
            for memory, estimate in self._estimates
        )

    @cached_property
    def logic_areas(self) -> tuple[LogicArea, ...]:
        """Logic in silicon by component, in the order of the machine's units; area with the space between cells."""
        logic = self.machine.logic
        areas: dict[tuple[str, str], LogicArea] = {}
        for unit in self.units:
            cells_um2 = _cells_um2(self.table, unit)
            if cells_um2 == 0:
                continue
            before = areas.get((unit.component, unit.kind))
            area = LogicArea(
                component=unit.component,
                kind=unit.kind,
                area_mm2=um2_to_mm2(cells_um2 / logic.utilization),
                leakage_mw=self.table.leakage_mw(cells_um2, logic.devices),
                flip_flops=_flip_flops(self.table, unit),
            )
            areas[unit.component, unit.kind] = area if before is None else _both(before, area)
        return tuple(areas.values())

    @cached_property
    def leakage_mw(self) -> float:
        """Leakage of all memories and of all logic that is priced, mW; 0 where the chip's published power has it."""
        if self.machine.energy.on_chip_power_mw is not None:
            return 0.0
        in_memories = sum(area.leakage_mw for area in self.memory_areas)
        return in_memories + sum(area.leakage_mw for area in self.logic_areas)

    def leakage_pj(self, cycles: int) -> float:
        """That leakage over `cycles`, pJ."""
        return power_pj(self.leakage_mw, cycles, self.machine.technology.clock_mhz)

    @cached_property
    def flip_flops(self) -> int:
        """Clocked flip-flops of the whole machine: those of its logic, and memories made of them."""
        in_logic = sum(_flip_flops(self.table, unit) for unit in self.units)
        return in_logic + sum(memory.instances * each.flip_flops for memory, each in self._estimates)

    @cached_property
    def clock_counters(self) -> tuple[Counter, ...]:
        """The clock's two counts, of which `clock_counts` says how often; none if the machine's table does not price
        it. Where the chip's published power is its price, the one count of all its cycles."""
        if self.machine.energy.on_chip_power_mw is not None:
            return (
                Counter("chip.on", "chip", ALL_OPERANDS, "active", "clock", "cycles", "a cycle at published power"),
            )
        if not self.table.prices_clock:
            return ()
        return tuple(
            Counter(f"clock.{action}", "clock", ALL_OPERANDS, action, "clock", "cycles", when, bits=self.flip_flops)
            for action, when in (
                ("active", "a cycle in which the array works: all flip-flops that are clocked then"),
                ("idle", "a cycle in which the array waits for DRAM"),
            )
        )

    def clock_counts(self, cycle_breakdown: Mapping[str, int]) -> tuple[int, ...]:
        """Counts of `clock_counters`: cycles of work, and of waiting for DRAM."""
        if self.machine.energy.on_chip_power_mw is not None:
            return (sum(cycle_breakdown.values()),)
        if not self.table.prices_clock:
            return ()
        idle = sum(cycles for category, cycles in cycle_breakdown.items() if category.startswith(_WAITS_FOR_DRAM))
        return sum(cycle_breakdown.values()) - idle, idle

    def of_time(self, cycles: int, cycle_breakdown: Mapping[str, int]) -> tuple[CounterResult, ...]:
        """What goes by time alone, of a whole network: clock, and background power of DRAM. Stages that overlap each
        have all of it while they run, so that theirs do not add up to this."""
        counted = (
            *zip(self.clock_counters, self.clock_counts(cycle_breakdown), strict=True),
            *zip(dram_counters(self.machine), dram_counts(self.machine, 0, cycles), strict=True),
        )
        chosen = [(counter, count) for counter, count in counted if counter.action in OF_TIME]
        return self.price([counter for counter, _ in chosen], [count for _, count in chosen])

    @property
    def too_slow(self) -> tuple[SlowBuffer, ...]:
        """Memories that take longer from address to data than the clock's period, which every count assumes they do
        not."""
        period_ns = NS_PER_US / self.machine.technology.clock_mhz
        return tuple(
            SlowBuffer(buffer=area.buffer, access_ns=area.access_ns, period_ns=period_ns)
            for area in self.memory_areas
            if area.access_ns is not None and area.access_ns > period_ns
        )

    def prices_anything(self, counters: Sequence[Counter]) -> bool:
        """Whether some energy of the machine has a price: that of a count of its dataflow, of what goes by time, or
        leakage. One that has none is no machine without energy: its energy is not known."""
        counted = (*counters, *self.clock_counters, *dram_counters(self.machine))
        return any(self.action_pj(counter) for counter in counted) or self.leakage_mw > 0

    @property
    def models_area(self) -> bool:
        """Whether a memory or some logic of the machine has an area."""
        in_memories = any(area.area_mm2 for area in self.memory_areas)
        return in_memories or any(area.area_mm2 for area in self.logic_areas)

    @property
    def not_modelled(self) -> tuple[str, ...]:
        """What costs nothing in a result of this machine, though it would in hardware."""
        table, kinds, dram = self.table, {unit.kind for unit in self.units}, self.machine.dram
        timed = {} if dram is None else {"page misses": dram.row_miss_ns, "turnarounds": dram.turnaround_ns}
        untimed = [what for what, time_ns in timed.items() if time_ns is None]
        by_action = self.machine.energy.on_chip_power_mw is None
        lacks = {
            "control": by_action and not (table.prices_control and "control" in kinds),
            "clock": by_action and not (table.prices_clock and self.flip_flops),
            "logic leakage": by_action and not table.prices_leakage,
            "DRAM activations (page misses)": dram is not None and dram.row_bits is None,
            "DRAM background power": dram is not None and dram.background_mw is None,
            f"time of DRAM {' and '.join(untimed)}": bool(untimed),
            "trunk of the clock tree": by_action and table.prices_clock,
        }
        return (*(what for what, lacking in lacks.items() if lacking), *self.machine.unmodelled())

    @property
    def area_leaves_out(self) -> tuple[str, ...]:
        """What is on the chip, or beside it, but in no area of a result of this machine."""
        is_priced = self.table.prices_control and any(unit.kind == "control" for unit in self.units)
        control = () if is_priced else ("control",)
        return (
            *control, "clock tree", "wires between units", "DRAM interface and pads", *self.machine.unmodelled()
        )  # fmt: skip

    @cached_property
    def price_list(self) -> PriceList:
        """pJ of one action, by resource."""
        machine, table = self.machine, self.table
        memories = {memory.name: estimate for memory, estimate in self._estimates}
        sizes = {unit.action: dict(unit.sizes) for unit in self.units if unit.kind == "control"}

        def access(counter: Counter) -> float:
            memory = memories[counter.component]
            return {"read": memory.read_pj, "write": memory.write_pj}[counter.action]

        def control(counter: Counter) -> float:
            unit, _, event = counter.action.partition(".")
            if unit not in sizes:
                raise MachineError(f"machine {machine.name}: has no unit {unit!r} that {counter.name} could count")
            return machine.logic.glitch_factor * table.control_pj(unit, event, sizes[unit])

        def clock(counter: Counter) -> float:
            return counter.bits * table.clock_pj(machine.logic.clock_gating, counter.action == "active")

        def dram(counter: Counter) -> float:
            return _dram_pj(machine, counter)

        def pe_cycle(counter: Counter) -> float:
            crossbar = getattr(machine, "crossbar", None)
            if not isinstance(crossbar, Crossbar):
                raise MachineError(f"machine {machine.name}: has no crossbar that {counter.name} could count")
            return pe_cycle_pj(crossbar, counter.bits, crossbar_constants(machine.technology.node_nm))

        power_mw = machine.energy.on_chip_power_mw
        if power_mw is not None:
            cycle_pj = power_pj(power_mw, 1, machine.technology.clock_mhz)
            unpriced: tuple[Resource, ...] = ("sram", "logic", "control", "crossbar", "wire", "none")
            return {**dict.fromkeys(unpriced, lambda _: 0.0), "clock": lambda _: cycle_pj, "dram": dram}
        return {
            "sram": access,
            "logic": lambda counter: table.action_pj(counter.action, counter.bits),
            "control": control,
            "crossbar": pe_cycle,
            "clock": clock,
            "wire": lambda counter: table.wire_pj_per_bit_mm * counter.bits * um_to_mm(counter.length_um),
            "dram": dram,
            "none": lambda counter: 0.0,
        }

    @cached_property
    def _estimates(self) -> tuple[tuple[Memory, MemoryEstimate], ...]:
        machine = self.machine
        return tuple(
            (memory, estimate_memory(memory, machine.technology, machine.logic, self.table))
            for memory in machine.memories()
        )


MACHINES_KEPT = 16
"""Machines whose prices are kept, those that somebody asked for last."""


def prices_of(machine: Machine) -> MachinePrices:
    """The prices of a machine, which all machines with the same keys have in common: a run asks for them when the
    machine is checked and when its counts are priced, and most runs of a process are on few machines. The `machine` of
    the prices may be another one, from elsewhere. A table of one's own may change, and is read again."""
    if machine.energy.table not in shipped_energy_tables():
        return MachinePrices(machine)
    return _kept_prices(_Keys(type(machine), machine.model_dump_json(), machine))


@dataclass(frozen=True)
class _Keys:
    """All keys of a machine with their values, as JSON, and the machine that was seen with them."""

    machine_type: type[Machine]
    text: str
    machine: Machine = field(compare=False)


@lru_cache(MACHINES_KEPT)
def _kept_prices(keys: _Keys) -> MachinePrices:
    return MachinePrices(keys.machine)


@cache
def dram_traffic(direction: Literal["read", "write"], operand: str) -> Counter:
    """The count of bits of an operand that are read from or written to DRAM."""
    words = "read from" if direction == "read" else "written to"
    return Counter(
        f"dram.{direction}.{operand}", "dram", operand, direction, "dram", "bits", f"bits of {operand} {words} DRAM"
    )


def dram_counters(machine: Machine) -> tuple[Counter, ...]:
    """Counts of the memory beside the bits that it moves, as far as the machine's section `dram` prices them."""
    counters: list[Counter] = []
    if machine.dram is None:
        return ()
    if machine.dram.row_bits is not None:
        counters.append(
            Counter("dram.activate", "dram", ALL_OPERANDS, "activate", "dram", "rows", "a row of DRAM is opened")
        )
    if machine.dram.background_mw is not None:
        counters.append(
            Counter("dram.background", "dram", ALL_OPERANDS, "background", "dram", "cycles", "a cycle goes by")
        )
    return tuple(counters)


def dram_counts(machine: Machine, activations: int, cycles: int) -> tuple[int, ...]:
    """Counts of `dram_counters`."""
    if machine.dram is None:
        return ()
    rows = () if machine.dram.row_bits is None else (activations,)
    return rows if machine.dram.background_mw is None else (*rows, cycles)


def row_activations(row_bits: int | None, *streams_bits: Int64) -> int:
    """Rows of DRAM that streams open, int64 of any shape, one entry a stream, in bits: 0 if rows are not modelled.

    A stream is what one pass moves of one operand one way: it begins at a row's first bit and goes through row after
    row, so that its first access of each is a page miss and all others are hits; between streams, other rows were open.
    """
    if row_bits is None:
        return 0
    return sum(int((-(-bits // row_bits)).sum()) for bits in streams_bits)


def _dram_pj(machine: Machine, counter: Counter) -> float:
    dram = machine.dram
    if dram is None:
        return 0.0
    if counter.action == "activate":
        return dram.activate_pj or 0.0
    if counter.action == "background":
        return power_pj(dram.background_mw or 0.0, 1, machine.technology.clock_mhz)
    if counter.action == "write" and dram.write_energy_pj_per_bit is not None:
        return dram.write_energy_pj_per_bit * counter.bits
    return dram.energy_pj_per_bit * counter.bits


def _cells_um2(table: EnergyTable, unit: LogicUnit) -> float:
    """Area of the cells of all units of a kind, um2."""
    if unit.kind == "arithmetic":
        return unit.count * table.area_um2(unit.action, unit.bits)
    return unit.count * table.control_um2(unit.action, dict(unit.sizes))


def _flip_flops(table: EnergyTable, unit: LogicUnit) -> int:
    return 0 if unit.kind == "arithmetic" else unit.count * table.flip_flops(unit.action, dict(unit.sizes))


def _both(one: LogicArea, other: LogicArea) -> LogicArea:
    return one.model_copy(
        update={
            "area_mm2": one.area_mm2 + other.area_mm2,
            "leakage_mw": one.leakage_mw + other.leakage_mw,
            "flip_flops": one.flip_flops + other.flip_flops,
        }
    )
