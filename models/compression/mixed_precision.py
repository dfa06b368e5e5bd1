"""A choice for every layer, bits and pruning: the least energy within a loss, or the least loss within an energy.

Both are taken to add up over layers, each for itself, so that this is a knapsack with one choice per layer. All
choices that nothing beats in both are kept, layer by layer, which is exact (Nemhauser, Ullmann, "Discrete Dynamic
Programming and Capital Allocation", Management Science 15, 1969). For networks, after Dong, Yao, Arfeen, Gholami,
Mahoney, Keutzer, "HAWQ-V2", NeurIPS 2020 (arXiv 1911.03852), section 3.2, with measured losses and simulated energies.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, NamedTuple, TypeVar

from spikecycle.models.errors import ModelsError

ChoiceT = TypeVar("ChoiceT", bound=Any)
"""What is chosen for a layer: its bits, a `LayerChoice`, or anything else that can be sorted."""

LossIncreases = Mapping[str, Mapping[ChoiceT, float]]
"""By layer and choice: how much the loss grows when this layer alone has it."""

EnergyPj = Callable[[str, ChoiceT], float]
"""Energy of a layer with that choice, pJ per inference."""


class Allocation(NamedTuple, Generic[ChoiceT]):
    """Choices by layer, with what they are expected to cost."""

    energy_pj: float
    loss_increase: float
    chosen: dict[str, ChoiceT]


def pareto_allocations(
    loss_increases: LossIncreases[ChoiceT], energy_pj: EnergyPj[ChoiceT]
) -> list[Allocation[ChoiceT]]:
    """Every allocation that no other beats in both, from the least energy to the least loss."""
    front: list[tuple[float, float, tuple[ChoiceT, ...]]] = [(0.0, 0.0, ())]
    for layer, increases in loss_increases.items():
        costs = [(energy_pj(layer, choice), increase, choice) for choice, increase in sorted(increases.items())]
        extended = sorted(
            (energy + more_energy, loss + more_loss, (*chosen, choice))
            for energy, loss, chosen in front
            for more_energy, more_loss, choice in costs
        )
        front = []
        for candidate in extended:
            if not front or candidate[1] < front[-1][1]:
                front.append(candidate)
    return [Allocation(energy, loss, dict(zip(loss_increases, chosen, strict=True))) for energy, loss, chosen in front]


def least_energy(
    loss_increases: LossIncreases[ChoiceT], energy_pj: EnergyPj[ChoiceT], loss_budget: float
) -> Allocation[ChoiceT]:
    """The allocation of least energy whose loss grows by at most loss_budget; ModelsError where there is none."""
    front = pareto_allocations(loss_increases, energy_pj)
    within = [allocation for allocation in front if allocation.loss_increase <= loss_budget]
    if not within:
        least = front[-1].loss_increase
        raise ModelsError(f"no bits keep the loss from growing by more than {loss_budget:g}; the least is {least:g}")
    return within[0]


def least_loss(
    loss_increases: LossIncreases[ChoiceT], energy_pj: EnergyPj[ChoiceT], energy_budget_pj: float
) -> Allocation[ChoiceT]:
    """The allocation of least loss that needs at most that energy; ModelsError where there is none."""
    front = pareto_allocations(loss_increases, energy_pj)
    within = [allocation for allocation in front if allocation.energy_pj <= energy_budget_pj]
    if not within:
        least_pj = front[0].energy_pj
        raise ModelsError(f"no bits need at most {energy_budget_pj:g} pJ per inference; the least is {least_pj:g} pJ")
    return within[-1]
