"""A result in a notebook: one line, and a page of tables that needs nothing but itself."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from spikecycle.simulator.units import PJ_PER_UJ, US_PER_S
from spikecycle.simulator.variant import variant_text
from spikecycle.wording import numbered

if TYPE_CHECKING:
    from spikecycle.simulator.result import RunResult

_CELL = "padding:1px 8px;text-align:right"
_NAME = "padding:1px 8px;text-align:left"


def one_line(result: RunResult) -> str:
    """Trace, machine, and cycles, time and energy per inference."""
    samples = len(result.samples)
    return (
        f"{result.trace} on {_machine(result)}: {result.cycles_per_inference:,.0f} cycles, "
        f"{result.seconds_per_inference * US_PER_S:.4g} µs, {result.energy_per_inference_pj / PJ_PER_UJ:.4g} µJ "
        f"per inference (mean of {numbered(samples, 'sample')}){_slow_memories(result)}"
    )


def _slow_memories(result: RunResult) -> str:
    """That the machine cannot run as simulated; empty where it can."""
    if not result.too_slow:
        return ""
    slow = ", ".join(buffer.buffer for buffer in result.too_slow)
    return f"; cannot run at its clock: {slow} slower than a cycle"


def to_html(result: RunResult) -> str:
    """Totals, layers and the cycle breakdown as HTML tables."""
    breakdown = [
        category
        for category in dict.fromkeys(name for layer in result.layers for name in layer.sum_cycle_breakdown)
        if any(layer.sum_cycle_breakdown.get(category) for layer in result.layers)
    ]
    totals = [
        ["cycles", f"{result.cycles_per_inference:,.0f}"],
        ["time", f"{result.seconds_per_inference * US_PER_S:.4g} µs"],
        ["energy", f"{result.energy_per_inference_pj / PJ_PER_UJ:.4g} µJ"],
        ["energy-delay product", f"{result.edp_per_inference_js:.4g} J s"],
        ["synaptic operations (SOP)", f"{result.synaptic_operations_per_inference:,.0f}"],
        ["energy per SOP", _pj_per_sop(result.sum_energy_pj, result.sum_synaptic_operations)],
        ["PE utilization", f"{result.utilization:.1%}"],
        ["area", f"{result.area_mm2:.4g} mm²"],
    ]
    layers = [
        [
            layer.name,
            f"{layer.cycles_per_inference:,.0f}",
            f"{layer.energy_per_inference_pj / PJ_PER_UJ:.4g}",
            _pj_per_sop(layer.sum_energy_pj, layer.sum_synaptic_operations),
            f"{layer.utilization:.1%}",
            f"{layer.inferences_with_weights_on_chip} of {len(result.samples)}",
            ", ".join(layer.tensors_on_chip) or "none",
        ]
        for layer in result.layers
    ]
    shares = [
        [
            layer.name,
            *(f"{_share(layer.sum_cycle_breakdown.get(category, 0), layer.sum_cycles):.1%}" for category in breakdown),
        ]
        for layer in result.layers
    ]
    heads = ["layer", "cycles", "energy µJ", "pJ per SOP", "PE use", "weights on chip", "tensors on chip"]
    return "".join(
        (
            f"<p><b>{escape(result.trace)}</b> on <b>{escape(_machine(result))}</b></p>",
            _table("Per inference", ["", ""], totals),
            _table("Layers, per inference", heads, layers),
            _table("Share of each category in the cycles", ["layer", *breakdown], shares),
        )
    )


def _machine(result: RunResult) -> str:
    return variant_text(
        str(result.machine["name"]), result.machine_file, result.machine_overrides, result.machine_sha256
    )


def _table(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f'<th style="{_CELL if index else _NAME}">{escape(name)}</th>' for index, name in enumerate(heads))
    body = "".join(
        "<tr>"
        + "".join(f'<td style="{_CELL if index else _NAME}">{escape(cell)}</td>' for index, cell in enumerate(row))
        + "</tr>"
        for row in rows
    )
    header = f"<thead><tr>{head}</tr></thead>" if any(heads) else ""
    return f'<table><caption style="{_NAME}">{escape(title)}</caption>{header}<tbody>{body}</tbody></table>'


def _pj_per_sop(energy_pj: float, operations: int) -> str:
    return f"{energy_pj / operations:.4g} pJ" if operations else "-"


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
