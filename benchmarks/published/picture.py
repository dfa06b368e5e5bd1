"""Ours against theirs as a picture; needs the extra `train`."""

from __future__ import annotations

from pathlib import Path

from benchmarks.published.compare import Energies
from benchmarks.published.figures import TERNARY, TOLERANCE

NAMED_PRUNED = (0.0, 0.8, 0.975)
"""Points of which the picture says what they are; the others lie between."""


def draw(ours: Energies, published: Energies, path: Path) -> None:
    """Every energy over the same format's ternary one, published to the right, ours upwards."""
    from spikecycle.models.study.plots.style import COLOURS, GREY, MARKERS, PANEL_INCHES, panels, styled

    with styled():
        figure, (axes,) = panels(["eyeriss_snn"], height_inches=PANEL_INCHES[0])
        ends = (0.9, 1.1 * max(energy / published[name, TERNARY] for (name, _), energy in published.items()))
        axes.plot(ends, ends, color=GREY, linewidth=0.8)
        for side in (1 - TOLERANCE, 1 + TOLERANCE):
            axes.plot(ends, [side * end for end in ends], color=GREY, linewidth=0.4)
        for name, color, marker in zip(("rle", "uop"), COLOURS, MARKERS, strict=False):
            runs = [run for run in published if run[0] == name]
            theirs = [published[run] / published[name, TERNARY] for run in runs]
            found = [ours[run] / ours[name, TERNARY] for run in runs]
            axes.scatter(theirs, found, s=18, color=color, marker=marker, label=name.upper(), zorder=3)
            for (_, point), x, y in zip(runs, theirs, found, strict=True):
                if point.pruned in NAMED_PRUNED:
                    axes.annotate(str(point), (x, y), (4, -8), textcoords="offset points", fontsize=6.5)
        axes.set(xlabel="energy / ternary, published", ylabel="energy / ternary, ours", xlim=ends, ylim=ends)
        axes.legend(title=f"lines: equal, ±{TOLERANCE:.0%}")
        figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
