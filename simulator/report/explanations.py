"""What the words of a report mean: every category of cycles, every kind of energy, and the terms of the totals."""

from __future__ import annotations

from spikecycle.simulator.cycle_categories import CATEGORIES as CATEGORIES

ENERGY = {
    "DRAM": "bits moved between chip and DRAM",
    "memories": "reads and writes of memories on the chip",
    "arithmetic": "additions, comparisons, shifts and multiplications",
    "control": "dispatching, decoding, addressing",
    "crossbars": "products in arrays of memory cells, with their converters",
    "clock": "flip-flops that are clocked",
    "wires": "data over long wires across the chip",
    "other": "counted, but priced elsewhere",
    "leakage": "what memories and logic take over time, whether they work or not",
}

TERMS = {
    "SOP": "synaptic operation: one weight that is not zero, added because of one spike",
    "energy-delay product": "energy times time of an inference; small for machines that are both fast and frugal",
    "PE": "processing element: the part of the array that adds weights to potentials",
    "PE use": "PE-cycles with useful work over all PE-cycles",
    "PE occupied": "cycles in which a PE has an event to serve, whether it does useful work in them or waits",
    "input spikes": "values of spikes and counts that are not zero; a dot where all that comes in are currents",
    "density": "share of values that are not zero",
    "inference": "one sample of the trace, all its timesteps",
    "stall": "a cycle without useful work; each is charged to one category",
    "bank": "a part of a memory that can be used at the same time as its other parts",
}


def of_category(name: str) -> str:
    """A sentence about a category; that it is the dataflow's own where nothing more is known."""
    return CATEGORIES.get(
        name, "a category that the machine's dataflow or overlap policy names; its own pages say more"
    )
