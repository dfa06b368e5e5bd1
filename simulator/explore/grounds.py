"""What the figures of a point rest on, as columns of its row: residency, the price of DRAM, technology, what is left
out. Formats, samples and overlap have columns of their own."""

from __future__ import annotations

from spikecycle.simulator.explore.frames import Row
from spikecycle.simulator.result import RunResult

WEIGHT_RESIDENCY, ACTIVATION_RESIDENCY = "weight_residency", "activation_residency"


def grounds(result: RunResult) -> Row:
    """Columns of a result; `dram_pj_per_bit` is None where the machine has no DRAM, and then no column of the point."""
    assumed = result.assumptions
    return {
        WEIGHT_RESIDENCY: weight_residency(result),
        ACTIVATION_RESIDENCY: str(assumed.residency["activations"]),
        "dram_pj_per_bit": assumed.dram_pj_per_bit,
        "node_nm": assumed.node_nm,
        "sram_cell": assumed.sram_cell,
        "temperature_k": assumed.temperature_k,
        "energy_table": assumed.energy_table,
        "not_modelled": ", ".join(result.not_modelled),
    }


def weight_residency(result: RunResult) -> str:
    """How often weights come from DRAM, as --residency takes it: inference, batch:4 or resident."""
    residency = result.assumptions.residency
    how = str(residency["weights"])
    return f"{how}:{residency['batch']}" if how == "batch" else how
