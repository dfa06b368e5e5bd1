"""Where on the chip it happens: accesses of every memory, how busy its ports are, and how evenly PEs work."""

from __future__ import annotations

from collections.abc import Sequence

from spikecycle.simulator.report.charts.heat import heat_map
from spikecycle.simulator.report.figures import accesses, dram_bits, share
from spikecycle.simulator.report.page.chart import Chart, DataTable, Draw, Value
from spikecycle.simulator.result import BufferArea, LayerResult, RunResult

MOST_PES = 32
"""Rows of the map of PEs; of more, neighbours share one."""


def memory_chart(key: str, result: RunResult) -> Chart:
    """Accesses of every memory and of DRAM by operator, with their energy and how busy ports and banks are."""
    samples, columns = len(result.samples), [layer.name for layer in result.layers]
    places = [(buffer, action) for buffer in result.buffers for action in ("read", "write")]
    places = [place for place in places if any(_count(layer, *place) for layer in result.layers)]
    names = [f"{buffer.buffer} {action}" for buffer, action in places]
    counts = [[_count(layer, *place) / samples for layer in result.layers] for place in places]
    energies = [[_energy_pj(layer, *place) / samples for layer in result.layers] for place in places]
    busy_of = [buffer for buffer in result.buffers if any(_both(layer, buffer) for layer in result.layers)]
    busy = [[100 * _busy(layer, buffer) for layer in result.layers] for buffer in busy_of]
    dram = [[bits / 8 / samples for bits in (dram_bits(layer)[way] for layer in result.layers)] for way in (0, 1)]
    views: dict[str, Draw] = {
        "accesses": _map("Accesses of each memory by operator", names, columns, counts, "accesses", is_log=True),
        "energy, pJ": _map("Energy of each memory by operator", names, columns, energies, "pJ", is_log=True),
        "how busy, %": _map(
            "How busy each memory's ports are",
            [buffer.buffer for buffer in busy_of],
            columns,
            busy,
            "% of its accesses",
        ),
    }
    if any(value for row in dram for value in row):
        views["DRAM, bytes"] = _map(
            "Bytes between chip and DRAM by operator", ["DRAM read", "DRAM write"], columns, dram, "B", is_log=True
        )
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
        ("Accesses are counted for each memory, not for each of its banks: what conflicts of banks cost is the "
         "category 'bank conflict' among the cycles.",),
        short="Memories",
    )  # fmt: skip


def pe_chart(key: str, result: RunResult) -> Chart | None:
    """How busy every PE is by operator; None where the dataflow does not tell PEs apart."""
    layers = [layer for layer in result.layers if layer.sum_busy_cycles_by_pe and layer.sum_cycles]
    if not layers:
        return None
    count = max(len(layer.sum_busy_cycles_by_pe) for layer in layers)
    together = -(-count // MOST_PES)
    names = [
        f"PE {first}" if together == 1 else f"PE {first}-{min(first + together, count) - 1}"
        for first in range(0, count, together)
    ]
    cells = [
        [_mean_share(layer, first, together) for layer in layers] for first in range(0, count, together)
    ]  # fmt: skip
    imbalance = [_imbalance(layer) for layer in layers]
    rows = [
        (layer.name, number, cycles / len(result.samples), 100 * cycles / layer.sum_cycles)
        for layer in layers
        for number, cycles in enumerate(layer.sum_busy_cycles_by_pe)
    ]
    columns = [layer.name for layer in layers]
    height = 20.0 if len(names) <= 20 else 9.0
    worst = max(range(len(layers)), key=lambda index: imbalance[index])
    return Chart(
        f"{key}-pes",
        "How evenly the processing elements work",
        "Share of the operator's cycles in which a PE served spikes. A dark row in a light column is a PE that the "
        "others wait for. The busiest PE over the mean of all: "
        f"{imbalance[worst]:.2f} in {layers[worst].name}, the least even operator.",
        {
            "by PE, %": _map("Share of cycles in which each PE works", names, columns, cells, "%", row_height=height),
            "busiest over mean": _map(
                "Busiest PE over the mean of all", ["busiest / mean"], columns, [imbalance], "x the mean"
            ),
        },
        DataTable(("operator", "PE", "cycles serving per inference", "share of the operator's cycles (%)"), rows),
        short="PEs",
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


def _mean_share(layer: LayerResult, first: int, together: int) -> float:
    cycles = layer.sum_busy_cycles_by_pe[first : first + together]
    return 100 * share(sum(cycles), len(cycles) * layer.sum_cycles)


def _imbalance(layer: LayerResult) -> float:
    cycles = layer.sum_busy_cycles_by_pe
    return share(max(cycles), sum(cycles) / len(cycles))
