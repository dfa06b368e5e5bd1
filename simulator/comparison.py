"""The result of comparing formats: what each costs on one trace and one machine. Documented in RESULT.md.

Counts are sums over the samples that were simulated, as in `spikecycle.simulator.result`.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from spikecycle.simulator.result import Assumptions, SlowBuffer

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
    fetched_bits: dict[str, int] = Field(description="bits of the operand read, by level (dram, or a buffer)")
    cycles: int = Field(description="cycles, summed over samples")
    energy_pj: float = Field(description="energy, summed over samples, pJ")


class FormatRun(_Part):
    """The whole network in one format."""

    format: str = Field(description="name of the format")
    title: str = Field(description="the field's term for it")
    is_machines_own: bool = Field(description="whether the machine file names this format")
    layers: list[FormatLayer] = Field(description="layers in order")
    format_bits_per_weight: float = Field(description="format_bits of all layers / weights, zeros included")
    stored_bits_per_weight: float = Field(description="stored_bits of all layers / weights, zeros included")
    fetched_bits: dict[str, int] = Field(description="bits of the operand read, by level, all layers and samples")
    cycles: int = Field(description="cycles of all layers and samples")
    energy_pj: float = Field(description="energy of all layers and samples, pJ")
    edp_per_inference_js: float = Field(description="mean energy x mean time of a sample, J s")


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
    runs: list[FormatRun] = Field(description="one run a format, least energy first")
    refused: list[RefusedFormat] = Field(description="formats that the machine cannot map")
    best_by_energy: list[str] = Field(
        description="formats with the least energy; several where they tie; none if the machine cannot run at its clock"
    )
    best_by_cycles: list[str] = Field(description="formats with the fewest cycles")
    best_by_edp: list[str] = Field(description="formats with the least energy-delay product")
    best_per_layer: list[LayerBest] = Field(description="the same for every layer by itself")


class FormatComparison(_Part):
    """Formats compared on one trace and one machine."""

    version: int = Field(default=COMPARISON_VERSION, description="version of this document")
    spikecycle: str = Field(description="version of the program")
    trace: str = Field(description="name of the trace")
    trace_sha256: str = Field(description="SHA-256 of the trace file")
    machine: dict[str, object] = Field(description="the whole machine, overrides applied, in its own formats")
    samples: list[int] = Field(description="indices of the samples that were simulated")
    weights: OperandComparison = Field(description="weight formats, spikes in the machine's format")
    spikes: OperandComparison = Field(description="spike formats, weights in the machine's format")
    clock_mhz: int = Field(description="clock, MHz")
    too_slow: list[SlowBuffer] = Field(
        description="buffers slower than the clock: no format wins on a machine that can be built unless this is empty"
    )
    not_modelled: list[str] = Field(description="what costs nothing in it, though it would in hardware")
    assumptions: Assumptions = Field(description="what the numbers rest on")
