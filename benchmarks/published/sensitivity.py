"""Sensitivity of the ratios to assumed parameters of machine and workload, changed one at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.published.activity_table import read_activity
from benchmarks.published.compare import table
from benchmarks.published.figures import GROUPS_WIRE_PJ_PER_BIT_MM, PLAIN, PRUNED_80, RATIOS, TERNARY, Run
from spikecycle.simulator.validation.weight_compression import workload as network
from spikecycle.simulator.validation.weight_compression.compression import GridPoint
from spikecycle.simulator.validation.weight_compression.measure import Bench, EnergyBreakdown

FLOAT, NETWORKS = "float", {TERNARY: "ternary", PRUNED_80: "pruned80"}
"""Networks of activity.csv by what they stand for; the float one for all others."""
POINTS = (TERNARY, PRUNED_80, PLAIN)
RUNS: tuple[Run, ...] = tuple((name, point) for name in ("rle", "uop") for point in POINTS)


@dataclass(frozen=True)
class Variant:
    """A change: settings of the machine; densities of inputs; bits of potentials; the price of DRAM or of wires.

    data: whose densities are taken instead; each_its_own: of the network compressed so, where there is one, instead of
    the float one. density_factor multiplies either. Prices change neither counts nor the mapping: nothing is simulated
    again for them.
    """

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    data: str | None = None
    each_its_own: bool = False
    density_factor: float = 1.0
    potential_bits: int = network.POTENTIAL_BITS
    dram_factor: float = 1.0
    wire_pj_per_bit_mm: float | None = None

    def densities(self, own: Mapping[str, float], point: GridPoint) -> dict[str, float]:
        """Densities for a point of the grid, where those of the bench are `own`."""
        trained = NETWORKS.get(point, FLOAT) if self.each_its_own else FLOAT
        found = own if self.data is None else read_activity(self.data, trained)
        return {name: min(1.0, self.density_factor * density) for name, density in found.items()}

    @property
    def simulates(self) -> bool:
        """Whether counts change, and not only prices."""
        layers = (self.data, self.density_factor, self.potential_bits) != (None, 1.0, network.POTENTIAL_BITS)
        return layers or bool(self.settings)

    def priced(self, energy: EnergyBreakdown) -> EnergyBreakdown:
        """An energy at this variant's prices."""
        dram = {operand: self.dram_factor * part for operand, part in energy.dram.items()}
        priced = replace(energy, dram=dram)
        return priced if self.wire_pj_per_bit_mm is None else priced.at_wire_price(self.wire_pj_per_bit_mm)


def _set(name: str, **settings: Any) -> Variant:
    return Variant(name, {key.replace("__", "."): value for key, value in settings.items()})


VARIANTS = (
    Variant("as described"),
    _set("768 PEs (24 x 32)", dataflow__rows=24, dataflow__columns=32),
    _set("8 PE columns", dataflow__columns=8),
    Variant("DRAM 4 pJ/bit instead of 8", dram_factor=4 / 8),
    Variant("DRAM 12.45 pJ/bit", dram_factor=12.45 / 8),
    Variant("wires at 0.325 pJ/bit/mm", wire_pj_per_bit_mm=GROUPS_WIRE_PJ_PER_BIT_MM),
    Variant("input densities x 0.5", density_factor=0.5),
    Variant("input densities x 2", density_factor=2.0),
    Variant("each compression its own densities", data="synthetic_gestures", each_its_own=True),
    Variant("densities of N-MNIST", data="nmnist"),
    Variant("N-MNIST, each its own densities", data="nmnist", each_its_own=True),
    _set("global buffer 50 KiB", buffers__global_buffer__size_kib=50),
    _set("global buffer 200 KiB", buffers__global_buffer__size_kib=200),
    _set("runs of 4 bits", formats__weights__run_bits=4),
    _set("psums wait in global buffer", dataflow__psums_wait_in="global_buffer"),
    _set("mapped for energy alone", dataflow__objective="energy"),
    _set("potentials in global buffer", dataflow__potentials_wait_in="global_buffer"),
    _set("activations of 8 bits", dataflow__activation_bits=8),
    _set(
        "8-bit activations, potentials in buffer",
        dataflow__activation_bits=8,
        dataflow__potentials_wait_in="global_buffer",
    ),
    _set("activations of 1 bit", dataflow__activation_bits=1),
    Variant("potentials of 16 bits", potential_bits=16),
    _set("timesteps batched", dataflow__time_batching=True),
    _set("zeros in place are moved", dataflow__zeros__weights_at_dram="none"),
)


def sensitivity(
    bench: Bench, base: Mapping[Run, EnergyBreakdown]
) -> Iterator[tuple[Variant, dict[Run, EnergyBreakdown]]]:
    """The runs of every variant; those that are not changed come from `base`."""
    for variant in VARIANTS:
        if not variant.simulates:
            yield variant, {run: variant.priced(base[run]) for run in RUNS}
            continue
        bench.report(f"{variant.name}:")
        found = {}
        for run in RUNS:
            densities = variant.densities(bench.densities, run[1])
            changed = _with(bench, densities, variant.potential_bits)
            found[run] = variant.priced(changed.energy(*run, settings=variant.settings))
        yield variant, found


def _with(bench: Bench, densities: dict[str, float], potential_bits: int) -> Bench:
    """The bench itself, or one with other layers, whose traces have a folder of their own."""
    if (densities, potential_bits) == (bench.densities, bench.potential_bits):
        return bench
    folder = bench.folder / hashlib.sha256(repr((sorted(densities.items()), potential_bits)).encode()).hexdigest()[:16]
    folder.mkdir(exist_ok=True)
    return replace(bench, folder=folder, densities=densities, potential_bits=potential_bits, _known={})


def sensitivity_table(results: list[tuple[Variant, dict[Run, EnergyBreakdown]]], published: Mapping[Run, float]) -> str:
    """Ratios and shares of every variant, under the published ones."""
    ratios = [ratio for ratio in RATIOS if ratio.above in RUNS and ratio.below in RUNS]
    head = ["", *(ratio.name for ratio in ratios), "DRAM", "wires"]
    rows = [["published", *(f"{published[r.above] / published[r.below]:.3f}" for r in ratios), "70-82 %", "12-20 %"]]
    for variant, energies in results:
        cells = [f"{energies[r.above].total / energies[r.below].total:.3f}" for r in ratios]
        dram = [energy.dram_share for energy in energies.values()]
        wires = [energy.share(energy.wires) for energy in energies.values()]
        cells += [f"{100 * np.min(s):.0f}-{100 * np.max(s):.0f} %" for s in (dram, wires)]
        rows.append([variant.name, *cells])
    return table("Sensitivity: what one change does", head, rows)


def densities_of(path: str | None) -> dict[str, float]:
    """Densities from a file, or the project's own."""
    return network.read_densities(Path(path)) if path else network.read_densities()
