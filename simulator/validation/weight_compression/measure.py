"""One point of the study simulated on our machine: layers written as traces, and their energies added up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from spikecycle.simulator.energy import EnergyTable
from spikecycle.simulator.engine import simulate
from spikecycle.simulator.machine.loader import load_machine
from spikecycle.simulator.result import LayerResult
from spikecycle.simulator.validation.weight_compression.compression import GridPoint, Shares, zero_shares
from spikecycle.simulator.validation.weight_compression.workload import (
    POTENTIAL_BITS,
    ROWS,
    read_densities,
    synthetic_layer,
)
from spikecycle.traces import write_trace

MACHINE = "eyeriss_snn"
FORMATS = ("rle", "uop", "ubm", "cp")
PJ_PER_MJ = 1e9
OPERANDS = ("weights", "spikes", "potentials", "outputs")

Report = Callable[[str], None]


@dataclass(frozen=True)
class EnergyBreakdown:
    """Energy of an inference, mJ, by what spends it; DRAM by operand."""

    dram: Mapping[str, float]
    wires: float
    sram: Mapping[str, float]
    arithmetic: float
    cycles: int

    @property
    def total(self) -> float:
        """All of it, mJ."""
        return sum(self.dram.values()) + self.wires + sum(self.sram.values()) + self.arithmetic

    def share(self, part: float) -> float:
        """A part of the total."""
        return part / self.total

    @property
    def dram_share(self) -> float:
        """DRAM's part."""
        return self.share(sum(self.dram.values()))

    def at_wire_price(self, pj_per_bit_mm: float) -> EnergyBreakdown:
        """The same counts, with wires at another price; neither lengths nor the mapping change."""
        return replace(self, wires=self.wires * pj_per_bit_mm / wire_price())


def wire_price() -> float:
    """What the machine pays for wires, pJ/bit/mm."""
    return EnergyTable.load(load_machine(MACHINE).energy.table).wire_pj_per_bit_mm


def add_up(layers: list[LayerResult]) -> EnergyBreakdown:
    """The layers' energies together."""
    dram = dict.fromkeys(OPERANDS, 0.0)
    sram: dict[str, float] = {}
    others = {"wire": 0.0, "logic": 0.0}
    for layer in layers:
        sram["leakage"] = sram.get("leakage", 0.0) + layer.sum_leakage_pj / PJ_PER_MJ
        for counter in layer.counters:
            energy = counter.sum_energy_pj / PJ_PER_MJ
            if counter.resource == "dram":
                dram[counter.operand] += energy
            elif counter.resource == "sram":
                sram[counter.component] = sram.get(counter.component, 0.0) + energy
            elif counter.resource in others:
                others[counter.resource] += energy
    return EnergyBreakdown(dram, others["wire"], sram, others["logic"], sum(layer.sum_cycles for layer in layers))


@dataclass
class Bench:
    """The study's network on a machine; traces are written once for each compression.

    folder: where traces go. given: per-layer shares of zeros (`compression.read_layer_sparsity`). densities: of inputs,
    by layer. report: is told of every simulation. machine: its name.
    """

    folder: Path
    given: dict[str, Shares]
    densities: dict[str, float] = field(default_factory=read_densities)
    potential_bits: int = POTENTIAL_BITS
    report: Report = lambda line: None
    machine: str = MACHINE
    _known: dict[tuple[str, str, int, tuple[float, ...]], EnergyBreakdown] = field(default_factory=dict)

    def traces(self, point: GridPoint) -> list[Path]:
        """A trace for each number of timesteps: a trace has one, rows of the study two."""
        shares = zero_shares(point, self.given)
        paths = []
        for timesteps in sorted({row.T for row in ROWS}):
            path = self.folder / f"{point.method}_{point.weight_bits}_{point.pruned}_{timesteps}.h5"
            if not path.exists():
                rows = [row for row in ROWS if timesteps == row.T]
                layers = [
                    synthetic_layer(
                        row, self.densities[row.name], shares[row.name], point.weight_bits, self.potential_bits
                    )
                    for row in rows
                ]
                write_trace(path, layers, provenance={"model": "synthetic", "compression": str(point)})
            paths.append(path)
        return paths

    def energy(self, format_name: str, point: GridPoint, settings: Mapping[str, Any] | None = None) -> EnergyBreakdown:
        """Simulate a point in a format; once only, if two methods leave the same zeros."""
        changes = repr(sorted((settings or {}).items()))
        same = (format_name, changes, point.weight_bits, tuple(zero_shares(point, self.given).values()))
        if same not in self._known:
            layers: list[LayerResult] = []
            for path in self.traces(point):
                layers += simulate(path, self.machine, formats={"weights": format_name}, settings=settings).layers
            self._known[same] = add_up(layers)
        energy = self._known[same]
        self.report(f"{format_name} {point}: {energy.total:.2f} mJ")
        return energy
