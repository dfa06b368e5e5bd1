"""What the assumed parameters of machine and workload do to the ratios: one changed at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.published import network
from benchmarks.published.compare import table
from benchmarks.published.figures import PLAIN, PRUNED_80, RATIOS, TERNARY, Run
from benchmarks.published.measure import Bench, Energy

POINTS = (TERNARY, PRUNED_80, PLAIN)
RUNS: tuple[Run, ...] = tuple((name, point) for name in ("rle", "uop") for point in POINTS)


@dataclass(frozen=True)
class Variant:
    """A change: settings of the machine, or a factor on the densities of inputs."""

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    density_factor: float = 1.0


def _set(name: str, **settings: Any) -> Variant:
    return Variant(name, {key.replace("__", "."): value for key, value in settings.items()})


TWICE_AS_LONG = {"dram_um": 2400, "pe_pitch_um": 340, "in_pe_um": 170}
VARIANTS = (
    Variant("as described"),
    _set("768 PEs (24 x 32)", dataflow__rows=24, dataflow__columns=32),
    _set("8 PE columns", dataflow__columns=8),
    _set("DRAM 4 pJ/bit", dram__energy_pj_per_bit=4),
    _set("DRAM 12.45 pJ/bit", dram__energy_pj_per_bit=12.45),
    Variant("input densities x 0.5", density_factor=0.5),
    Variant("input densities x 2", density_factor=2.0),
    _set("global buffer 50 KiB", buffers__global_buffer__size_kib=50),
    _set("global buffer 200 KiB", buffers__global_buffer__size_kib=200),
    _set("runs of 4 bits", formats__weights__run_bits=4),
    _set("wires twice as long", **{f"dataflow__wires__{k}": v for k, v in TWICE_AS_LONG.items()}),
    _set("psums wait in global buffer", dataflow__psums_wait_in="global_buffer"),
    _set("mapped for energy alone", dataflow__objective="energy"),
    _set("potentials in global buffer", dataflow__potentials_wait_in="global_buffer"),
    _set("activations of 8 bits", dataflow__activation_bits=8),
    _set("both of these two", dataflow__activation_bits=8, dataflow__potentials_wait_in="global_buffer"),
    _set("activations of 1 bit", dataflow__activation_bits=1),
    _set("timesteps batched", dataflow__time_batching=True),
    _set("zeros in place are moved", dataflow__zeros__weights_at_dram="none"),
)


def sensitivity(bench: Bench, base: Mapping[Run, Energy]) -> Iterator[tuple[Variant, dict[Run, Energy]]]:
    """The runs of every variant; those that are not changed come from `base`."""
    for variant in VARIANTS:
        changed = bench
        if variant.density_factor != 1:
            folder = bench.folder / f"densities_{variant.density_factor}"
            folder.mkdir(exist_ok=True)
            densities = {name: min(1.0, variant.density_factor * d) for name, d in bench.densities.items()}
            changed = replace(bench, folder=folder, densities=densities)
        if changed is bench and not variant.settings:
            yield variant, {run: base[run] for run in RUNS}
            continue
        bench.report(f"{variant.name}:")
        yield variant, {run: changed.energy(*run, settings=variant.settings) for run in RUNS}


def sensitivity_table(results: list[tuple[Variant, dict[Run, Energy]]], published: Mapping[Run, float]) -> str:
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
