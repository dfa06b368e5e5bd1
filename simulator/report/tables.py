"""The result of `spikecycle simulate` as a person reads it. Counts are means per inference."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from spikecycle.sheet import Column, Fitting, fitting_sheets, names
from spikecycle.simulator.report import human
from spikecycle.simulator.report.figures import accesses, energy_by_kind_pj, occurring, shape_text, share
from spikecycle.simulator.report.human import NOTHING
from spikecycle.simulator.report.parts_table import StackedPart, parts_table
from spikecycle.simulator.report.totals import WARNING, footnotes, heading, totals, warnings
from spikecycle.simulator.result import LayerResult, RunResult
from spikecycle.simulator.units import pj_to_j

_ALL = "all"


def run_report(result: RunResult) -> RenderableType:
    """Heading, four tables (layers, cycles, accesses, energy), totals and footnotes."""
    parts: list[RenderableType] = [
        heading(result),
        layer_table(result),
        cycle_table(result),
        access_table(result),
        energy_table(result),
        totals(result),
        *(Text(line, style=WARNING) for line in warnings(result.too_slow, result.clock_mhz)),
        footnotes(result),
    ]
    return Group(*(line for part in parts for line in (part, Text())))


def layer_table(result: RunResult) -> Fitting:
    """What each layer has to do, and what it costs."""

    def spikes(layer: LayerResult) -> int:
        return layer.sum_input_spikes - layer.sum_input_currents

    n, layers = len(result.samples), result.layers
    storages = [layer.storage for layer in layers]
    weights = sum(storage.weights for storage in storages)
    factor, unit = human.common_si([pj_to_j(result.energy_per_inference_pj)], "J")
    columns = {
        "layer": names("layer", [layer.name for layer in layers], _ALL),
        "shape": Column("shape", [shape_text(layer.operator, layer.shape) for layer in layers], justify="left"),
        "spikes": Column(
            "input\nspikes",
            [NOTHING if layer.takes_only_currents else human.count(spikes(layer) / n) for layer in layers],
            human.count(sum(spikes(layer) for layer in layers) / n),
        ),
        "density": Column(
            "density\n%",
            [NOTHING if layer.takes_only_currents else human.percent(layer.input_density) for layer in layers],
        ),
        "zero": Column(
            "zero\nweights %",
            [human.percent(share(storage.zero_weights, storage.weights)) for storage in storages],
            human.percent(share(sum(storage.zero_weights for storage in storages), weights)),
        ),
        "stored": Column(
            "stored bits\nper weight",
            [_bits_per_weight(result, storage.stored_bits, storage.weights) for storage in storages],
            _bits_per_weight(result, sum(storage.stored_bits for storage in storages), weights),
        ),
        "operations": Column(
            "synaptic\noperations",
            [human.count(layer.synaptic_operations_per_inference) for layer in layers],
            human.count(result.synaptic_operations_per_inference),
        ),
        "cycles": Column(
            "cycles",
            [human.count(layer.cycles_per_inference) for layer in layers],
            human.count(result.cycles_per_inference),
        ),
        "busy": Column(
            "PE use\n%", [human.percent(layer.utilization) for layer in layers], human.percent(result.utilization)
        ),
        "energy": Column(
            f"energy\n{unit}",
            [human.digits(pj_to_j(layer.energy_per_inference_pj) * factor) for layer in layers],
            human.digits(pj_to_j(result.energy_per_inference_pj) * factor),
        ),
    }
    dropped = [
        set(),
        {"zero", "stored"},
        {"zero", "stored", "shape"},
        {"zero", "stored", "shape", "busy", "density"},
        {"zero", "stored", "shape", "busy", "density", "spikes"},
    ]
    return fitting_sheets(
        *(("Layers, per inference", [column for key, column in columns.items() if key not in keys]) for keys in dropped)
    )


def _bits_per_weight(result: RunResult, stored_bits: int, weights: int) -> str:
    """Stored bits per weight, where the machine has a weight format."""
    return human.digits(share(stored_bits, weights)) if result.weight_format and weights else "-"


def cycle_table(result: RunResult) -> Fitting:
    """Where each layer's cycles go: to compute, or to one named stall."""
    layers = result.layers
    lead = [
        names("layer", [layer.name for layer in layers], _ALL),
        Column(
            "cycles",
            [human.count(layer.cycles_per_inference) for layer in layers],
            human.count(result.cycles_per_inference),
        ),
        Column("of all\n%", [human.percent(share(layer.sum_cycles, result.sum_cycles)) for layer in layers]),
    ]
    parts = [
        StackedPart(
            category,
            [layer.sum_cycle_breakdown.get(category, 0) for layer in layers],
            result.sum_cycle_breakdown[category],
        )
        for category in occurring(result, lambda layer: layer.sum_cycle_breakdown)
    ]
    return parts_table("Cycles per inference, and the share of each category in %", lead, parts)


def access_table(result: RunResult) -> Fitting:
    """Bits over the DRAM's pins, and reads and writes of every buffer, each of the buffer's full width."""
    n, layers = len(result.samples), result.layers
    columns = [names("layer", [layer.name for layer in layers], _ALL)]
    for title, of_layer in (("read", "sum_dram_read_bits"), ("write", "sum_dram_write_bits")):
        amounts = [sum(getattr(layer, of_layer).values()) / n for layer in layers]
        columns.append(
            Column(f"DRAM\n{title}", [human.bits_in_kib(bits) for bits in amounts], human.bits_in_kib(sum(amounts)))
        )
    for buffer in (area.buffer for area in result.buffers):
        for action in ("read", "write"):
            counts = [accesses(layer, buffer, action) / n for layer in layers]
            columns.append(
                Column(f"{buffer}\n{action}s", [human.count(value) for value in counts], human.count(sum(counts)))
            )
    return fitting_sheets(("Accesses per inference (buffers: words of their width)", columns))


def energy_table(result: RunResult) -> Fitting:
    """What each layer's energy is spent on."""
    layers = result.layers
    factor, unit = human.common_si([pj_to_j(result.energy_per_inference_pj)], "J")
    kinds = [energy_by_kind_pj(layer) for layer in layers]
    lead = [
        names("layer", [layer.name for layer in layers], _ALL),
        Column(
            f"energy\n{unit}",
            [human.digits(pj_to_j(layer.energy_per_inference_pj) * factor) for layer in layers],
            human.digits(pj_to_j(result.energy_per_inference_pj) * factor),
        ),
        Column("of all\n%", [human.percent(share(layer.sum_energy_pj, result.sum_energy_pj)) for layer in layers]),
        Column(
            "pJ per\nSOP",
            [human.digits(share(layer.sum_energy_pj, layer.sum_synaptic_operations)) for layer in layers],
            human.digits(share(result.sum_energy_pj, result.sum_synaptic_operations)),
        ),
    ]
    parts = [
        StackedPart(kind, [of_layer[kind] for of_layer in kinds], sum(of_layer[kind] for of_layer in kinds))
        for kind in occurring(result, energy_by_kind_pj)
    ]
    return parts_table("Energy per inference, and the share of each kind in %", lead, parts)
