"""Whether the potentials of an imported network fit the words of a machine's memory, and what it takes if not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from spikecycle import simulator
from spikecycle.traces import Operator, Population, TensorSpec

KEY = "buffers.potentials.width_bits"
"""Of a machine: bits of a word of potentials."""


def word_bits(operators: Sequence[Operator], specs: Mapping[str, TensorSpec]) -> dict[str, int]:
    """By population, bits of a potential plus the largest that can arrive in a timestep, before it saturates."""
    needed = {}
    for each in operators:
        if isinstance(each, Population):
            arriving = sum(specs[source.tensor].range.magnitude for source in each.inputs)
            largest = 2 ** (each.neuron.potential_bits - 1) + arriving
            needed[each.name] = largest.bit_length() + 1
    return needed


def unfit(needed: Mapping[str, int], machines: Sequence[str] | None = None) -> list[str]:
    """A line for each machine whose words are too narrow: which populations, which key, what it costs.

    machines: names or files; by default those that are shipped.
    """
    lines = []
    for name in machines or simulator.shipped_machines():
        found = _width(simulator.load_machine(name))
        wide = {population: bits for population, bits in needed.items() if found is not None and bits > found}
        if found is None or not wide:
            continue
        widest = max(wide.values())
        told = ", ".join(f"{population} {bits}" for population, bits in list(wide.items())[:8])
        lines.append(
            f"on {name} words of potentials have {found} bits, and these need more: {told}; set {KEY}={widest} "
            f"({widest / found:.2f} times the bits of each), or import with fewer weight bits or potential bits"
        )
    return lines


def _width(machine: Any) -> int | None:
    for part in KEY.split("."):
        machine = getattr(machine, part, None)
    return None if machine is None else int(machine)
