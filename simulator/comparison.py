"""The result of comparing formats: what each costs on one trace and one machine. Documented in RESULT.md.

What a key calls `per_inference` is the mean of the samples that were simulated.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from spikecycle.simulator.result import Assumptions, PluginFile, SlowBuffer, of_version

COMPARISON_VERSION = 2


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FormatLayer(_Part):
    """One layer in one format."""

    layer: str = Field(description="layer name in the trace")
    format_bits: int = Field(description="bits of the layer's weights by the format alone: values and metadata")
    stored_bits: int = Field(
        description="bits of them in memory: with the machine's directory and the padding of words"
    )
    cycles_per_inference: float = Field(description="mean cycles of a sample")
    energy_per_inference_pj: float = Field(description="mean energy of a sample, pJ")
    fetched_per_inference_bits: dict[str, float] = Field(
        description="mean bits of the operand read for a sample, by level (dram, or a buffer)"
    )


class FormatRun(_Part):
    """The whole network in one format."""

    format: str = Field(description="name of the format")
    title: str = Field(description="the field's term for it")
    is_machines_own: bool = Field(description="whether the machine file names this format")
    cycles_per_inference: float = Field(description="mean cycles of a sample")
    energy_per_inference_pj: float = Field(description="mean energy of a sample, pJ")
    edp_per_inference_js: float = Field(description="mean energy x mean time of a sample, J s")
    fetched_per_inference_bits: dict[str, float] = Field(
        description="mean bits of the operand read for a sample, by level, all layers"
    )
    format_bits_per_weight: float = Field(description="format_bits of all layers / weights, zeros included")
    stored_bits_per_weight: float = Field(description="stored_bits of all layers / weights, zeros included")
    layers: list[FormatLayer] = Field(description="layers in order")


class RefusedFormat(_Part):
    """A format in which the machine cannot map the trace."""

    format: str = Field(description="name of the format")
    title: str = Field(description="the field's term for it")
    problem: str = Field(description="why not")


class LayerBest(_Part):
    """The best formats of one layer; several where they tie."""

    layer: str = Field(description="layer name in the trace")
    by_energy: list[str] = Field(description="formats with the least energy; none if the machine cannot run")
    by_cycles: list[str] = Field(description="formats with the fewest cycles")


class OperandComparison(_Part):
    """All formats of one operand, the other operand in the machine's own."""

    operand: str = Field(description="weights or spikes")
    residency: dict[str, object] = Field(
        description="what stayed on chip: weights (inference, batch, resident), batch, activations (dram, chip)"
    )
    runs: list[FormatRun] = Field(description="one run per format, least energy first")
    refused: list[RefusedFormat] = Field(description="formats that the machine cannot map")
    best_by_energy: list[str] = Field(
        description="formats with the least energy; several where they tie; none if the machine cannot run at its clock"
    )
    best_by_cycles: list[str] = Field(description="formats with the fewest cycles")
    best_by_edp: list[str] = Field(description="formats with the least energy-delay product")
    best_per_layer: list[LayerBest] = Field(description="the same for every layer by itself")


class ResidencyDifference(_Part):
    """A choice of the weight format that depends on where the weights come from."""

    layer: str = Field(description="layer name in the trace; empty for the whole network")
    measure: Literal["energy", "cycles", "edp"] = Field(description="what is least: energy, cycles, or their product")
    reloaded: list[str] = Field(description="best formats if weights come from DRAM")
    resident: list[str] = Field(description="best formats if weights are on chip for good")


class FormatComparison(_Part):
    """Formats compared on one trace and one machine."""

    version: int = Field(default=COMPARISON_VERSION, description="version of this document")
    spikecycle: str = Field(description="version of the program")
    trace: str = Field(description="name of the trace")
    trace_sha256: str = Field(description="SHA-256 of the trace file")
    machine_file: str = Field(description="machine file, or the name of a shipped one; empty for one made in Python")
    machine_overrides: dict[str, object] = Field(
        description="keys of the machine file that were replaced (options --set, --residency), with their values"
    )
    machine_sha256: str = Field(
        description="fingerprint of `machine`: SHA-256 of it as JSON with sorted keys and without blanks"
    )
    base_machine_sha256: str | None = Field(
        description="the same of the machine without overrides; null where the file is no valid machine by itself"
    )
    plugins: list[PluginFile] = Field(
        default=[], description="plugin files (--plugin) of the dataflow, formats or overlap policy that were used"
    )
    samples: list[int] = Field(description="indices of the samples that were simulated")
    weights: OperandComparison = Field(description="weight formats, spikes in the machine's format")
    weights_other_residency: OperandComparison = Field(
        description="the same with weights that are resident, or, where the machine has them resident, reloaded in "
        "every inference; without runs where that is not possible"
    )
    residency_differences: list[ResidencyDifference] = Field(
        description="where the best weight format depends on which of the two it is; compared where both have runs"
    )
    spikes: OperandComparison = Field(description="spike formats, weights in the machine's format")
    clock_mhz: int | float = Field(description="clock, MHz")
    too_slow: list[SlowBuffer] = Field(
        description="buffers slower than the clock: no format wins on a machine that can be built unless this is empty"
    )
    not_modelled: list[str] = Field(description="what costs nothing in it, though it would in hardware")
    assumptions: Assumptions = Field(description="what the numbers rest on")
    machine: dict[str, object] = Field(description="the whole machine, overrides applied, in its own formats")

    @model_validator(mode="before")
    @classmethod
    def _is_of_this_version(cls, data: Any) -> Any:
        return of_version(data, COMPARISON_VERSION, "comparison of spikecycle formats")
