"""What bounds each operator: the adders, the PEs, the DRAM channel, or the ports of a memory.

Drawn is a roof for each level of memory. Which one is the lowest is told by `explore.bounds`, as in `advise`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from spikecycle.simulator.explore.bounds import operator_bounds
from spikecycle.simulator.report import human
from spikecycle.simulator.report.charts.roofline import roofline
from spikecycle.simulator.report.charts.scatter import Point
from spikecycle.simulator.report.figures import accesses, dram_bits, share
from spikecycle.simulator.report.page.chart import Chart, DataTable, Draw, Value
from spikecycle.simulator.result import BufferArea, LayerResult, RunResult
from spikecycle.simulator.units import channel_cycles_per_bit


@dataclass(frozen=True)
class Level:
    """One level of memory. bits_per_cycle: at most, all instances, banks and ports. bits: that an operator moves."""

    name: str
    bits_per_cycle: float
    bits: Callable[[LayerResult], float]


def roofline_chart(key: str, result: RunResult) -> Chart | None:
    """A roof for each level of memory; None where adders or work are not known."""
    peak = result.peak_additions_per_cycle
    if not peak or not result.sum_synaptic_operations:
        return None
    views: dict[str, Draw] = {}
    rows: list[tuple[Value, ...]] = []
    bounds: dict[str, list[str]] = {}
    found = [level for level in levels(result) if any(level.bits(layer) for layer in result.layers)]
    for level in found:
        views[level.name] = _view(result, level, peak)
    for layer, bound in zip(result.layers, operator_bounds(result), strict=True):
        if not layer.sum_synaptic_operations or not layer.sum_cycles:
            continue
        speed = layer.sum_synaptic_operations / layer.sum_cycles
        bounds.setdefault(bound.bound_by, []).append(layer.name)
        rows.append((layer.name, speed, bound.bound_by, speed / bound.share_of_bound, 100 * bound.share_of_bound))
    if not views:
        return None
    said = "; ".join(f"{name} for {', '.join(layers)}" for name, layers in bounds.items())
    return Chart(
        f"{key}-roofline",
        "Roofline",
        "A point is an operator: how many SOPs it does in a cycle, over how many it has for each bit that is moved. It "
        f"cannot lie above its roof; how far below it lies is lost to stalls. The lowest roof is that of {said}. As in "
        "spikecycle advise, roofs are those of the adders, the PEs (not drawn: their useful work, spread over them "
        "all), the ports of each memory and the DRAM channel.",
        views,
        DataTable(
            ("operator", "speed (SOP per cycle)", "lowest roof", "that roof (SOP per cycle)", "of that roof (%)"), rows
        ),
        short="Roofline",
    )


def levels(result: RunResult) -> list[Level]:
    """The DRAM channel, if there is one whose bandwidth counts, and every memory whose size is known."""
    found = []
    dram = result.machine.get("dram")
    bandwidth = dram.get("bandwidth_gbit_per_s") if isinstance(dram, dict) else None
    if isinstance(bandwidth, int | float) and not result.assumptions.ideal_memory:
        per_cycle = 1 / float(channel_cycles_per_bit(bandwidth, result.clock_mhz))
        found.append(Level("DRAM channel", per_cycle, lambda layer: float(sum(dram_bits(layer)))))
    found += [_level(buffer) for buffer in result.buffers if buffer.width_bits]
    return found


def _level(buffer: BufferArea) -> Level:
    def bits(layer: LayerResult) -> float:
        both = accesses(layer, buffer.buffer, "read") + accesses(layer, buffer.buffer, "write")
        return float(both * buffer.width_bits)

    return Level(buffer.buffer, float(buffer.instances * buffer.banks * buffer.ports * buffer.width_bits), bits)


def _view(result: RunResult, level: Level, peak: int) -> Draw:
    points = []
    for layer in result.layers:
        bits, operations = level.bits(layer), layer.sum_synaptic_operations
        if not bits or not operations or not layer.sum_cycles:
            continue
        x, y = operations / bits, operations / layer.sum_cycles
        roof = min(peak, x * level.bits_per_cycle)
        tip = (
            f"{layer.name}: {human.digits(y)} SOP per cycle, {human.digits(x)} SOP per bit; "
            f"{human.percent(share(y, roof))} % of its roof"
        )
        points.append(Point(x, y, layer.name, tip))
    axes = (f"SOP per bit moved ({level.name})", "SOP per cycle")
    roofs = (
        f"flat roof: the adders, {human.digits(peak)} SOP per cycle",
        f"slanting roof: {level.name}, {human.digits(level.bits_per_cycle)} bits per cycle",
    )
    return lambda width, key: roofline(
        width, key, f"Roofline with {level.name}", points, peak, level.bits_per_cycle, axes, roofs
    )
