"""Bits for every layer: the least energy within a loss, or the least loss within an energy.

Both are taken to add up over layers, each for itself, so that this is a knapsack with one choice per layer. All
choices that nothing beats in both are kept, layer by layer, which is exact (Nemhauser, Ullmann, "Discrete Dynamic
Programming and Capital Allocation", Management Science 15, 1969). For networks, after Dong, Yao, Arfeen, Gholami,
Mahoney, Keutzer, "HAWQ-V2", NeurIPS 2020 (arXiv 1911.03852), section 3.2, with measured losses and simulated energies.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from spikecycle.models.compression.compression import Compression
from spikecycle.models.errors import ModelsError

LossIncreases = Mapping[str, Mapping[int, float]]
"""By layer and weight bits: how much the loss grows when this layer alone has these bits."""

EnergyPj = Callable[[str, int], float]
"""Energy of a layer with weights of these bits, pJ per inference."""


class Allocation(NamedTuple):
    """Bits by layer, with what they are expected to cost."""

    energy_pj: float
    loss_increase: float
    bits: dict[str, int]

    def applied_to(self, compression: Compression) -> Compression:
        """The same compression with these bits; every layer has its own."""
        return compression.model_copy(update={"weight_bits": max(self.bits.values()), "layer_weight_bits": self.bits})


def pareto_allocations(loss_increases: LossIncreases, energy_pj: EnergyPj) -> list[Allocation]:
    """Every allocation that no other beats in both, from the least energy to the least loss."""
    front: list[tuple[float, float, tuple[int, ...]]] = [(0.0, 0.0, ())]
    for layer, increases in loss_increases.items():
        costs = [(energy_pj(layer, bits), increase, bits) for bits, increase in sorted(increases.items())]
        extended = sorted(
            (energy + more_energy, loss + more_loss, (*chosen, bits))
            for energy, loss, chosen in front
            for more_energy, more_loss, bits in costs
        )
        front = []
        for candidate in extended:
            if not front or candidate[1] < front[-1][1]:
                front.append(candidate)
    return [Allocation(energy, loss, dict(zip(loss_increases, chosen, strict=True))) for energy, loss, chosen in front]


def least_energy(loss_increases: LossIncreases, energy_pj: EnergyPj, loss_budget: float) -> Allocation:
    """The allocation of least energy whose loss grows by at most loss_budget; ModelsError where there is none."""
    front = pareto_allocations(loss_increases, energy_pj)
    within = [allocation for allocation in front if allocation.loss_increase <= loss_budget]
    if not within:
        least = front[-1].loss_increase
        raise ModelsError(f"no bits keep the loss from growing by more than {loss_budget:g}; the least is {least:g}")
    return within[0]


def least_loss(loss_increases: LossIncreases, energy_pj: EnergyPj, energy_budget_pj: float) -> Allocation:
    """The allocation of least loss that needs at most that energy; ModelsError where there is none."""
    front = pareto_allocations(loss_increases, energy_pj)
    within = [allocation for allocation in front if allocation.energy_pj <= energy_budget_pj]
    if not within:
        least_pj = front[0].energy_pj
        raise ModelsError(f"no bits need at most {energy_budget_pj:g} pJ per inference; the least is {least_pj:g} pJ")
    return within[-1]
