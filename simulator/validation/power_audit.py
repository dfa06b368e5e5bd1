"""Power audit: a trace on every machine whose power is published, priced by what the chip does and by that power.

The first is this project's: every access, operation and bit of wire that the machine counts, and leakage, at the prices
of its table. The second is the published power times the simulated time. What lies between is what the machine does not
count (results name it), another technology or voltage, and the load at which the power was measured.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from spikecycle.simulator.engine import simulate
from spikecycle.simulator.errors import MappingError
from spikecycle.simulator.units import energy_pj
from spikecycle.simulator.validation.tables import read_table

HEAD = ("machine", "published mW", "of", "cycles", "uJ by actions", "uJ at that power", "times as much")
KEY = "energy.on_chip_power_mw"
NOTES = (
    "energy on the chip, DRAM apart; by actions: what the machine counts, and leakage, at this project's prices; at "
    "that power: published power x time",
    f"as a price of any run: --set {KEY}=MILLIWATTS, and --set {KEY}=null for what the chip does",
)
UJ_PER_PJ = 1e-6


@dataclass(frozen=True)
class PublishedPower:
    """Power of a chip, DRAM apart, mW. what: at which load, or of what."""

    machine: str
    power_mw: float
    what: str
    source: str


@dataclass(frozen=True)
class PricedRun:
    """A trace on a machine: cycles and both energies on the chip, pJ, of all samples; or why it does not run there."""

    power: PublishedPower
    cycles: int = 0
    by_actions_pj: float = 0.0
    at_power_pj: float = 0.0
    refusal: str = ""

    def cells(self) -> tuple[str, ...]:
        """A line of the table."""
        head = (self.power.machine, f"{self.power.power_mw:g}", self.power.what)
        if self.refusal:
            return (*head, "", "", "", "does not run there")
        energies = (f"{pj * UJ_PER_PJ:.3f}" for pj in (self.by_actions_pj, self.at_power_pj))
        ratio = f"{self.at_power_pj / self.by_actions_pj:.1f}" if self.by_actions_pj else "nothing is counted"
        return (*head, f"{self.cycles:,}", *energies, ratio)

    def told(self) -> dict[str, object]:
        """The same for a document."""
        return {
            "machine": self.power.machine,
            "published_power_mw": self.power.power_mw,
            "of": self.power.what,
            "source": self.power.source,
            "sum_cycles": self.cycles if not self.refusal else None,
            "on_chip_by_actions_pj": self.by_actions_pj if not self.refusal else None,
            "on_chip_at_power_pj": self.at_power_pj if not self.refusal else None,
            "refusal": self.refusal or None,
        }


def published_powers() -> list[PublishedPower]:
    """The shipped table."""
    return [
        PublishedPower(line["machine"], float(line["power_mw"]), line["what"], line["source"])
        for line in read_table("published_power")
    ]


def priced(trace: str | Path) -> Iterator[PricedRun]:
    """The trace on each machine of the table."""
    for power in published_powers():
        try:
            result = simulate(trace, power.machine, settings={KEY: None})
        except MappingError as error:
            yield PricedRun(power, refusal=str(error))
            continue
        on_chip_pj = sum(pj for part, pj in result.sum_energy_by_component_pj.items() if part != "dram")
        at_power_pj = energy_pj(power.power_mw, result.sum_cycles, result.clock_mhz)
        yield PricedRun(power, result.sum_cycles, on_chip_pj, at_power_pj)
