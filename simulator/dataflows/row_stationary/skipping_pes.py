"""How long PEs take whose input pads skip zeros: the slowest PE of every filter set in every pass.

The PEs of an array row serve the same weights, and those of an array column the same pair (timestep, output row), so
the cycles of a PE are an inner product: active inputs of each tap x weights applied there. Here all timesteps and
rows of the map go through a tap together, side by side in memory, taps without a weight are left out, and each pass
looks up the longest of its pairs.
"""

from __future__ import annotations

import numpy as np

from spikecycle.simulator.array_types import Int32, Int64
from spikecycle.simulator.dataflows.row_stationary.kernel_types import LayerOnArray, Step
from spikecycle.simulator.jit import kernel

_LARGEST_INT32 = 2**31 - 1


def longest_skipping_pes(mapped: LayerOnArray, active_inputs: Int64, steps: Int64) -> Int64:
    """int64 (passes, filter sets): cycles of the taps of the slowest PE of each set in each pass.

    active_inputs: int64 (T, H, C · S), of the column range that all `steps` have; see `Sample`.
    """
    longest = np.zeros((len(steps), mapped.mapping.filter_sets), np.int64)
    order, ends = _by_fold(mapped, steps)
    # Half as wide, twice as many at a time; no PE takes more cycles than all taps of the layer would.
    most = int(active_inputs.max(initial=0)) * int(mapped.applied_weights.max(initial=0)) * active_inputs.shape[2]
    narrow = most <= _LARGEST_INT32
    timesteps, rows, _ = active_inputs.shape
    by_tap = active_inputs.reshape(timesteps * rows, -1).T
    inputs = np.array(by_tap, np.int32, order="C") if narrow else np.array(by_tap, np.int64, order="C")
    cycles, pairs = np.zeros_like(inputs[0]), np.zeros((timesteps, mapped.layer.P), inputs.dtype)
    find_longest(mapped, inputs, steps, order, ends, cycles, pairs, longest)
    return longest


def _by_fold(mapped: LayerOnArray, steps: Int64) -> tuple[Int64, Int64]:
    """The passes ordered by filter fold, then channel fold, and where those of each pair of folds end."""
    filter_folds, channel_folds = mapped.tables.fold_bits.shape
    keys = steps[:, Step.FILTER_FOLD] * channel_folds + steps[:, Step.CHANNEL_FOLD]
    ends = np.cumsum(np.bincount(keys, minlength=filter_folds * channel_folds))
    return np.argsort(keys, kind="stable"), ends.astype(np.int64)


@kernel
def find_longest(
    mapped: LayerOnArray,
    inputs: Int32 | Int64,
    steps: Int64,
    order: Int64,
    ends: Int64,
    cycles: Int32 | Int64,
    pairs: Int32 | Int64,
    longest_out: Int64,
) -> None:
    """Fill in `longest_out`, see `longest_skipping_pes`.

    inputs: (C · S, T · H), active inputs of a tap. order: int64 (passes,), passes by filter fold and channel fold;
    ends: int64 (filter folds · channel folds,), where those of the folds end. cycles: (T · H,) and pairs: (T, P), of
    the dtype of `inputs`, room for the cycles of one PE by input row, and of all array rows by output row.
    """
    layer, mapping = mapped.layer, mapped.mapping
    filter_folds, channel_folds = mapped.tables.fold_bits.shape
    set_taps = mapping.channels_per_pe * layer.S
    group_taps = layer.C // layer.groups * layer.S
    start = 0
    for folds in range(filter_folds * channel_folds):
        filter_fold, channel_fold = folds // channel_folds, folds % channel_folds
        group_start = mapped.tables.group[filter_fold] * group_taps
        first = channel_fold * set_taps * mapping.channel_sets
        end = min(group_taps, first + set_taps * mapping.channel_sets)
        for j in range(mapping.filter_sets):
            if start == ends[folds] or mapped.tables.filters[filter_fold, j] == 0:
                continue
            pairs[:] = 0
            for set_start in range(first, end, set_taps):
                set_end = min(set_start + set_taps, end)
                for r in range(layer.R):
                    weights = mapped.applied_weights[filter_fold, j, r, set_start:set_end]
                    if add_taps(inputs[group_start + set_start : group_start + set_end], weights, cycles):
                        keep_longest(cycles, r - layer.windows.rows.padding, layer.windows.rows.stride, pairs)
            for place in range(start, ends[folds]):
                step = steps[order[place]]
                longest_out[order[place], j] = longest_pair(pairs, step)
        start = ends[folds]


@kernel
def add_taps(inputs: Int32 | Int64, weights: Int64, cycles_out: Int32 | Int64) -> bool:
    """Cycles of one array row's PEs, (T · H,), set; whether there is any weight.

    inputs: (taps, T · H). weights: int64 (taps,).
    """
    is_empty = True
    for tap in range(len(weights)):
        if weights[tap] == 0:
            continue
        weight = cycles_out.dtype.type(weights[tap])
        row = inputs[tap]
        if is_empty:
            for i in range(len(cycles_out)):
                cycles_out[i] = row[i] * weight
        else:
            for i in range(len(cycles_out)):
                cycles_out[i] += row[i] * weight
        is_empty = False
    return not is_empty


@kernel
def keep_longest(cycles: Int32 | Int64, offset: int, stride: int, pairs_out: Int32 | Int64) -> None:
    """Raise each pair's cycles to those of its PE in an array row.

    cycles: (T · H,). Output row p meets input row p · stride + offset, if the map has it. pairs_out: (T, P).
    """
    timesteps, outputs = pairs_out.shape
    rows = len(cycles) // timesteps
    first = max(0, -(offset // stride))
    end = min(outputs, (rows - 1 - offset) // stride + 1)
    for t in range(timesteps):
        pairs = pairs_out[t]
        of_timestep = cycles[t * rows : (t + 1) * rows]
        for p in range(first, end):
            pairs[p] = max(pairs[p], of_timestep[p * stride + offset])


@kernel
def longest_pair(pairs: Int32 | Int64, step: Int64) -> int:
    """The most cycles of the pairs of a pass. pairs: (T, P)."""
    tile_rows = step[Step.ROW_END] - step[Step.ROW_START]
    t = step[Step.PAIR_START] // tile_rows
    row = step[Step.PAIR_START] % tile_rows
    longest = 0
    for _ in range(step[Step.PAIR_START], step[Step.PAIR_END]):
        longest = max(longest, int(np.int64(pairs[t, step[Step.ROW_START] + row])))
        row += 1
        if row == tile_rows:
            row = 0
            t += 1
    return longest
