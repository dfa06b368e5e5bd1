"""A drawing as a picture of pixels, where the package for it is installed."""

from __future__ import annotations

from importlib.util import find_spec

from spikecycle.installing import how_to_install

_SHARPNESS = 2.0
"""Pixels of the picture for each pixel of the drawing."""
HOW_TO_GET_IT = f"PNG files need the extra png; the page saves PNG without it. To install it: {how_to_install('png')}"


def has_png() -> bool:
    """Whether pictures can be made here."""
    return find_spec("resvg_py") is not None


def to_png(svg: str) -> bytes:
    """A whole SVG file as PNG. ModuleNotFoundError where `has_png` says no."""
    import resvg_py

    return bytes(resvg_py.svg_to_bytes(svg_string=svg, zoom=_SHARPNESS, sans_serif_family="DejaVu Sans"))
