"""The weight formats, as data. Sizes are of a fiber of n positions, z of them non-zero, b bits a value.

| format | bits of a fiber |
|---|---|
| uncompressed | n·b |
| ubm | n + n·b |
| bitmask | n + z·b |
| cp | z·(b + ⌈log2 n⌉) |
| rle | entries·(b + r); a run of more than 2^r - 1 zeros takes a further entry of value 0 for every 2^r of them, and zeros at the end are not stored |
| uop | n·b, or 0 if z = 0; + fibers + 1 offsets of ⌈log2(stored values + 1)⌉ bits |
| csr | as cp; + offsets as uop |
"""  # noqa: E501

from __future__ import annotations

from simulator.formats.base import WEIGHT_FORMATS, WeightFormat

_SPARSELOOP = "Sparseloop (Wu et al., MICRO 2022), section 3 and timeloop/src/workload/format-models"

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
        "section 3",
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
