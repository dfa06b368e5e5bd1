"""What the figures of a point rest on, as columns of its row: residency, the price of DRAM, technology, what is left
out. Formats, samples and overlap have columns of their own."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from spikecycle.simulator.explore.frames import Row
from spikecycle.simulator.result import RunResult

WEIGHT_RESIDENCY, ACTIVATION_RESIDENCY = "weight_residency", "activation_residency"


class Grounded(BaseModel):
    """A part of a document that tells what its figures rest on."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    samples: int | None = Field(default=None, description="how many samples were replayed; null in earlier documents")
    weight_format: str | None = Field(default=None, description="format of weights; null where the machine has none")
    spike_format: str | None = Field(default=None, description="format of spikes; null where the machine has none")
    weight_residency: str | None = Field(
        default=None, description="inference, batch:N or resident, as --residency takes it; null in earlier documents"
    )
    activation_residency: str | None = Field(default=None, description="dram or chip; null in earlier documents")


def grounded(result: RunResult) -> dict[str, Any]:
    """The fields of `Grounded`, of a result."""
    return {
        "samples": len(result.samples),
        "weight_format": result.weight_format,
        "spike_format": result.spike_format,
        "weight_residency": weight_residency(result),
        "activation_residency": str(result.assumptions.residency["activations"]),
    }


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
