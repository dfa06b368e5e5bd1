"""The mapping of a layer: what fits pads and global buffer, and the choice among all that fits.

MICROARCHITECTURE.md, sections 1 to 3 (capacity) and 9 (choice). Functions of a mapping take one whose numbers, but for
`kept` and `resident`, are arrays as well, so that the search can ask about many mappings at once.

The search measures encoded weights only where it has to: an estimate with as few bits as they can have is a lower bound
of the objective, and most candidates are out of the question by that. What it finds is the same.
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
    # as many as there would be room for if none had a tag or a mask, or fewer
    weights = channels_per_pe * layer.S * entries_per_weight(layer, array, storage, 1)
    filters = min(layer.group_filters, array.weight_entries // weights)
    psums = windows * ceil_div(pad_psum_bits(layer, array), array.psum_width)
    if psums > 0:
        filters = min(filters, array.psum_entries // psums)
    while filters > 0 and not fits_pads(layer, array, storage, filters, channels_per_pe, windows):
        filters -= 1
    return int(filters)


def input_rows(layer: LayerSpec, tile_rows: Any) -> Any:
    """Most input rows that a tile of `tile_rows` output rows needs."""
    return np.minimum(layer.H, (tile_rows - 1) * layer.windows.rows.stride + layer.R)


def input_columns(layer: LayerSpec, tile_columns: Any) -> Any:
    """Most input columns that a tile of `tile_columns` output columns needs."""
    return np.minimum(layer.W, (tile_columns - 1) * layer.windows.columns.stride + layer.S)


def words_of(values: Any, bits: int, array: ArraySpec) -> Any:
    """Words of the global buffer for values of `bits` bits, none of them straddling words."""
    return ceil_div(values, array.word_bits // bits)


def state_words(layer: LayerSpec, array: ArraySpec, neurons: Any) -> Any:
    """Words of the global buffer for potentials and, from a word on, synaptic currents of neurons."""
    words = words_of(neurons, layer.potential_bits, array)
    return words + words_of(neurons, layer.current_bits, array) if layer.current_bits else words


def fold_words(layer: LayerSpec, array: ArraySpec, mapping: ArrayMapping) -> Any:
    """Words of the global buffer for one input row of all channels of a channel fold."""
    channels = np.minimum(mapping.fold_channels, layer.group_channels)
    return ceil_div(channels * input_columns(layer, mapping.tile_columns) * layer.input_bits, array.word_bits)


def fold_pairs(array: ArraySpec, tile_rows: Any) -> Any:
    """Most pairs (timestep, output row) of a column fold."""
    return array.columns if array.time_batching else tile_rows


def buffer_words(layer: LayerSpec, array: ArraySpec, mapping: ArrayMapping, weight_words: int) -> Any:
    """Words of the global buffer that a mapping takes.

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
    neurons = w // layer.pool_columns * p  # of a row
    potentials = owners * sets * (h // layer.pool_rows) * state_words(layer, array, neurons)
    rows = group_pairs if layer.pool_rows == 1 else group_pairs // h * (h // layer.pool_rows)
    outputs = 2 * sets * rows * words_of(neurons, layer.output_bits, array)
    stay = (group_pairs < pairs) & (array.potentials_in_dram == 0)
    return inputs + psums + np.where(stay, potentials, 0) + outputs + weight_words


# Relative energy of a 16-bit word (Eyeriss, ISCA 2016, table IV); a pad's access costs 1.
DRAM_COST, BUFFER_COST, CHAIN_COST = 200, 6, 2

CANDIDATES_AT_ONCE = 2**12  # about 1 MB of numbers


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
    for candidates in _candidates(layer, array, storage, tried):
        found = _least_of(layer, array, streams, objective, candidates, least)
        if found is not None:
            best, least = found
    return best


def _least_of(
    layer: LayerSpec,
    array: ArraySpec,
    streams: WeightStreams,
    objective: str,
    candidates: ArrayMapping,
    below: float,
) -> tuple[ArrayMapping, float] | None:
    """The first of the candidates with the least objective, and that; None if none has less than `below`.

    Candidates whose folds have the same filters and channels have the same encoded weights. Those of the smallest
    bound come first, and when a bound is above what has been found, so are all that are left.
    """
    fold_channels, channels_of = np.unique(candidates.fold_channels, return_inverse=True)
    least_bits = np.array([streams.least_bits(int(channels)) for channels in fold_channels])[channels_of]
    bounds = estimate(layer, array, candidates, least_bits).objective(objective)
    words = buffer_words(layer, array, candidates, 0)
    bounds = np.where(words <= array.buffer_words, bounds, np.inf)
    folds = candidates.fold_filters * (1 + fold_channels[-1]) + candidates.fold_channels
    folds, kind = np.unique(folds, return_inverse=True)
    of_kind = np.full(len(folds), np.inf)
    np.minimum.at(of_kind, kind, bounds)
    found, first = below, -1
    for number in np.argsort(of_kind, kind="stable").tolist():
        if of_kind[number] > found or of_kind[number] >= below:
            break
        filters, channels = divmod(int(folds[number]), 1 + int(fold_channels[-1]))
        if streams.refusal(channels) is not None:
            continue
        rows = np.flatnonzero((kind == number) & (bounds <= found))
        tried = _of_rows(candidates, rows)
        bits = streams.fold_bits(filters, channels)
        values = estimate(layer, array, tried, int(bits.sum())).objective(objective)
        values = np.where(words[rows] + weight_words(array, tried, bits) <= array.buffer_words, values, np.inf)
        row = int(np.argmin(values))
        if values[row] < found or (values[row] == found < below and rows[row] < first):
            found, first = float(values[row]), int(rows[row])
    if first < 0:
        return None
    return ArrayMapping(*(int(number) for number in _of_rows(candidates, first))), found


def _of_rows(candidates: ArrayMapping, rows: Any) -> ArrayMapping:
    """Some of the candidates, or one."""
    return ArrayMapping(*(number if isinstance(number, int) else number[rows] for number in candidates))


def _candidates(
    layer: LayerSpec, array: ArraySpec, storage: Storage, residents: tuple[int, ...]
) -> Iterator[ArrayMapping]:
    """All candidates, many at a time, in the order in which the first of equals wins."""
    tiles = _tiles_of_windows(layer, array)
    most = cache(partial(most_filters, layer, array, storage))
    for resident in residents:
        for kept in Kept if array.time_batching else (Kept.GROUP,):
            shapes, sizes, rows = [], [], 0
            for filter_sets in range(1, min(array.rows // layer.R, layer.group_filters) + 1):
                for q in range(1, min(layer.group_channels, array.input_entries // layer.S) + 1):
                    for windows, size in tiles.items():
                        p = filters_of_pe(layer, array, filter_sets, most(q, windows))
                        sets = _channel_sets(layer, array, filter_sets, q)
                        if p == 0 or sets == 0:
                            continue
                        shapes.append((p, q, filter_sets, sets, size.shape[1]))
                        sizes.append(size)
                        rows += size.shape[1]
                        if rows >= CANDIDATES_AT_ONCE:
                            yield _joined(shapes, sizes, kept, resident)
                            shapes, sizes, rows = [], [], 0
            if rows:
                yield _joined(shapes, sizes, kept, resident)


def _joined(
    shapes: list[tuple[int, int, int, int, int]], sizes: list[Int64], kept: Kept, resident: int
) -> ArrayMapping:
    """Candidates: the first four numbers of a mapping and of how many tiles; h, w and G of those, int64 (3, tiles)."""
    *numbers, tiles = np.array(shapes, np.int64).T
    p, q, filter_sets, channel_sets = (np.repeat(number, tiles) for number in numbers)
    h, w, folds = np.concatenate(sizes, axis=1)
    columns: tuple[Any, ...] = (p, q, filter_sets, channel_sets, h, w, folds)
    return ArrayMapping._make((*columns, int(kept), resident))


def filters_of_pe(layer: LayerSpec, array: ArraySpec, filter_sets: int, most: int) -> int:
    """Filters a PE, of at most so many: evened out over the folds, or the most that divide them; 0 if none do."""
    if array.perfect_factors:
        share = layer.group_filters // filter_sets if layer.group_filters % filter_sets == 0 else 0
        return max((p for p in range(1, most + 1) if share and share % p == 0), default=0)
    if most == 0:
        return 0
    filter_folds = ceil_div(layer.group_filters, filter_sets * most)
    return int(ceil_div(layer.group_filters, filter_sets * filter_folds))


def _channel_sets(layer: LayerSpec, array: ArraySpec, filter_sets: int, q: int) -> int:
    """Channel sets beside the filter sets; 0 if folds of q channels do not divide the channels, where they have to."""
    most = min(array.rows // layer.R // filter_sets, int(ceil_div(layer.group_channels, q)))
    if not array.perfect_factors:
        return most
    return max((sets for sets in range(1, most + 1) if layer.group_channels % (q * sets) == 0), default=0)


def _cuts(size: int, array: ArraySpec) -> list[int]:
    """All ⌈size / k⌉, or all divisors, from the largest down."""
    if array.perfect_factors:
        return [part for part in range(size, 0, -1) if size % part == 0]
    return sorted({-(-size // parts) for parts in range(1, size + 1)}, reverse=True)


def _window_cuts(size: int, pooled: int, array: ArraySpec) -> list[int]:
    """The cuts of an axis of sums: all of them, or whole windows of a pool."""
    if pooled == 1:
        return _cuts(size, array)
    cuts = [part * pooled for part in _cuts(size // pooled, array)]
    return [size, *(cut for cut in cuts if cut < size and (size % cut == 0 or not array.perfect_factors))]


def _tiles_of_windows(layer: LayerSpec, array: ArraySpec) -> dict[int, Int64]:
    """Windows whose psums a pad must hold at a time -> h, w, G of all such tiles, int64 (3, n), in order of preference.

    Psums that wait in the pads are those of all windows and column folds of a time group.
    """
    found: dict[int, list[tuple[int, int, int]]] = {}
    heights = _window_cuts(layer.P, layer.pool_rows, array)
    groups_of_height = {h: _cuts(int(ceil_div(layer.T * h, array.columns)), array) for h in heights}
    if layer.window > 1:  # all sums of a window, in one time group
        groups_of_height = {h: groups[:1] for h, groups in groups_of_height.items()}
    if not array.time_batching:
        groups_of_height = {h: [1] for h in groups_of_height if h <= array.columns}
    for w in _window_cuts(layer.Q, layer.pool_columns, array):
        for h, groups in groups_of_height.items():
            for folds in groups:
                windows = w * folds if array.psums_in_pads else 1
                if windows <= array.psum_entries:
                    found.setdefault(windows, []).append((h, w, folds))
    return {windows: np.array(sizes, np.int64).T for windows, sizes in found.items()}


def weight_words(array: ArraySpec, mapping: ArrayMapping, fold_bits: Int64) -> int:
    """Words of weights in the global buffer. fold_bits: int64 (filter folds, channel folds)."""
    if array.bypass:
        return 0
    words = ceil_div(fold_bits, array.word_bits)
    return int(words.sum() if mapping.resident else words.max())


def estimate(layer: LayerSpec, array: ArraySpec, mapping: ArrayMapping, weight_bits: Any) -> Estimate:
    """Traffic and cycles of a mapping. weight_bits: all weights, encoded; more of them never make the rest less."""
    h, w = mapping.tile_rows, mapping.tile_columns
    map_tiles = ceil_div(layer.P, h) * ceil_div(layer.Q, w)
    column_folds = ceil_div(layer.T * h, fold_pairs(array, h))
    groups = ceil_div(column_folds, mapping.folds_per_group)
    filter_folds = layer.groups * ceil_div(layer.group_filters, mapping.fold_filters)
    channel_folds = ceil_div(layer.group_channels, mapping.fold_channels)

    once_a_tile = (channel_folds == 1) & ((mapping.kept != Kept.GROUP) | (groups == 1))
    fills = np.where(once_a_tile, map_tiles, map_tiles * groups)
    fills = np.where(filter_folds * channel_folds == 1, 1, fills)
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
    sums, outputs = layer.T * layer.M * layer.P * layer.Q, layer.T * layer.M * layer.neuron_rows * layer.neuron_columns
    neuron_rows, neuron_columns = h // layer.pool_rows, w // layer.pool_columns
    # rows of a tile whose potentials are taken up by, or kept for, another time group
    waiting = 2 * map_tiles * (groups - 1) * neuron_rows

    results, neurons = w * mapping.filters_per_pe, neuron_columns * mapping.filters_per_pe
    hand_overs = 1 if array.psums_in_pads else channel_folds
    result_words = h * hand_overs * words_of(results, layer.psum_bits, array)
    result_words = result_words + neuron_rows * words_of(neurons, layer.output_bits, array)
    potential_words = state_words(layer, array, neurons)
    parameter_bits = map_tiles * groups * neuron_rows * neuron_columns * layer.M * layer.parameter_bits
    buffer_words = (
        (rows_loaded + rows_delivered) * fold_words(layer, array, mapping)
        + 2 * map_tiles * layer.T * filter_folds * mapping.filter_sets * result_words
        + (0 if array.potentials_in_dram else waiting * filter_folds * mapping.filter_sets * potential_words)
        + (0 if array.bypass else (loaded + filled) // array.word_bits)
    )
    chain_sets = ceil_div(layer.group_channels, mapping.channels_per_pe)
    if array.psums_in_pads:
        chain_sets = np.minimum(chain_sets, mapping.channel_sets)
    pe_cycles = map_tiles * column_folds * filter_folds * results
    pe_cycles *= channel_folds * mapping.channels_per_pe * layer.S + hand_overs
    return Estimate(
        dram_bits=loaded
        + input_bits
        + outputs * layer.stored_output_bits
        + (
            waiting * neuron_columns * layer.M * layer.state_bits // array.potentials_in_dram
            if array.potentials_in_dram
            else 0
        )
        + parameter_bits,
        buffer_bits=buffer_words * array.word_bits,
        chain_bits=sums * chain_sets * layer.R * layer.psum_bits,
        cycles=np.maximum(pe_cycles, buffer_words // array.words_per_cycle)
        + map_tiles * layer.T * neuron_rows * neuron_columns * layer.M * layer.unit_cycles // array.update_lanes
        + filled // array.weight_bus_bits,
    )
