"""What stays on chip, in words: the residency of a machine, what a run found there, and where formats depend on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from spikecycle.simulator.result import RunResult
from spikecycle.wording import numbered

if TYPE_CHECKING:
    from spikecycle.simulator.comparison import FormatComparison, ResidencyDifference

_MEASURES = {"energy": "energy", "cycles": "cycles", "edp": "energy-delay product"}


def weights_words(residency: Mapping[str, object]) -> str:
    """How often weights come from DRAM: "reloaded in every inference"."""
    return {
        "inference": "reloaded in every inference",
        "batch": f"loaded once per batch of {residency['batch']} inferences",
        "resident": "resident",
    }[str(residency["weights"])]


def residency_words(residency: Mapping[str, object]) -> str:
    """The residency of weights and activations in one line."""
    activations = "on chip where they fit" if residency["activations"] == "chip" else "through DRAM"
    return f"weights {weights_words(residency)}, activations {activations}"


def on_chip_lines(result: RunResult) -> list[str]:
    """Which layers found their weights on chip, and which tensors stayed there; empty where nothing was to stay."""
    residency, samples = result.assumptions.residency, len(result.samples)
    lines = []
    if residency["weights"] != "inference":
        found = {layer.name: layer.inferences_with_weights_on_chip for layer in result.layers}
        lines.append(f"Weights found on chip: {_in_how_many(found, samples)}.")
    if residency["activations"] == "chip":
        kept: dict[str, int] = {}
        for layer in result.layers:
            kept.update(layer.tensors_on_chip)
        lines.append(f"Tensors that stayed on chip: {_in_how_many(kept, samples) if kept else 'none'}.")
    return lines


def _in_how_many(found: Mapping[str, int], samples: int) -> str:
    """Names by the number of inferences: "conv1, conv2 in 9 of 10 inferences; fc1 in none"."""
    names: dict[int, list[str]] = {}
    for name, count in found.items():
        names.setdefault(count, []).append(name)
    whole = numbered(samples, "inference")
    return "; ".join(
        f"{', '.join(members)} in {f'{count} of {whole}' if count else 'none'}" for count, members in names.items()
    )


def difference_lines(comparison: FormatComparison) -> list[str]:
    """Whether the best weight format depends on residency: of the network in the first line, then of its layers."""
    other = comparison.weights_other_residency
    if not comparison.weights.runs or comparison.too_slow:
        return []
    if not other.runs:
        return [f"With weights {weights_words(other.residency)} no format is possible on this machine."]
    network = [each for each in comparison.residency_differences if not each.layer]
    layers = [each for each in comparison.residency_differences if each.layer and each.measure == "energy"]
    if network:
        first = f"The best weight format depends on residency: {'; '.join(_difference(each) for each in network)}."
    else:
        first = "The best weight format is the same whether weights are reloaded or resident."
    lines = [first]
    if layers:
        names = _listed([each.layer for each in layers])
        lines.append(f"By layer, the format with the least energy depends on it in {names}.")
    return lines


def _difference(each: ResidencyDifference) -> str:
    least = "fewest" if each.measure == "cycles" else "least"
    return (
        f"{least} {_MEASURES[each.measure]} with {' = '.join(each.reloaded)} if weights are reloaded, "
        f"with {' = '.join(each.resident)} if they are resident"
    )


def _listed(names: Sequence[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last
