"""The result of `spikecycle formats` as a person reads it. Counts are means per inference."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from spikecycle.sheet import Cell, Column, Fitting, fitting_sheets, names
from spikecycle.simulator.comparison import FormatComparison, FormatLayer, FormatRun, LayerBest, OperandComparison
from spikecycle.simulator.report import human
from spikecycle.simulator.report.residency import difference_lines, residency_words, weights_words
from spikecycle.simulator.report.totals import WARNING, assumption_line, warnings
from spikecycle.simulator.units import pj_to_j
from spikecycle.simulator.variant import variant_text

_BEST_MARK = "*"
_BEST = "bold green"


def comparison_report(comparison: FormatComparison) -> RenderableType:
    """Totals of every weight format, the same layer by layer and with the other residency, then the spike formats."""
    samples = len(comparison.samples)
    weights, other, spikes = comparison.weights, comparison.weights_other_residency, comparison.spikes
    variant = variant_text(
        str(comparison.machine["name"]),
        comparison.machine_file,
        comparison.machine_overrides,
        comparison.machine_sha256,
    )
    parts: list[RenderableType] = [
        Text.assemble(
            (comparison.trace, "bold"),
            " on ",
            (variant, "bold"),
            f", per inference (mean of {human.numbered(samples, 'sample')}), "
            f"{residency_words(comparison.assumptions.residency)}",
        )
    ]
    parts += [Text(line, style=WARNING) for line in warnings(comparison.too_slow, comparison.clock_mhz)]
    if weights.runs:
        parts += [
            totals_table(weights),
            verdict(weights),
            layer_table(weights, by="energy"),
            layer_table(weights, by="cycles"),
        ]
    if other.runs:
        parts += [totals_table(other), verdict(other)]
    differences = difference_lines(comparison)
    if differences:
        parts.append(Text("\n".join(differences)))
    if spikes.runs:
        parts += [totals_table(spikes), verdict(spikes)]
    refused = [*_refused(weights), *_refused_too(weights, other), *_refused(spikes)]
    if refused:
        parts.append(Text("\n".join(refused)))
    parts.append(
        Text(
            f"{_BEST_MARK} best. (own): the format that the machine file names. Bits per weight: by the "
            "format alone; stored: with the machine's directory of fibers and the padding of words.\n"
            f"{assumption_line(comparison.assumptions)}\n"
            f"Not modelled: {', '.join(comparison.not_modelled)}.",
            style="dim",
        )
    )
    return Group(*(line for part in parts for line in (part, Text())))


def totals_table(operand: OperandComparison) -> Fitting:
    """One row per format, least energy first."""
    runs = operand.runs
    factor, unit = human.common_si([pj_to_j(run.energy_per_inference_pj) for run in runs], "J")
    levels = dict.fromkeys(level for run in runs for level, bits in run.fetched_per_inference_bits.items() if bits)
    least_energy = runs[0].energy_per_inference_pj
    columns = {
        "format": names("format", [f"{run.format} (own)" if run.is_machines_own else run.format for run in runs]),
        "bits": Column("bits per\nweight", [human.digits(run.format_bits_per_weight) for run in runs]),
        "stored": Column("stored,\npadded", [human.digits(run.stored_bits_per_weight) for run in runs]),
        **{
            f"fetched {level}": Column(
                "from DRAM" if level == "dram" else f"from\n{level}",
                [human.bits_in_kib(run.fetched_per_inference_bits.get(level, 0)) for run in runs],
            )
            for level in levels
        },
        "cycles": _marked("cycles", runs, lambda run: human.count(run.cycles_per_inference), operand.best_by_cycles),
        "energy": _marked(
            f"energy\n{unit}",
            runs,
            lambda run: human.digits(pj_to_j(run.energy_per_inference_pj) * factor, 4),
            operand.best_by_energy,
        ),
        "ratio": Column("x least\nenergy", [f"{run.energy_per_inference_pj / least_energy:.2f}" for run in runs]),
        "edp": _marked("EDP", runs, lambda run: human.si(run.edp_per_inference_js, "J·s"), operand.best_by_edp),
    }
    weight_bits = {"bits", "stored"}
    always = weight_bits if operand.operand == "spikes" else set()
    title = _title(operand)
    return fitting_sheets(
        *(
            (title, [column for key, column in columns.items() if key not in always | dropped])
            for dropped in (set(), {"edp"}, {"edp", "ratio"}, {"edp", "ratio", "bits"})
        )
    )


def verdict(operand: OperandComparison) -> Text:
    """The winners in words, and whether they change from layer to layer."""
    if not operand.best_by_energy:
        return Text("No format is the best one: this machine cannot run at its clock.", WARNING)
    best = (
        ("Least energy: ", operand.best_by_energy),
        ("; fewest cycles: ", operand.best_by_cycles),
        ("; least energy-delay product: ", operand.best_by_edp),
    )
    text = Text.assemble(*(part for words, formats in best for part in (words, (" = ".join(formats), _BEST))), ".")
    for what, of_layer in (("energy", _energy_winners), ("cycles", _cycle_winners)):
        winners: dict[str, list[str]] = {}
        for layer in operand.best_per_layer:
            winners.setdefault(" = ".join(of_layer(layer)), []).append(layer.layer)
        if len(winners) > 1:
            text.append(f"\nBest by {what} per layer: ")
            text.append("; ".join(f"{formats}: {', '.join(layers)}" for formats, layers in winners.items()))
            text.append(".")
    return text


def layer_table(operand: OperandComparison, by: str) -> Fitting:
    """One row per layer, one column per format; the best of each row marked."""
    factor, unit = human.common_si(
        [pj_to_j(layer.energy_per_inference_pj) for run in operand.runs for layer in run.layers], "J"
    )

    def energy(layer: FormatLayer) -> str:
        return human.digits(pj_to_j(layer.energy_per_inference_pj) * factor, 4)

    def cycles(layer: FormatLayer) -> str:
        return human.count(layer.cycles_per_inference)

    title, show, winners = {
        "energy": (f"{_title(operand)}: energy of each layer, {unit}", energy, _energy_winners),
        "cycles": (f"{_title(operand)}: cycles of each layer", cycles, _cycle_winners),
    }[by]
    best = operand.best_per_layer
    columns = [names("layer", [layer.layer for layer in best])]
    for run in operand.runs:
        cells = [
            _mark(show(layer), run.format in winners(winner)) for layer, winner in zip(run.layers, best, strict=True)
        ]
        columns.append(Column(run.format, cells))
    return fitting_sheets((title, columns))


def _energy_winners(best: LayerBest) -> list[str]:
    return best.by_energy


def _cycle_winners(best: LayerBest) -> list[str]:
    return best.by_cycles


def _marked(header: str, runs: Sequence[FormatRun], show: Callable[[FormatRun], str], best: Sequence[str]) -> Column:
    return Column(header, [_mark(show(run), run.format in best) for run in runs])


def _mark(text: str, is_best: bool) -> Cell:
    """Right-aligned figures stay aligned: the mark has its place in every cell."""
    return Text(text + _BEST_MARK, style=_BEST) if is_best else f"{text} "


def _title(operand: OperandComparison) -> str:
    if operand.operand == "spikes":
        return "Spike formats"
    return f"Weight formats, weights {weights_words(operand.residency)}"


def _refused(operand: OperandComparison) -> list[str]:
    return [f"Not possible: {operand.operand} {run.format}: {run.problem}" for run in operand.refused]


def _refused_too(weights: OperandComparison, other: OperandComparison) -> list[str]:
    """Of the formats that are possible, those that are not with the other residency, by reason."""
    possible = {run.format for run in weights.runs}
    formats: dict[str, list[str]] = {}
    for run in other.refused:
        if run.format in possible:
            formats.setdefault(run.problem, []).append(run.format)
    words = weights_words(other.residency)
    return [
        f"Not possible with weights {words}: {'any format' if possible == {*names} else ', '.join(names)}: {problem}"
        for problem, names in formats.items()
    ]
