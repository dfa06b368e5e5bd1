"""Where on the chip it happens: accesses of every memory, their energy, and how busy its ports are."""

from __future__ import annotations

from collections.abc import Sequence

from spikecycle.simulator.report.charts.heat import heat_map
from spikecycle.simulator.report.figures import accesses, dram_bits, share
from spikecycle.simulator.report.page.chart import Chart, DataTable, Draw, Value
from spikecycle.simulator.result import BufferArea, LayerResult, RunResult


def memory_chart(key: str, result: RunResult) -> Chart | None:
    """Accesses of every memory and of DRAM by operator, with their energy and how busy ports and banks are; None where
    no access is counted."""
    samples, columns = len(result.samples), [layer.name for layer in result.layers]
    places = [(buffer, action) for buffer in result.buffers for action in ("read", "write")]
    places = [place for place in places if any(_count(layer, *place) for layer in result.layers)]
    names = [f"{buffer.buffer} {action}" for buffer, action in places]
    counts = [[_count(layer, *place) / samples for layer in result.layers] for place in places]
    energies = [[_energy_pj(layer, *place) / samples for layer in result.layers] for place in places]
    busy_of = [buffer for buffer in result.buffers if any(_both(layer, buffer) for layer in result.layers)]
    busy = [[100 * _busy(layer, buffer) for layer in result.layers] for buffer in busy_of]
    dram = [[bits / 8 / samples for bits in (dram_bits(layer)[way] for layer in result.layers)] for way in (0, 1)]
    views: dict[str, Draw] = {}
    if places:
        busy_names = [buffer.buffer for buffer in busy_of]
        views["accesses"] = _map("Accesses of each memory by operator", names, columns, counts, "accesses", is_log=True)
        views["energy, pJ"] = _map("Energy of each memory by operator", names, columns, energies, "pJ", is_log=True)
        views["how busy, %"] = _map(
            "How busy the ports of each memory are", busy_names, columns, busy, "% of its accesses"
        )
    if any(value for row in dram for value in row):
        views["DRAM, bytes"] = _map(
            "Bytes between chip and DRAM by operator", ["DRAM read", "DRAM write"], columns, dram, "B", is_log=True
        )
    if not views:
        return None
    rows: list[Sequence[Value]] = [
        (
            layer.name,
            buffer.buffer,
            action,
            _count(layer, buffer, action) / samples,
            _energy_pj(layer, buffer, action) / samples,
            buffer.instances,
            buffer.banks,
            buffer.width_bits,
        )
        for layer in result.layers
        for buffer, action in places
    ]
    heads = (
        "operator",
        "memory",
        "action",
        "accesses per inference",
        "energy per inference (pJ)",
        "instances",
        "banks per instance",
        "word (bits)",
    )
    return Chart(
        f"{key}-memories",
        "Accesses by memory",
        "One inference. An access is a word of the memory's full width. How busy: accesses over what all instances, "
        "banks and ports together could do in the operator's cycles; 100 % would be an access of each in every cycle.",
        views,
        DataTable(heads, rows),
        short="Memories",
    )


def _map(
    title: str,
    rows: Sequence[str],
    columns: Sequence[str],
    cells: Sequence[Sequence[float]],
    unit: str,
    *,
    is_log: bool = False,
    row_height: float = 26,
) -> Draw:
    return lambda width, key: heat_map(
        width, key, title, rows, columns, cells, unit, is_log=is_log, row_height=row_height
    )


def _count(layer: LayerResult, buffer: BufferArea, action: str) -> int:
    return accesses(layer, buffer.buffer, action)


def _both(layer: LayerResult, buffer: BufferArea) -> int:
    return _count(layer, buffer, "read") + _count(layer, buffer, "write")


def _busy(layer: LayerResult, buffer: BufferArea) -> float:
    """Accesses over what all of its banks and ports could do in the operator's cycles."""
    return share(_both(layer, buffer), layer.sum_cycles * buffer.instances * buffer.banks * buffer.ports)


def _energy_pj(layer: LayerResult, buffer: BufferArea, action: str) -> float:
    return sum(
        counter.sum_energy_pj
        for counter in layer.counters
        if counter.resource == "sram" and counter.component == buffer.buffer and counter.action == action
    )
