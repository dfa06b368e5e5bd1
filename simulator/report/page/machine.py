"""The machine: a block diagram with sizes, and what its parts take of area and leakage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from spikecycle.simulator.report import human
from spikecycle.simulator.report.charts.blocks import Block, machine_blocks
from spikecycle.simulator.report.charts.stacked import BarPart, stacked_bars
from spikecycle.simulator.report.figures import share
from spikecycle.simulator.report.page.chart import Chart, DataTable, Draw
from spikecycle.simulator.result import BufferArea, LogicArea, RunResult


def machine_chart(key: str, result: RunResult) -> Chart:
    """The machine as blocks."""
    elements = result.pes
    shared = [buffer for buffer in result.buffers if elements == 1 or buffer.instances < elements]
    in_element = [buffer for buffer in result.buffers if buffer not in shared]
    dram = result.machine.get("dram")
    dram_block, channel = _dram(dram) if isinstance(dram, Mapping) else (None, "")
    logic = [
        Block(human.label(name), _mm2(sum(area.area_mm2 for area in areas)), "; ".join(map(_of_logic, areas)))
        for name, areas in _by_component(result.logic).items()
    ]

    def draw(width: float, name: str) -> str:
        return machine_blocks(
            width,
            name,
            f"Block diagram of {result.machine['name']}",
            dram_block,
            channel,
            [_block(buffer, buffer.instances) for buffer in shared],
            elements,
            [_block(buffer, buffer.instances // elements) for buffer in in_element],
            logic,
        )

    rows = [
        (
            buffer.buffer,
            buffer.kind,
            buffer.instances,
            buffer.size_kib,
            buffer.width_bits,
            buffer.banks,
            buffer.ports,
            buffer.read_pj,
            buffer.write_pj,
            buffer.access_ns,
            "extrapolated" if buffer.extrapolated else "inside",
        )
        for buffer in result.buffers
    ]
    heads = (
        "memory",
        "kind",
        "instances",
        "size of one (KiB)",
        "word (bits)",
        "banks",
        "ports per bank",
        "read of one (pJ)",
        "write of one (pJ)",
        "access time (ns)",
        "SRAM table",
    )
    return Chart(
        f"{key}-machine",
        "The machine",
        f"{' '.join(str(result.machine.get('describes', '')).split())} Dataflow {result.dataflow}, "
        f"{result.clock_mhz} MHz, {result.assumptions.node_nm:g} nm, overlap {result.overlap}.",
        {"blocks": draw},
        DataTable(heads, rows),
        short="Machine",
    )


def area_chart(key: str, result: RunResult) -> Chart | None:
    """Area and leakage of memories and logic; None where neither is known."""
    areas = {**_named({b.buffer: b.area_mm2 for b in result.buffers}), **_logic_named(result, "area_mm2")}
    leakages = {**_named({b.buffer: b.leakage_mw for b in result.buffers}), **_logic_named(result, "leakage_mw")}
    if not any(areas.values()):
        return None

    def view(amounts: Mapping[str, float], unit: str, title: str) -> Draw:
        largest = sorted((name for name in amounts if amounts[name]), key=lambda name: -amounts[name])
        parts = [BarPart(name, [amounts[name]]) for name in largest]
        return lambda width, name: stacked_bars(width, name, title, [str(result.machine["name"])], parts, unit)

    views = {"area, mm²": view(areas, "mm²", "Area by part")}
    if any(leakages.values()):
        views["leakage, mW"] = view(leakages, "mW", "Leakage by part")
    return Chart(
        f"{key}-area",
        "Area and leakage",
        f"All instances together: {human.digits(result.area_mm2)} mm², of which "
        f"{human.percent(share(result.logic_area_mm2, result.area_mm2))} % logic. Not in the area: "
        f"{', '.join(result.area_leaves_out) or 'nothing that is known'}.",
        views,
        DataTable(
            ("part", "area (mm²)", "leakage (mW)"), [(name, areas[name], leakages.get(name, 0.0)) for name in areas]
        ),
    )


def _named(amounts: Mapping[str, float]) -> dict[str, float]:
    return {f"{name} memory": value for name, value in amounts.items()}


def _logic_named(result: RunResult, figure: str) -> dict[str, float]:
    sums: dict[str, float] = {}
    for area in result.logic:
        name = f"{area.component} {area.kind}"
        sums[name] = sums.get(name, 0.0) + getattr(area, figure)
    return sums


def _by_component(logic: Sequence[LogicArea]) -> dict[str, list[LogicArea]]:
    found: dict[str, list[LogicArea]] = {}
    for area in logic:
        found.setdefault(area.component, []).append(area)
    return found


def _block(buffer: BufferArea, instances: int) -> Block:
    size = f"{human.digits(buffer.size_kib)} KiB, {buffer.width_bits} bit words" if buffer.size_kib else buffer.kind
    banks = f", {buffer.banks} banks" if buffer.banks > 1 else ""
    times = f"{instances} x " if instances > 1 else ""
    tip = (
        f"{buffer.buffer}: {buffer.instances} x {size}{banks}, {buffer.ports} port{'s' if buffer.ports > 1 else ''}; "
        f"read {human.digits(buffer.read_pj)} pJ, write {human.digits(buffer.write_pj)} pJ; {_mm2(buffer.area_mm2)} in "
        "all"
    )
    return Block(buffer.buffer, f"{times}{size}{banks}", tip)


def _dram(dram: Mapping[str, Any]) -> tuple[Block, str]:
    energy, bandwidth, latency = (
        dram.get(key) for key in ("energy_pj_per_bit", "bandwidth_gbit_per_s", "latency_ns")
    )  # fmt: skip
    words = ", ".join(
        f"{value:g} {unit}"
        for value, unit in ((energy, "pJ per bit"), (latency, "ns latency"))
        if isinstance(value, int | float)
    )
    channel = f"{bandwidth:g} Gbit/s" if isinstance(bandwidth, int | float) else ""
    return Block("DRAM", words, f"DRAM: {words}; {channel}"), channel


def _of_logic(area: LogicArea) -> str:
    leakage = f", {human.digits(area.leakage_mw)} mW of leakage" if area.leakage_mw else ""
    return f"{area.component}, {area.kind}: {_mm2(area.area_mm2)}{leakage}"


def _mm2(area_mm2: float) -> str:
    return f"{human.digits(area_mm2)} mm²"
