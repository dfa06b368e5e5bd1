"""The weight formats, as data.

Bits of a fiber of n positions, z of them non-zero, b bits a value:

    uncompressed   n·b
    ubm            n + n·b
    bitmask        n + z·b
    cp             z·(b + ⌈log2 n⌉)
    rle            entries·(b + r): z, and one of value 0 for every full 2^r zeros ahead of a non-zero; r = 5
    uop            n·b, or 0 if z = 0; for the set, fibers + 1 offsets of ⌈log2(stored values + 1)⌉ bits
    csr            as cp; for the set, offsets as uop
    n_of_m         slots·(b + ⌈log2 m⌉): of every m neighbours along `group_axis` n values are kept, non-zeros and
                   zeros that make up the number (of a shorter last group of g, min(n, g)); 2 of 4
    trits          8·⌈n / 5⌉; -1, 0 and 1 only
    codebook       n·i, and one table of 2^i values of b bits for the layer; i = 4
    eie            entries·(i + r), entries as rle; offsets as uop, the table as codebook; r = 4, i = 4
    rlc            64·⌈entries / k⌉, entries as rle, k = ⌊63 / (5 + b)⌋ of them to a word of 64 bits with an end bit:
                   3 of 16-bit values (63 bits used), 4 of 8-bit values (52), 7 of 4-bit values (63), 9 of 2-bit (63)

Ternary weights of 2 bits each are `uncompressed` with b = 2. The codebook of a layer has 0 as its entry 0, even where
no weight is 0 (padding needs it), and its other values in ascending order.
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
        settings=("run_bits",),
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
    WeightFormat(
        name="n_of_m",
        title="N:M with indices",
        source="2:4 of sparse tensor cores: Mishra et al., Accelerating Sparse Deep Neural Networks (arXiv "
        "2104.08378), section 3: two values and two 2-bit indices of every four along the summed dimension",
        located="fixed",
        positions="group_index",
        values="packed",
        kept=2,
        group=4,
        group_axis="input_channel",
        settings=("kept", "group", "group_axis"),
    ),
    WeightFormat(
        name="trits",
        title="five trits to a byte",
        source="3^5 = 243 <= 256, 1.6 bits per weight: as TQ1_0 of llama.cpp packs ternary weights "
        "(compilade.net/blog/ternary-packing, 2024)",
        located="fixed",
        positions="implicit",
        values="in_place",
        codes="trits",
    ),
    WeightFormat(
        name="codebook",
        title="codebook indices",
        source="shared weights of Deep Compression (Han et al., ICLR 2016), section 3, without Huffman coding; 4 bits "
        "as EIE (Han et al., ISCA 2016)",
        located="fixed",
        positions="implicit",
        values="in_place",
        codes="codebook",
        index_bits=4,
        settings=("index_bits",),
    ),
    WeightFormat(
        name="eie",
        title="relative index and codebook (EIE)",
        source="EIE (Han et al., ISCA 2016), section III: 4-bit relative indices, a padding zero every 16 zeros, 4-bit "
        "indices of 16 shared weights, column pointers",
        located="offsets",
        positions="run",
        values="packed",
        offset_pairs=True,
        run_bits=4,
        codes="codebook",
        index_bits=4,
        settings=("index_bits",),
    ),
    WeightFormat(
        name="rlc",
        title="run-length in 64-bit words (RLC)",
        source="Eyeriss (Chen et al., JSSC 2017), section IV: three pairs of a 5-bit run and a 16-bit value and an end "
        "bit in a word of 64 bits; for other widths as many whole pairs as fit",
        located="offsets",
        positions="run",
        values="packed",
        run_bits=5,
        code_word_bits=64,
    ),
):
    WEIGHT_FORMATS.register(_format.name, _format)
