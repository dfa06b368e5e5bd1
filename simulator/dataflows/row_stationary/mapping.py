"""The mapping of a layer: what fits pads and global buffer, and the choice among all that fits.

MICROARCHITECTURE.md, sections 1 to 3 (capacity) and 9 (choice). Functions of capacity take numbers or NumPy arrays of
them alike, so that the search can ask about many tiles at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np

from spikecycle.simulator.array_types import Int64
from spikecycle.simulator.dataflows.row_stationary.kernel_types import ArrayMapping, ArraySpec, Kept, LayerSpec, Storage
from spikecycle.simulator.dataflows.row_stationary.weight_streams import WeightStreams


def ceil_div(dividend: Any, divisor: Any) -> Any:
    """⌈dividend / divisor⌉."""
    return -(-dividend // divisor)


def pad_psum_bits(layer: LayerSpec, array: ArraySpec) -> int:
    """Width of psums in pads: of what a PE adds up in a pass with as many channels as the input pad has room for, or
    of whole psums if they wait in the pads."""
    channels = max(1, min(layer.group_channels, array.input_entries // layer.S))
    values = channels * layer.S << (layer.weight_bits - 1)
    one_pass = 1 + (values * ((1 << layer.input_bits) - 1)).bit_length()
    return layer.psum_bits if array.psums_in_pads else min(layer.psum_bits, one_pass)


def tag_bits(storage: Storage, filters_per_pe: int) -> int:
    """Bits of the filter number beside a weight in the pad."""
    return (filters_per_pe - 1).bit_length() if storage.tagged else 0


def entries_per_weight(layer: LayerSpec, array: ArraySpec, storage: Storage, filters_per_pe: int) -> int:
    """Entries of the weight pad that a weight takes."""
    return int(ceil_div(layer.weight_bits + tag_bits(storage, filters_per_pe), array.weight_width))


def fits_pads(
    layer: LayerSpec, array: ArraySpec, storage: Storage, filters_per_pe: int, channels_per_pe: int, windows: int
) -> bool:
    """Whether p filters and q channels fit the three pads, with psums for that many windows at a time."""
    taps = channels_per_pe * layer.S
    mask_entries = storage.masked * ceil_div(filters_per_pe, array.weight_width)
    weight_entries = taps * (filters_per_pe * entries_per_weight(layer, array, storage, filters_per_pe) + mask_entries)
    return bool(
        taps * ceil_div(layer.input_bits, array.input_width) <= array.input_entries
        and weight_entries <= array.weight_entries
        and windows * filters_per_pe * ceil_div(pad_psum_bits(layer, array), array.psum_width) <= array.psum_entries
    )


def most_filters(layer: LayerSpec, array: ArraySpec, storage: Storage, channels_per_pe: int, windows: int = 1) -> int:
    """The most filters that a PE can work on with q channels; 0 if not even one."""
    filters = 0
    while filters < layer.group_filters and fits_pads(layer, array, storage, filters + 1, channels_per_pe, windows):
        filters += 1
    return filters


def input_rows(layer: LayerSpec, tile_rows: Any) -> Any:
    """Most input rows that a tile of `tile_rows` output rows needs."""
    return np.minimum(layer.H, (tile_rows - 1) * layer.windows.rows.stride + layer.R)


def input_columns(layer: LayerSpec, tile_columns: Any) -> Any:
    """Most input columns that a tile of `tile_columns` output columns needs."""
    return np.minimum(layer.W, (tile_columns - 1) * layer.windows.columns.stride + layer.S)


def words_of(values: Any, bits: int, array: ArraySpec) -> Any:
    """Words of the global buffer for values of `bits` bits, none of them straddling words."""
    return ceil_div(values, array.word_bits // bits)


def fold_words(layer: LayerSpec, array: ArraySpec, mapping: ArrayMapping) -> Any:
    """Words of the global buffer for one input row of all channels of a channel fold."""
    channels = min(mapping.fold_channels, layer.group_channels)
    return ceil_div(channels * input_columns(layer, mapping.tile_columns) * layer.input_bits, array.word_bits)


def fold_pairs(array: ArraySpec, tile_rows: Any) -> Any:
    """Most pairs (timestep, output row) of a column fold."""
    return array.columns if array.time_batching else tile_rows


def buffer_words(layer: LayerSpec, array: ArraySpec, mapping: ArrayMapping, weight_words: int) -> Any:
    """Words of the global buffer that a mapping takes; tile sizes and folds a group may be arrays.

    weight_words: words of weights that lie there.
    """
    h, w, p, sets = mapping.tile_rows, mapping.tile_columns, mapping.filters_per_pe, mapping.filter_sets
    channel_folds = ceil_div(layer.group_channels, mapping.fold_channels)
    pairs = layer.T * h
    group_pairs = np.minimum(mapping.folds_per_group * fold_pairs(array, h), pairs)
    row_words = fold_words(layer, array, mapping)
    one_pass = np.minimum(fold_pairs(array, h), pairs) * layer.R * row_words
    timesteps = np.minimum(layer.T, ceil_div(group_pairs - 1, h) + 1) if mapping.kept == Kept.GROUP else layer.T
    kept = timesteps * input_rows(layer, h) * channel_folds * row_words
    inputs = one_pass + (one_pass if mapping.kept == Kept.PASS else kept)
    psums = sets * group_pairs * words_of(w * p, layer.psum_bits, array)
    owners = layer.groups * ceil_div(layer.group_filters, mapping.fold_filters) if mapping.kept == Kept.GROUP else 1
    potentials = owners * sets * h * words_of(w * p, layer.potential_bits, array)
    outputs = 2 * sets * group_pairs * words_of(w * p, layer.output_bits, array)
    stay = (group_pairs < pairs) & (array.potentials_in_dram == 0)
    return inputs + psums + np.where(stay, potentials, 0) + outputs + weight_words


# Relative energy of a 16-bit word (Eyeriss, ISCA 2016, table IV); a pad's access costs 1.
DRAM_COST, BUFFER_COST, CHAIN_COST = 200, 6, 2


@dataclass(frozen=True)
class Estimate:
    """What a mapping moves and takes, as far as it depends on neither spikes nor zero weights."""

    dram_bits: Any
    buffer_bits: Any
    chain_bits: Any
    cycles: Any

    def objective(self, name: str) -> Any:
        """The number to be made least, float64."""
        energy = DRAM_COST * self.dram_bits + BUFFER_COST * self.buffer_bits + CHAIN_COST * self.chain_bits
        energy_cost, cycles = np.asarray(energy, np.float64), np.asarray(self.cycles, np.float64)
        return {"energy": energy_cost, "cycles": cycles, "edp": energy_cost * cycles}[name]


def choose(
    layer: LayerSpec,
    array: ArraySpec,
    storage: Storage,
    streams: WeightStreams,
    objective: str,
    residents: tuple[int, ...] | None = None,
) -> ArrayMapping | None:
    """The mapping with the least objective, the first of equal ones; None if none fits.

    residents: values of `ArrayMapping.resident` to try; all that the array can do, unless given.
    """
    tried = residents or ((0,) if array.bypass else (0, 1))
    best: ArrayMapping | None = None
    least = np.inf
    for shape, h, w, folds in _shapes_and_tiles(layer, array, storage, tried):
        if streams.refusal(shape.fold_channels) is not None:
            continue
        candidates = shape._replace(tile_rows=h, tile_columns=w, folds_per_group=folds)  # type: ignore[arg-type]
        bits = streams.fold_bits(shape.fold_filters, shape.fold_channels)
        needed = buffer_words(layer, array, candidates, weight_words(array, shape, bits))
        found = estimate(layer, array, candidates, int(bits.sum())).objective(objective)
        found = np.where(needed <= array.buffer_words, found, np.inf)
        first = int(np.argmin(found))
        if found[first] < least:
            least = float(found[first])
            best = shape._replace(
                tile_rows=int(h[first]), tile_columns=int(w[first]), folds_per_group=int(folds[first])
            )
    return best


def _shapes_and_tiles(
    layer: LayerSpec, array: ArraySpec, storage: Storage, residents: tuple[int, ...]
) -> Iterator[tuple[ArrayMapping, Int64, Int64, Int64]]:
    """All candidates in the order in which the first of equals wins: a mapping without tile; its h, w and G."""
    tiles = _tiles_of_windows(layer, array)
    most = cache(partial(most_filters, layer, array, storage))
    for resident in residents:
        for kept in Kept if array.time_batching else (Kept.GROUP,):
            for filter_sets in range(1, min(array.rows // layer.R, layer.group_filters) + 1):
                for q in range(1, min(layer.group_channels, array.input_entries // layer.S) + 1):
                    for windows, (h, w, folds) in tiles.items():
                        p = most(q, windows)
                        if p > 0:
                            yield _without_tile(layer, array, p, q, filter_sets, kept, resident), h, w, folds


def _without_tile(
    layer: LayerSpec, array: ArraySpec, most: int, q: int, filter_sets: int, kept: int, resident: int
) -> ArrayMapping:
    filter_folds = ceil_div(layer.group_filters, filter_sets * most)
    return ArrayMapping(
        filters_per_pe=int(ceil_div(layer.group_filters, filter_sets * filter_folds)),
        channels_per_pe=q,
        filter_sets=filter_sets,
        channel_sets=min(array.rows // layer.R // filter_sets, int(ceil_div(layer.group_channels, q))),
        tile_rows=0,
        tile_columns=0,
        folds_per_group=0,
        kept=int(kept),
        resident=resident,
    )


def _cuts(size: int) -> list[int]:
    """All ⌈size / k⌉, from the largest down."""
    return sorted({-(-size // parts) for parts in range(1, size + 1)}, reverse=True)


def _tiles_of_windows(layer: LayerSpec, array: ArraySpec) -> dict[int, tuple[Int64, Int64, Int64]]:
    """Windows whose psums a pad must hold at a time -> all such tiles (h, w, G), in the order of preference.

    Psums that wait in the pads are those of all windows and column folds of a time group.
    """
    found: dict[int, list[tuple[int, int, int]]] = {}
    groups_of_height = {h: _cuts(int(ceil_div(layer.T * h, array.columns))) for h in _cuts(layer.P)}
    if not array.time_batching:
        groups_of_height = {h: [1] for h in groups_of_height if h <= array.columns}
    for w in _cuts(layer.Q):
        for h, groups in groups_of_height.items():
            for folds in groups:
                windows = w * folds if array.psums_in_pads else 1
                if windows <= array.psum_entries:
                    found.setdefault(windows, []).append((h, w, folds))
    tiles = {windows: np.array(sizes, np.int64).T for windows, sizes in found.items()}
    return {windows: (sizes[0], sizes[1], sizes[2]) for windows, sizes in tiles.items()}


def weight_words(array: ArraySpec, mapping: ArrayMapping, fold_bits: Int64) -> int:
    """Words of weights in the global buffer. fold_bits: int64 (filter folds, channel folds)."""
    if array.bypass:
        return 0
    words = ceil_div(fold_bits, array.word_bits)
    return int(words.sum() if mapping.resident else words.max())


def estimate(layer: LayerSpec, array: ArraySpec, mapping: ArrayMapping, weight_bits: int) -> Estimate:
    """Traffic and cycles of a mapping whose tile may be given as arrays. weight_bits: all weights, encoded."""
    h, w = mapping.tile_rows, mapping.tile_columns
    map_tiles = ceil_div(layer.P, h) * ceil_div(layer.Q, w)
    column_folds = ceil_div(layer.T * h, fold_pairs(array, h))
    groups = ceil_div(column_folds, mapping.folds_per_group)
    filter_folds = layer.groups * int(ceil_div(layer.group_filters, mapping.fold_filters))
    channel_folds = int(ceil_div(layer.group_channels, mapping.fold_channels))

    once_a_tile = (channel_folds == 1) & ((mapping.kept != Kept.GROUP) | (groups == 1))
    fills = 1 if filter_folds * channel_folds == 1 else np.where(once_a_tile, map_tiles, map_tiles * groups)
    filled = fills * weight_bits
    loaded = weight_bits if mapping.resident else filled

    rows = input_rows(layer, h)
    timesteps_a_fold = ceil_div(array.columns, h) + 1 if array.time_batching else 1
    rows_a_fold = np.minimum(fold_pairs(array, h) * layer.R, timesteps_a_fold * rows)
    rows_delivered = map_tiles * column_folds * rows_a_fold * filter_folds * channel_folds
    timesteps = layer.T + groups - 1 if mapping.kept == Kept.GROUP and array.time_batching else layer.T
    rows_kept = map_tiles * timesteps * rows * layer.groups * channel_folds
    rows_loaded = rows_delivered if mapping.kept == Kept.PASS else rows_kept
    input_bits = rows_loaded // channel_folds * layer.group_channels * input_columns(layer, w)
    input_bits *= layer.stored_input_bits
    outputs = layer.T * layer.M * layer.P * layer.Q
    # rows of a tile whose potentials are taken up by, or kept for, another time group
    waiting = 2 * map_tiles * (groups - 1) * h

    results = w * mapping.filters_per_pe
    hand_overs = 1 if array.psums_in_pads else channel_folds
    psum_words = hand_overs * words_of(results, layer.psum_bits, array) + words_of(results, layer.output_bits, array)
    potential_words = words_of(results, layer.potential_bits, array)
    buffer_words = (
        (rows_loaded + rows_delivered) * fold_words(layer, array, mapping)
        + 2 * map_tiles * layer.T * h * filter_folds * mapping.filter_sets * psum_words
        + (0 if array.potentials_in_dram else waiting * filter_folds * mapping.filter_sets * potential_words)
        + (0 if array.bypass else (loaded + filled) // array.word_bits)
    )
    chain_sets = ceil_div(layer.group_channels, mapping.channels_per_pe)
    if array.psums_in_pads:
        chain_sets = min(chain_sets, mapping.channel_sets)
    pe_cycles = map_tiles * column_folds * filter_folds * results
    pe_cycles *= channel_folds * mapping.channels_per_pe * layer.S + hand_overs
    return Estimate(
        dram_bits=loaded
        + input_bits
        + outputs * layer.stored_output_bits
        + (waiting * w * layer.M * layer.potential_bits // array.potentials_in_dram if array.potentials_in_dram else 0),
        buffer_bits=buffer_words * array.word_bits,
        chain_bits=outputs * int(chain_sets) * layer.R * layer.psum_bits,
        cycles=np.maximum(pe_cycles, buffer_words // array.words_per_cycle)
        + map_tiles * layer.T * h * w * layer.M // array.update_lanes
        + filled // array.weight_bus_bits,
    )
