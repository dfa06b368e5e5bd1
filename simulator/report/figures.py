"""Figures that several tables need, computed from a result's counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from spikecycle.simulator.result import LayerResult, RunResult

ENERGY_KINDS = {
    "dram": "DRAM",
    "sram": "memories",
    "logic": "arithmetic",
    "control": "control",
    "crossbar": "crossbars",
    "clock": "clock",
    "wire": "wires",
    "none": "other",
}
"""Title by a counter's resource; leakage comes beside them."""
LEAKAGE = "leakage"


def energy_by_kind_pj(layer: LayerResult) -> dict[str, float]:
    """Energy by what takes it (DRAM, memories, arithmetic, ...), and leakage, pJ; they sum to the layer's energy."""
    kinds = dict.fromkeys(ENERGY_KINDS.values(), 0.0)
    for counter in layer.counters:
        kinds[ENERGY_KINDS[counter.resource]] += counter.sum_energy_pj
    return {**kinds, LEAKAGE: layer.sum_leakage_pj}


def accesses(layer: LayerResult, buffer: str, action: str) -> int:
    """How often a buffer was read or written, in accesses of its full width."""
    return sum(
        counter.sum_count
        for counter in layer.counters
        if counter.resource == "sram" and counter.component == buffer and counter.action == action
    )


def dram_bits(layer: LayerResult) -> tuple[int, int]:
    """Bits read from and written to DRAM."""
    return sum(layer.sum_dram_read_bits.values()), sum(layer.sum_dram_write_bits.values())


def occurring(result: RunResult, of_layer: Callable[[LayerResult], Mapping[str, float]]) -> list[str]:
    """Keys whose value is not zero in every layer, in their order."""
    keys: dict[str, float] = {}
    for layer in result.layers:
        for key, value in of_layer(layer).items():
            keys[key] = keys.get(key, 0) + value
    return [key for key, value in keys.items() if value]


def share(part: float, whole: float) -> float:
    """part / whole, 0 where there is no whole."""
    return part / whole if whole else 0.0


def shape_text(operator: str, shape: Mapping[str, int | list[int]]) -> str:
    """Geometry in one line: "2x34x34 → 16x17x17, 3x3 /2 +1" (/stride, +padding, g groups)."""
    if "C" not in shape:  # an operator without weights
        return "{M}x{P}x{Q}".format(**shape)
    if operator == "linear":
        return f"{shape['C']} → {shape['M']}"
    text = "{C}x{H}x{W} → {M}x{P}x{Q}, {R}x{S}".format(**shape)
    text += _pair(shape["stride"], " /", usual=1) + _pair(shape["padding"], " +", usual=0)
    return text if shape["groups"] == 1 else f"{text} g{shape['groups']}"


def _pair(pair: int | list[int], mark: str, usual: int) -> str:
    """One number, or one of each axis, or of each side, that is not the usual one; as few as say it."""
    numbers = pair if isinstance(pair, list) else [pair]
    if set(numbers) == {usual}:
        return ""
    return mark + ",".join(map(str, numbers[:1] if len(set(numbers)) == 1 else numbers))
