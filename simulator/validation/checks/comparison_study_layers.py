"""The comparison study of Prosperity (HPCA 2025): networks layer by layer with their splits, and as a whole.

Shipped is the table of AlexNet; without its spikes, what does not depend on them is compared: everything of the dense
array, all neurons, and traffic. A folder may have, beside `NAME_layers.csv` of the same columns, an archive of spikes
`NAME_*.npz` (see `spike_files`): then everything is, of every such network.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from spikecycle.simulator.errors import UsageError
from spikecycle.simulator.result import LayerResult, RunResult
from spikecycle.simulator.validation import CHECKS, Check, Row
from spikecycle.simulator.validation.spike_files import LayerSpikes, read_layers, run_network
from spikecycle.simulator.validation.tables import read_table

SOURCE = "public simulator of Prosperity (Wei et al., HPCA 2025)"
MACHINES = ("eyeriss", "ptb", "sato", "mint", "prosperity_bit", "prosperity")
LAYERS, SPIKES = "_layers.csv", ".npz"
HIDING = ("prosperity_bit", "prosperity")
"""Machines on which a network waits for a part of its neurons only (column `prosperity_lif_exposed`)."""
TILE_CHANNELS = 128
"""Output channels of a tile (Prosperity, HPCA 2025, Table III)."""
ROUNDED = 1e-4
"""Tolerance where theirs is no whole number of cycles (deviation S1)."""
DEVIATION_S1 = "deviation S1: ours are whole cycles"


def _cause(*names: str) -> Callable[[LayerResult], int]:
    return lambda layer: sum(layer.sum_cycle_breakdown.get(name, 0) for name in names)


def _count(name: str) -> Callable[[LayerResult], int]:
    return lambda layer: next((each.sum_count for each in layer.counters if each.name == name), 0)


def _bits(layer: LayerResult) -> int:
    return sum(layer.sum_dram_read_bits.values())


def _written_bits(layer: LayerResult) -> int:
    return sum(layer.sum_dram_write_bits.values())


def _im2col_spikes(layer: LayerResult) -> int:
    """All weights of the networks here are 1: each spike of the matrix is a synaptic operation of every channel."""
    channels = layer.shape["M"]
    assert isinstance(channels, int)
    return layer.sum_synaptic_operations // channels


_STALLS = ("dram_fill", "dram_traffic")
SPLITS: dict[str, tuple[str, str, Callable[[LayerResult], int]]] = {
    "ptb_compute": ("ptb", "compute cycles", _cause("compute")),
    "ptb_mem_stall": ("ptb", "stall cycles", _cause(*_STALLS)),
    "ptb_dram_read_bits": ("ptb", "bits read from DRAM", _bits),
    "ptb_dram_write_bits": ("ptb", "bits written to DRAM", _written_bits),
    "prosperity_bit_compute": ("prosperity_bit", "compute cycles", _cause("compute")),
    "prosperity_bit_mem_stall": ("prosperity_bit", "stall cycles", _cause(*_STALLS)),
    "prosperity_compute": ("prosperity", "compute cycles", _cause("compute")),
    "prosperity_mem_stall": ("prosperity", "stall cycles", _cause(*_STALLS)),
    "prosperity_adds_cycles": ("prosperity", "cycles of additions", _count("adders.add")),
    "prosperity_preparation_cycles": ("prosperity", "cycles of preparation", _count("detector.prepare")),
    "spikes_in_map": ("prosperity", "spikes of its input", lambda layer: layer.sum_input_spikes),
    "spikes_in_im2col": ("prosperity", "spikes of its im2col matrix", _im2col_spikes),
    "prosperity_dram_read_bits": ("prosperity", "bits read from DRAM", _bits),
    "prosperity_dram_write_bits": ("prosperity", "bits written to DRAM", _written_bits),
}
"""Columns beside the machines' totals: whose they are, what they say, and where a result says it."""
WITHOUT_SPIKES = (
    "ptb_dram_read_bits",
    "ptb_dram_write_bits",
    "prosperity_dram_read_bits",
    "prosperity_dram_write_bits",
)


@dataclass(frozen=True, eq=False)
class _Network:
    """A table and the layers that it is of, in order. names: the stage of each line. known: whether spikes are real."""

    title: str
    lines: Sequence[Mapping[str, str]]
    layers: Sequence[LayerSpikes]
    names: Sequence[str]
    known: bool


def rows(data: Path | None) -> Iterator[Row]:
    """The networks of the folder, and the shipped one where it is not among them."""
    found = sorted(data.glob(f"*{LAYERS}")) if data is not None else []
    networks = [network for table in found if (network := _of_folder(table)) is not None]
    if not any(network.title == "alexnet" for network in networks):
        networks.append(_network("alexnet", read_table("comparison_study_alexnet"), None))
    for network in networks:
        for machine in MACHINES:
            yield from _rows(network, machine, run_network(network.layers, machine))


def _rows(network: _Network, machine: str, result: RunResult) -> Iterator[Row]:
    by_name = {layer.name: layer for layer in result.layers}
    for line, name in zip(network.lines, network.names, strict=True):
        what, layer = f"{network.title} {line['layer']}", by_name[name]
        is_neurons = line["operator"] == "lif"
        if line.get(machine) and (network.known or is_neurons or machine == "eyeriss"):
            yield _row(machine, f"{what}, cycles", layer.sum_cycles, line[machine])
        for column, (owner, words, figure) in SPLITS.items():
            if owner == machine and line.get(column) and (network.known or is_neurons or column in WITHOUT_SPIKES):
                yield _row(machine, f"{what}, {words}", figure(layer), line[column])
        if machine == "prosperity" and network.known and not is_neurons:
            yield from _densities(what, line, layer)
    cells = [line.get(machine) for line in network.lines]
    if all(cells) and (network.known or machine == "eyeriss"):
        exposed = [line.get("prosperity_lif_exposed") if machine in HIDING else "" for line in network.lines]
        theirs = sum(float(shown or cell or 0) for shown, cell in zip(exposed, cells, strict=True))
        yield _row(
            machine,
            f"{network.title} in all, cycles",
            result.sum_cycles,
            f"{theirs:g}" if theirs % 1 else f"{theirs:.0f}",
        )


def _densities(what: str, line: Mapping[str, str], layer: LayerResult) -> Iterator[Row]:
    """Spikes, and additions that are left, over the places of the im2col matrix; additions count once for each tile of
    output channels."""
    places = int(line["T"]) * math.prod(int(str(layer.shape[name])) for name in ("P", "Q", "C", "R", "S"))
    tiles = -(-int(line["M"]) // TILE_CHANNELS)
    for name, column, count, of in (
        ("bit density", "spikes_in_im2col", _im2col_spikes(layer), places),
        ("product density", "prosperity_adds_cycles", _count("adders.add")(layer), places * tiles),
    ):
        if line.get(column):
            yield Row("prosperity", f"{what}, {name}", count / of, int(line[column]) / of, 0, SOURCE)


def _row(machine: str, quantity: str, ours: int, theirs: str) -> Row:
    """A figure; where theirs is no whole number, ours is rounded."""
    number = float(theirs)
    if number == int(number):
        return Row(machine, quantity, ours, int(number), 0, SOURCE)
    return Row(machine, quantity, ours, number, ROUNDED, SOURCE, DEVIATION_S1)


def _of_folder(table: Path) -> _Network | None:
    """The network of a table in the folder; None where its spikes are not there."""
    title = table.name.removesuffix(LAYERS)
    archives = sorted(table.parent.glob(f"{title}_*{SPIKES}"))
    if not archives:
        return None
    try:
        with table.open(newline="", encoding="utf-8") as file:
            lines = list(csv.DictReader(file))
        return _network(title, lines, read_layers(archives[0]))
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise UsageError(f"{table}: is no table of layers: {' '.join(str(error).split())}") from error


def _network(title: str, lines: Sequence[Mapping[str, str]], spikes: Sequence[LayerSpikes] | None) -> _Network:
    """Layers in the order of the table; a line of neurons is of the operator before it."""
    known = {layer.name: layer for layer in spikes or ()}
    layers: list[LayerSpikes] = []
    names: list[str] = []
    for line in lines:
        if line["operator"] == "lif":
            layers[-1] = replace(layers[-1], has_neurons=True)
            names.append(layers[-1].neuron_name)
            continue
        if spikes is not None and line["layer"] not in known:
            raise UsageError(f"{title}: there are no spikes of the layer {line['layer']!r}")
        layer = known[line["layer"]] if spikes is not None else _silent(line)
        layers.append(replace(layer, has_neurons=False))
        names.append(layer.name)
    return _Network(title, lines, layers, names, spikes is not None)


def _silent(line: Mapping[str, str]) -> LayerSpikes:
    """A layer of the shape of a line, without spikes."""
    number = {key: int(line[key] or 1) for key in ("C", "H", "W", "M", "R", "S", "stride", "T")}
    spikes = np.zeros(tuple(number[key] for key in ("T", "C", "H", "W")), np.uint8)
    kernel, padding = (number["R"], number["S"]), int(line["padding"] or 0)
    return LayerSpikes(line["layer"], line["operator"], spikes, number["M"], kernel, number["stride"], padding)


CHECKS.register(
    "comparison_study_layers",
    Check("comparison_study_layers", "cycles, stalls and traffic of networks, layer by layer", MACHINES, (), rows),
)
