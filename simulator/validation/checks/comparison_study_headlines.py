"""The comparison study of Prosperity (HPCA 2025): its headlines, as far as public data allow.

Its traces of 14 of 16 workloads are not to be had, so means over all of them are listed, not computed. What can be
checked is whether its published efficiencies follow from the rule by which its simulator prices energy: constant power
x time + 12.45 pJ for each bit that Prosperity moves x a ratio for each machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from spikecycle.simulator.machine.loader import load_machine, shipped_machines
from spikecycle.simulator.validation import CHECKS, Check, Row
from spikecycle.simulator.validation.audit import REFERENCE, SOURCE, audit

MACHINES = ("eyeriss", "sato", "ptb", "mint", "prosperity", "stellar")
SPEEDUPS = {"ptb": 1.97, "sato": 3.02, "mint": 4.01, "stellar": 8.09, "prosperity": 14.13}
EFFICIENCIES = {"ptb": 2.69, "sato": 5.05, "mint": 6.85, "stellar": 9.56, "prosperity": 21.4}
DENSITIES = {
    ("prosperity_bit", "VGG-16, CIFAR-10"): 0.0896,
    ("prosperity", "VGG-16, CIFAR-10"): 0.0248,
    ("prosperity_bit", "ResNet-18, CIFAR-10"): 0.0909,
    ("prosperity", "ResNet-18, CIFAR-10"): 0.0251,
    ("prosperity_bit", "geometric mean of 16 workloads"): 0.157,
    ("prosperity", "geometric mean of 16 workloads"): 0.0311,
}
NO_TRACES = "not reproducible here: the study's activation traces of these workloads are not public"
NO_STELLAR = "not reproducible here: it needs a network trained with few-spikes neurons, whose spikes nobody published"
ROUNDED = 0.05
"""Published throughputs and efficiencies have three digits, and DRAM's power is their small difference."""


def rows(data: Path | None) -> Iterator[Row]:
    """Ratios that published figures imply, powers of our machines, and what cannot be computed."""
    found = audit()
    for machine in found.machines:
        if machine.machine != REFERENCE:
            yield Row(
                machine.machine, "DRAM traffic over Prosperity's that its GOP/s, GOP/J and power imply",
                found.implied_ratio(machine), machine.dram_ratio, ROUNDED, SOURCE,
            )  # fmt: skip
        if machine.machine in shipped_machines():
            power = load_machine(machine.machine).energy.on_chip_power_mw
            yield Row(machine.machine, "power on the chip, mW", power or 0.0, machine.on_chip_mw, 0, SOURCE)
    source = "Prosperity (Wei et al., HPCA 2025), section VII: geometric means of 16 workloads"
    for what, figures in (("speed over Eyeriss", SPEEDUPS), ("energy efficiency over Eyeriss", EFFICIENCIES)):
        for name, figure in figures.items():
            yield Row(name, what, None, figure, 0, source, NO_STELLAR if name == "stellar" else NO_TRACES)
    for (name, network), density in DENSITIES.items():
        kind = "spikes" if name == "prosperity_bit" else "additions with product sparsity"
        yield Row(name, f"density of {kind}, {network}", None, density, 0, source, NO_TRACES)


CHECKS.register(
    "comparison_study_headlines",
    Check("comparison_study_headlines", "published means and efficiencies", (*MACHINES, "prosperity_bit"), (), rows),
)
