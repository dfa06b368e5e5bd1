"""When spikes come: their density over time by operator, and a raster of one sample."""

from __future__ import annotations

from collections.abc import Sequence

from spikecycle.simulator.report import human
from spikecycle.simulator.report.charts.heat import heat_map
from spikecycle.simulator.report.charts.raster import Band, raster
from spikecycle.simulator.report.figures import share
from spikecycle.simulator.report.page.chart import Chart, DataTable, Draw
from spikecycle.simulator.result import LayerResult, RunResult

MOST_COLUMNS = 60
"""Columns of the map of density; of more timesteps, neighbours share one."""
MOST_SPIKES = 20_000
"""Ticks of one raster: operators from the first on, as many as keep below."""


def density_chart(key: str, result: RunResult) -> Chart | None:
    """Share of inputs and outputs that are not zero, timestep by timestep; None for results of older programs."""
    # what neurons by themselves take are currents, which say nothing of spikes
    takers = [each for each in result.layers if each.sum_input_spikes_by_timestep and each.storage.weights]
    makers = [each for each in result.layers if each.sum_output_spikes_by_timestep]
    if not takers and not makers:
        return None
    together = -(-result.timesteps // MOST_COLUMNS)
    steps = list(range(0, result.timesteps, together))
    columns = [str(step) if together == 1 else f"{step}-{step + together - 1}" for step in steps]
    views: dict[str, Draw] = {}
    for what, layers, densities in (("inputs", takers, _input_densities), ("outputs", makers, _output_densities)):
        if layers:
            cells = [_grouped(densities(result, layer), together) for layer in layers]
            views[f"{what}, %"] = _map(
                f"Density of {what} by timestep", [layer.name for layer in layers], columns, cells
            )
    rows = [
        (layer.name, step, _at(puts_in, step), _at(puts_out, step))
        for layer in result.layers
        for puts_in, puts_out in (
            (
                _input_densities(result, layer) if layer in takers else [],
                _output_densities(result, layer) if layer in makers else [],
            ),
        )
        for step in range(max(len(puts_in), len(puts_out)))
    ]
    return Chart(
        f"{key}-density",
        "Spikes over time",
        "Share of an operator's inputs, or outputs, that are not zero in each timestep, over all samples. Work follows "
        "the inputs: a machine that skips what did not spike is fast where this is light.",
        views,
        DataTable(("operator", "timestep", "inputs not zero (%)", "outputs not zero (%)"), rows),
        short="Spikes",
    )


def raster_chart(key: str, result: RunResult) -> Chart | None:
    """Spikes of single neurons in one sample; None for results of older programs."""
    bands: list[Band] = []
    rows: list[tuple[str, int, str]] = []
    sample = ticks = timesteps = left_out = 0
    for layer in result.layers:
        found = layer.raster
        if found is None:
            continue
        ticks += sum(row.count("1") for row in found.rows)
        if bands and ticks > MOST_SPIKES:
            left_out += 1
            continue
        sample, timesteps = found.sample, max(timesteps, *(len(row) for row in found.rows))
        words = f"{len(found.neurons)} of {layer.output_neurons:,} neurons"
        bands.append(Band(layer.name, words, found.rows))
        rows += [(layer.name, neuron, row) for neuron, row in zip(found.neurons, found.rows, strict=True)]
    if not bands or not timesteps:
        return None
    less = (
        (f"{human.numbered_are(left_out, 'operator')} not drawn: there would be too many spikes.",) if left_out else ()
    )
    return Chart(
        f"{key}-raster",
        "Spike raster",
        f"Outputs of sample {sample}: a line for each neuron, a tick in each timestep in which its output is not zero. "
        "Where an operator has many neurons, some of them, evenly spaced.",
        {f"sample {sample}": lambda width, name: raster(width, name, "Spike raster", bands, timesteps)},
        DataTable(("operator", "neuron (index in the output)", "not zero, one character per timestep"), rows),
        less,
    )


def _input_densities(result: RunResult, layer: LayerResult) -> list[float]:
    """Percent by timestep. Of the inputs there are as many in each timestep; how many, the mean density tells."""
    inputs = share(layer.sum_input_spikes, layer.input_density) / result.timesteps
    return [100 * share(spikes, inputs) for spikes in layer.sum_input_spikes_by_timestep]


def _output_densities(result: RunResult, layer: LayerResult) -> list[float]:
    outputs = layer.output_neurons * len(result.samples)
    return [100 * share(spikes, outputs) for spikes in layer.sum_output_spikes_by_timestep]


def _at(values: Sequence[float], step: int) -> float | None:
    return values[step] if step < len(values) else None


def _grouped(values: Sequence[float], together: int) -> list[float]:
    """Means of neighbours."""
    pieces = [values[first : first + together] for first in range(0, len(values), together)]
    return [sum(piece) / len(piece) for piece in pieces]


def _map(title: str, rows: Sequence[str], columns: Sequence[str], cells: Sequence[Sequence[float]]) -> Draw:
    return lambda width, key: heat_map(width, key, title, rows, columns, cells, "%", of_columns="timestep")
