"""Unit audit: a published comparison of energies whose parts are in different units, priced again in one.

LoAS (Yin et al., MICRO 2024) compares energies as a sum of four parts: leakage x time, DRAM traffic, SRAM traffic and
pairs of non-zeros. In the script that the authors publish (src/plot/energy_cal_revision.py) the price of a pair is its
power x 2.5 ns, which is in pJ, that of SRAM is per access of 32 bytes and applied to every byte, and both are added to
leakage and DRAM in nJ. Here every part is in pJ. DRAM is priced at each of several prices: the ratio has a band.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from spikecycle.simulator.validation.tables import read_table

CLOCK_MHZ = 800
"""LoAS (MICRO 2024), Table III."""
PAIR_PJ = {"loas_ft": 5.8, "sparten_s": 6.15, "gospa_s": 1.34 * 1.3, "gamma_s": 4.98 * 6 / 8}
"""Energy of a pair of non-zeros, pJ: the authors' script, which adds these as nJ."""
LEAKAGE_MW = {"loas_ft": 0.5 + 124.48, "sparten_s": 0.5 + 124.48, "gospa_s": 31 + 148, "gamma_s": 0.32 + 148}
"""Leakage of PEs and cache, mW: the authors' script."""
SRAM_ACCESS_PJ, SRAM_ACCESS_BYTES = 68.1, 32
"""An access of the global cache (CACTI at 32 nm: the authors' loas_sram.out, mean of read and write), and its width."""
SCRIPT_DRAM_NJ_PER_BYTE = 2.9
DRAM_PJ_PER_BIT = 3.9
"""HBM2, which LoAS has: 31.2 pJ per byte."""
KIB = 1024
REFERENCE = "loas_ft"
SOURCE = "LoAS (Yin et al., MICRO 2024; RuokaiYin/LoAS), counts and coefficients of its published scripts"
HEAD = (
    "network", "machine", "energy over LoAS-FT: published", "script", "one unit", "least", "most", "leakage", "DRAM",
    "SRAM", "pairs",
)  # fmt: skip


@dataclass(frozen=True)
class CountedRun:
    """A network on a machine, as counted by the authors. pairs: of non-zeros. dram_kib, sram_kib: traffic."""

    network: str
    machine: str
    cycles: int
    pairs: int
    dram_kib: float
    sram_kib: float
    published_ratio: float

    @property
    def script_nj(self) -> float:
        """The sum as the script makes it, called nJ there."""
        return (
            self.cycles / CLOCK_MHZ * LEAKAGE_MW[self.machine]
            + SCRIPT_DRAM_NJ_PER_BYTE * self.dram_kib * KIB
            + SRAM_ACCESS_PJ / 1e3 * self.sram_kib * KIB
            + PAIR_PJ[self.machine] * self.pairs
        )

    def parts_pj(self, dram_pj_per_bit: float) -> dict[str, float]:
        """Energy by part, all in pJ."""
        return {
            "leakage": self.cycles / CLOCK_MHZ * LEAKAGE_MW[self.machine] * 1e3,
            "DRAM": self.dram_kib * KIB * 8 * dram_pj_per_bit,
            "SRAM": self.sram_kib * KIB / SRAM_ACCESS_BYTES * SRAM_ACCESS_PJ,
            "pairs": self.pairs * PAIR_PJ[self.machine],
        }

    def energy_pj(self, dram_pj_per_bit: float) -> float:
        """All of it, pJ."""
        return sum(self.parts_pj(dram_pj_per_bit).values())


@dataclass(frozen=True)
class Repriced:
    """A run beside the reference of its network. ratios: energy over the reference's."""

    run: CountedRun
    script_ratio: float
    ratio: float
    least: float
    most: float

    @property
    def shares(self) -> dict[str, float]:
        """Each part of its energy."""
        parts = self.run.parts_pj(DRAM_PJ_PER_BIT)
        return {name: part / sum(parts.values()) for name, part in parts.items()}

    def cells(self) -> tuple[str, ...]:
        """For a table."""
        run = self.run
        ratios = (run.published_ratio, self.script_ratio, self.ratio, self.least, self.most)
        return (
            run.network, run.machine, *(f"{ratio:.2f}" for ratio in ratios),
            *(f"{100 * share:.0f} %" for share in self.shares.values()),
        )  # fmt: skip


def counted_runs() -> tuple[CountedRun, ...]:
    """The shipped counts."""
    return tuple(
        CountedRun(
            line["network"], line["machine"], int(line["cycles"]), int(line["pairs"]), float(line["dram_kib"]),
            float(line["sram_kib"]), float(line["published_ratio"]),
        )
        for line in read_table("loas_energy")
    )  # fmt: skip


def repriced(runs: Sequence[CountedRun], prices: Sequence[float]) -> Iterator[Repriced]:
    """Every run over the reference of its network; prices: of a bit of DRAM, pJ, for the band."""
    references = {run.network: run for run in runs if run.machine == REFERENCE}
    for run in runs:
        reference = references[run.network]
        band = [run.energy_pj(price) / reference.energy_pj(price) for price in prices]
        yield Repriced(
            run,
            run.script_nj / reference.script_nj,
            run.energy_pj(DRAM_PJ_PER_BIT) / reference.energy_pj(DRAM_PJ_PER_BIT),
            min(band),
            max(band),
        )


NOTES = (
    f"energies of LoAS and its baselines: {SOURCE}",
    "script: as the authors' script adds them up, pJ of pairs and 32-byte accesses of SRAM per byte as if nJ; "
    f"one unit: all in pJ, DRAM at {DRAM_PJ_PER_BIT} pJ/bit (HBM2); least and most: over the prices of DRAM above",
)
