"""Header, totals and footnotes of a run's tables: what was simulated, and what the numbers rest on."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from spikecycle.sheet import Fitting
from spikecycle.simulator.report import human
from spikecycle.simulator.report.figures import share
from spikecycle.simulator.report.residency import on_chip_lines, residency_words
from spikecycle.simulator.result import Assumptions, RunResult, SlowBuffer
from spikecycle.simulator.units import pj_to_j
from spikecycle.simulator.variant import FINGERPRINT_DIGITS, SYNTHETIC, is_synthetic, variant_text
from spikecycle.wording import some_of

WARNING = "bold yellow"


def heading(result: RunResult) -> RenderableType:
    """The trace, the machine with what was changed of it, the formats, and what stays on chip."""
    samples = len(result.samples)
    named = (("weights", result.weight_format), ("spikes", result.spike_format))
    formats = ", ".join(f"{operand} {name}" for operand, name in named if name) or "no formats"
    variant = variant_text(
        str(result.machine["name"]), result.machine_file, result.machine_overrides, result.machine_sha256
    )
    return Text.assemble(
        (result.trace, "bold"),
        " on ",
        (variant, "bold"),
        f" ({result.dataflow}, {result.pes} PEs, {result.clock_mhz} MHz), {formats}\n"
        f"{human.numbered(samples, 'sample')} of {human.numbered(result.timesteps, 'timestep')}; "
        f"{residency_words(result.assumptions.residency)}; overlap {result.overlap}",
        *(f"\n{line}" for line in on_chip_lines(result)),
        *([(f"\n{SYNTHETIC}", WARNING)] if is_synthetic(result.provenance) else []),
    )


NOT_PRICED = "not priced"
"""In place of energies of a machine whose rule counts cycles alone."""
_NOT_MODELLED = "not modelled"


def totals(result: RunResult) -> Fitting:
    """Time, energy, area and the ratios people compare, in two columns where there is room."""

    def priced(text: str) -> str:
        return text if result.prices_energy else NOT_PRICED

    per_second = share(result.synaptic_operations_per_inference, result.seconds_per_inference)
    figures = [
        ("time per inference", human.si(result.seconds_per_inference, "s")),
        ("energy per inference", priced(human.si(pj_to_j(result.energy_per_inference_pj), "J"))),
        ("cycles per inference", human.count(result.cycles_per_inference)),
        ("energy-delay product", priced(human.si(result.edp_per_inference_js, "J·s"))),
        ("throughput", f"{human.count(share(1, result.seconds_per_inference))} inferences/s"),
        (
            "mean power",
            priced(human.si(share(pj_to_j(result.energy_per_inference_pj), result.seconds_per_inference), "W")),
        ),
        ("effective throughput", human.si(per_second, "SOP/s")),
        (
            "energy per operation",
            priced(f"{human.digits(share(result.sum_energy_pj, result.sum_synaptic_operations))} pJ per SOP"),
        ),
        ("PE use", f"{human.percent(result.utilization)} %" if result.utilization else _NOT_MODELLED),
        (
            "area",
            f"{human.digits(result.area_mm2)} mm² (memories {human.digits(result.area_mm2 - result.logic_area_mm2)}, "
            f"logic {human.digits(result.logic_area_mm2)})"
            if result.models_area
            else _NOT_MODELLED,
        ),
        ("work skipped", _skipped(result)),
        ("cycles per sample", _range(result.cycles_per_sample)),
    ]
    return Fitting(lambda _console, _width: _pairs(figures, 2), lambda _console, _width: _pairs(figures, 1))


def warnings(too_slow: Sequence[SlowBuffer], clock_mhz: float) -> list[str]:
    """That a machine cannot run as simulated, and why; empty where it can."""
    if not too_slow:
        return []
    buffers = ", ".join(f"{slow.buffer} ({human.digits(slow.access_ns)} ns)" for slow in too_slow)
    return [
        f"This machine cannot run at its clock of {clock_mhz} MHz: an access takes longer than a cycle of "
        f"{human.digits(too_slow[0].period_ns)} ns in {buffers}. Cycles and times count it as one cycle all the same."
    ]


def footnotes(result: RunResult) -> RenderableType:
    """Every number's ground: DRAM, SRAM cell, node, energy table, operation, extrapolated buffers; what is left out."""
    assumed = result.assumptions
    beyond = [area.buffer for area in result.buffers if area.extrapolated]
    lines = [assumption_line(assumed), f"SOP = {assumed.operation}."]
    if result.plugins:
        files = (f"{plugin.file} [{plugin.sha256[:FINGERPRINT_DIGITS]}]" for plugin in result.plugins)
        lines.append(f"Plugins: {', '.join(files)}.")
    if assumed.ideal_memory:
        lines.append("Ideal memory: DRAM without latency and with infinite bandwidth, a lower bound of the cycles.")
    if beyond:
        lines.append(f"Outside the CACTI table, by its fitted law: {', '.join(beyond)}.")
    lines.append(f"Not modelled: {', '.join(result.not_modelled)}.")
    if assumed.free_operators:
        lines.append(f"Operators that cost nothing here: {some_of(assumed.free_operators)}.")
    lines.append(f"Not in the area: {', '.join(result.area_leaves_out)}.")
    return Text("\n".join(lines), style="dim")


def assumption_line(assumed: Assumptions) -> str:
    """What energy and area rest on, one sentence per source."""
    dram = f"DRAM {assumed.dram_pj_per_bit:g} pJ/bit." if assumed.dram_pj_per_bit is not None else "No DRAM."
    return (
        f"{dram} SRAM: CACTI, {assumed.sram_cell} cells, {assumed.node_nm:g} nm, "
        f"{assumed.temperature_k} K. Logic: table {assumed.energy_table}, {assumed.logic_devices} devices, "
        f"clock gating {assumed.clock_gating}, glitch factor {assumed.glitch_factor:g}, utilization "
        f"{assumed.utilization:g}."
    )


def _pairs(figures: list[tuple[str, str]], pairs: int) -> RenderableType:
    grid = Table.grid(padding=(0, 2, 0, 0))
    for _ in range(pairs):
        grid.add_column(style="dim", no_wrap=True)
        grid.add_column(no_wrap=True)
    for start in range(0, len(figures), pairs):
        grid.add_row(*(text for pair in figures[start : start + pairs] for text in pair))
    return grid


def _skipped(result: RunResult) -> str:
    done, dense = result.sum_synaptic_operations, result.sum_dense_synaptic_operations
    of_dense = f"{human.count(dense / len(result.samples))} dense SOPs"
    if done > dense:  # a multi-bit input does a SOP for each of its bits
        return f"none: {human.digits(share(done, dense))} x {of_dense}"
    return f"{human.percent(1 - share(done, dense))} % of {of_dense}"


def _range(cycles: list[int]) -> str:
    low, high = min(cycles), max(cycles)
    return human.count(low) if low == high else f"{human.count(low)} to {human.count(high)}"
