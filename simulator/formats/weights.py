"""The weight formats, as data.

Bits of a fiber of n positions, z of them non-zero, b bits a value:

    uncompressed   n·b
    ubm            n + n·b
    bitmask        n + z·b
    cp             z·(b + ⌈log2 n⌉)
    rle            entries·(b + r): z, and one of value 0 for every full 2^r zeros ahead of a non-zero
    uop            n·b, or 0 if z = 0; for the set, fibers + 1 offsets of ⌈log2(stored values + 1)⌉ bits
    csr            as cp; for the set, offsets as uop
"""

from __future__ import annotations

from spikecycle.simulator.formats.base import WEIGHT_FORMATS, WeightFormat

_SPARSELOOP = "Sparseloop (Wu et al., MICRO 2022); NVlabs/timeloop, src/workload/format-models"

for _format in (
    WeightFormat(
        name="uncompressed",
        title="uncompressed (U)",
        source=_SPARSELOOP,
        located="fixed",
        positions="implicit",
        values="in_place",
    ),
    WeightFormat(
        name="ubm",
        title="uncompressed bitmask (UBM)",
        source=_SPARSELOOP,
        located="fixed",
        positions="mask",
        values="in_place",
    ),
    WeightFormat(
        name="bitmask",
        title="bitmask (B)",
        source=_SPARSELOOP,
        located="offsets",
        positions="mask",
        values="packed",
    ),
    WeightFormat(
        name="cp",
        title="coordinate payload (CP)",
        source=f"{_SPARSELOOP}; coordinates of ⌈log2 n⌉ bits",
        located="offsets",
        positions="coordinate",
        values="packed",
    ),
    WeightFormat(
        name="rle",
        title="run-length (RLE)",
        source="Eyeriss (Chen et al., JSSC 2017): 5-bit runs; padding entries as EIE (Han et al., ISCA 2016), "
        "section III",
        located="offsets",
        positions="run",
        values="packed",
        run_bits=5,
    ),
    WeightFormat(
        name="uop",
        title="offset pairs (UOP) over uncompressed values",
        source=_SPARSELOOP,
        located="offsets",
        positions="implicit",
        values="in_place",
        offset_pairs=True,
    ),
    WeightFormat(
        name="csr",
        title="compressed sparse rows (UOP over CP)",
        source=_SPARSELOOP,
        located="offsets",
        positions="coordinate",
        values="packed",
        offset_pairs=True,
    ),
):
    WEIGHT_FORMATS.register(_format.name, _format)
