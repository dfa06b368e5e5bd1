"""Generated workloads: small convolutions with any stride, padding on four sides, dilation, groups, and inputs."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from hypothesis import strategies as st

from spikecycle.simulator.workload import WindowAxis, Windows
from tests.reference.workload import Geometry


class Case(NamedTuple):
    """A convolution with inputs (T, C, H, W) of so many bits and weights (M, C / groups, R, S)."""

    geometry: Geometry
    inputs: np.ndarray
    bits: int
    weights: np.ndarray


def windows_of(geometry: Geometry) -> Windows:
    """The geometry as kernels take it."""
    return Windows(
        WindowAxis.of(geometry.H, geometry.R, geometry.stride[0], geometry.padding[:2], geometry.dilation[0]),
        WindowAxis.of(geometry.W, geometry.S, geometry.stride[1], geometry.padding[2:], geometry.dilation[1]),
    )


@st.composite
def geometries(draw: st.DrawFn) -> Geometry:
    """Kernels up to 4 x 4 on maps up to 7 x 7, of which some outputs may see nothing but padding."""
    groups = draw(st.sampled_from((1, 1, 2)))
    axes = []
    for _ in range(2):
        size, before, after = draw(st.integers(1, 7)), draw(st.integers(0, 3)), draw(st.integers(0, 3))
        dilation = draw(st.sampled_from((1, 1, 2, 3)))
        most = (size + before + after - 1) // dilation + 1
        taps = draw(st.integers(1, min(4, most)))
        axes.append((size, taps, draw(st.sampled_from((1, 1, 2, 3))), before, after, dilation))
    (H, R, stride_rows, top, bottom, dilation_rows), (W, S, stride_columns, left, right, dilation_columns) = axes
    return Geometry(
        C=groups * draw(st.integers(1, 3)),
        H=H,
        W=W,
        M=groups * draw(st.integers(1, 3)),
        R=R,
        S=S,
        stride=(stride_rows, stride_columns),
        padding=(top, bottom, left, right),
        dilation=(dilation_rows, dilation_columns),
        groups=groups,
    )


def values(random: np.random.Generator, shape: tuple[int, ...], bits: int, density: float) -> np.ndarray:
    """uint8, or uint16 for more than 8 bits: non-zero values at a share of the positions."""
    found = np.where(random.random(shape) < density, random.integers(1, 1 << bits, shape), 0)
    return found.astype(np.uint8 if bits <= 8 else np.uint16)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Convolutions with silent to full inputs of 1 to 16 bits and any share of zero weights."""
    geometry = draw(geometries())
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    bits = draw(st.sampled_from((1, 1, 2, 3, 8, 16)))
    shape = (draw(st.integers(1, 3)), geometry.C, geometry.H, geometry.W)
    weights = random.integers(-3, 4, (geometry.M, geometry.C // geometry.groups, geometry.R, geometry.S))
    density = draw(st.sampled_from((0.2, 0.5, 1.0, 0.0)))
    return Case(geometry, values(random, shape, bits, density), bits, weights.astype(np.int32))
