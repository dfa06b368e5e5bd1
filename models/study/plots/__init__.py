"""The pictures of a study, one per file, drawn from its tables; each as PNG and as SVG."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import polars as pl
from matplotlib.figure import Figure

from spikecycle.models.study.plots.breakdown import draw_breakdown
from spikecycle.models.study.plots.fronts import draw_edp_front, draw_energy_front
from spikecycle.models.study.plots.layers import draw_layers
from spikecycle.models.study.plots.lines import draw_bits, draw_sparsity
from spikecycle.models.study.plots.style import styled
from spikecycle.models.study.results import Results
from spikecycle.simulator import write_file

Draw = Callable[[Results, pl.DataFrame], Figure | None]
"""Draws from the results and the table of layers; None where the study has nothing of it to show."""

PICTURES: Mapping[str, Draw] = MappingProxyType(
    {
        "energy_accuracy": draw_energy_front,
        "edp_accuracy": draw_edp_front,
        "energy_by_bits": draw_bits,
        "energy_by_sparsity": draw_sparsity,
        "layer_sparsity": draw_layers,
        "energy_breakdown": draw_breakdown,
    }
)
DPI = 130


def draw_all(folder: Path, results: Results, layers: pl.DataFrame) -> list[Path]:
    """Write every picture that there is something to show in, and return the files; others of that name go."""
    written = []
    for name, draw in PICTURES.items():
        with styled():
            figure = draw(results, layers)
            for suffix in ("png", "svg"):
                path = folder / f"{name}.{suffix}"
                if figure is None:
                    path.unlink(missing_ok=True)
                    continue
                write_file(path, rendered(figure, suffix))
                written.append(path)
    return written


def rendered(figure: Figure | None, suffix: str) -> bytes:
    """A picture as a file of that kind; the same picture gives the same bytes."""
    assert figure is not None
    buffer = io.BytesIO()
    metadata = {"svg": {"Date": None}, "png": {}}[suffix]
    figure.savefig(buffer, format=suffix, dpi=DPI, metadata=metadata)
    return buffer.getvalue()
