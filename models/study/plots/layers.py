"""How many weights of each layer are zero, for every compression."""

from __future__ import annotations

import polars as pl
from matplotlib.figure import Figure

from spikecycle.models.study.results import Results

LEAST_INCHES = 2.4  # so that the words beside the colours have room
LIGHT_ABOVE = 55
"""Zeros, %, above which a cell is so light that its number is written in black."""


def draw_layers(results: Results, layers: pl.DataFrame) -> Figure:
    """A table of compressions and layers, shaded; the numbers are per cent, means over the seeds."""
    names = layers["layer"].unique(maintain_order=True).to_list()
    shares = {
        (compression, layer): share
        for compression, layer, share in layers.group_by("compression", "layer", maintain_order=True)
        .agg(pl.col("weight_sparsity").mean())
        .iter_rows()
    }
    values = [[100 * shares[candidate.name, layer] for layer in names] for candidate in results.candidates]
    figure = Figure(
        figsize=(2.6 + 0.75 * len(names), max(LEAST_INCHES, 0.9 + 0.24 * len(values))), layout="constrained"
    )
    axis = figure.add_subplot()
    image = axis.imshow(values, cmap="cividis", vmin=0, vmax=100, aspect="auto")
    for row, shares_of_row in enumerate(values):
        for column, share in enumerate(shares_of_row):
            colour = "black" if share > LIGHT_ABOVE else "white"
            axis.text(column, row, f"{share:.0f}", ha="center", va="center", fontsize=7.5, color=colour)
    axis.set_xticks(range(len(names)), names)
    axis.set_yticks(range(len(values)), [candidate.label for candidate in results.candidates])
    axis.set_xlabel("layer")
    axis.spines[:].set_visible(False)
    axis.tick_params(length=0)
    figure.colorbar(image, ax=axis, label="weights that are zero (%)")
    return figure
