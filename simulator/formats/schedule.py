"""Decode schedules: in which step, and after which bit, a decoder delivers each non-zero weight of a fiber.

A decoder takes in the bits of a fiber in order and works in steps of one cycle or more. What a step can deliver
depends on the format's levels and on whether the decoder *skips* zeros (they cost no step) or only *gates* them (they
keep their step, but nothing is accumulated):

- gating, or positions that are implicit: step k covers positions k·rate .. (k + 1)·rate - 1 (what a byte of trits
  holds beyond them waits in the decoder for the next step);
- skipping through a mask: windows of `mask_window` positions, one after the other; a window takes the steps that
  its non-zeros need, `rate` a step, but at least one;
- skipping through coordinates, runs or indices in groups: `rate` entries per step as they are stored; padding entries
  deliver nothing. Entries that a code word or a group has left wait in the decoder for the next step.

How many bytes, groups, code words and look-ups a decoder takes in a cycle limits the rate: see
`spikecycle.simulator.formats.decoder`.

An empty fiber of a format that is located by offsets isn't stored and takes no step.

Each kernel ends its steps itself: a call a step, with three arrays to pass, takes several times longer than the rest.
"""

from __future__ import annotations

import numpy as np

from spikecycle.simulator.array_types import Int64, WeightCodes
from spikecycle.simulator.formats.bits import bits_for
from spikecycle.simulator.formats.groups import group_end, group_slots, padding_zeros
from spikecycle.simulator.formats.levels import (
    BYTE_BITS,
    TRITS_PER_BYTE,
    Codes,
    FormatSpec,
    Located,
    Positions,
    Values,
)
from spikecycle.simulator.formats.runs import run_entry_first_bit
from spikecycle.simulator.jit import inner_kernel, lean_kernel

NOTHING = -1
"""Position of an entry that only marks a step which delivers nothing."""

GoesBy = tuple[int | None, int | None, int | None, int | None]


def goes_by(spec: FormatSpec, skip: int) -> GoesBy:
    """Whether a decoder goes by windows of a mask, entries, groups or positions: 1 for one of them, else None.

    None is known when a kernel is compiled: what would go by it is not compiled.
    """
    groups = spec.positions == Positions.GROUP_INDEX
    positions = not groups and (skip == 0 or spec.positions == Positions.IMPLICIT)
    windows = not positions and spec.positions == Positions.MASK
    entries = not (groups or positions or windows)
    by_window, by_entry, by_group, by_position = (1 if one else None for one in (windows, entries, groups, positions))
    return by_window, by_entry, by_group, by_position


@lean_kernel
def decode_schedule(
    values: WeightCodes,
    start: int,
    stop: int,
    segment: int,
    spec: FormatSpec,
    rate: int,
    mask_window: int,
    skip: int,
    position_out: Int64,
    last_bit_out: Int64,
    stop_out: Int64,
    by_window: int | None,
    by_entry: int | None,
    by_group: int | None,
    by_position: int | None,
) -> tuple[int, int]:
    """The entries that the decoder delivers for the fiber values[start:stop], in order, step by step.

    segment: positions after which groups begin anew, >= 1; of no matter for formats without groups.
    rate: non-zeros (skipping) or positions (gating) a step, >= 1. mask_window: mask bits looked at together,
    >= 1. skip: 1 = zeros are skipped, 0 = gated.
    position_out: int64, position in the fiber of a non-zero weight, or -1 for a step that delivers nothing.
    last_bit_out: int64, index in the fiber of the last bit that each step needs; with a mask it may be lower than an
        earlier step's.
    stop_out: int64, the entry behind the last one of each step; every step has an entry.
    by_window, by_entry, by_group, by_position: what the decoder goes by, see `goes_by`.
    The three arrays hold at least stop - start entries; of position_out, those behind the last one are overwritten.

    Returns the number of entries and of steps.
    """
    last_stored = stop - start - 1
    if spec.located == Located.OFFSETS:
        while last_stored >= 0 and values[start + last_stored] == 0:
            last_stored -= 1
    if last_stored < 0:
        return 0, 0
    if by_group is not None:
        return _group_by_group(values, start, stop, segment, spec, rate, skip, position_out, last_bit_out, stop_out)
    if by_window is not None:
        return _window_by_window(values, start, stop, spec, rate, mask_window, position_out, last_bit_out, stop_out)
    if by_entry is not None:
        return _entry_by_entry(values, start, stop, spec, rate, last_stored, position_out, last_bit_out, stop_out)
    if by_position is not None:
        return _position_by_position(values, start, stop, spec, rate, last_stored, position_out, last_bit_out, stop_out)
    return 0, 0


@inner_kernel
def _position_by_position(
    values: WeightCodes,
    start: int,
    stop: int,
    spec: FormatSpec,
    rate: int,
    last_stored: int,
    position_out: Int64,
    last_bit_out: Int64,
    stop_out: Int64,
) -> tuple[int, int]:
    """`rate` positions per step over the whole fiber; zeros deliver nothing.

    Where entries name their positions, only the name of the entry after a step's last tells that it was the last.
    """
    length = stop - start
    name_bits = _name_bits(spec, length)
    entries = 0
    steps = 0
    stored = int(np.int64(0))  # not 0: callees would be compiled for that constant, and again for any number
    run = 0
    for first in range(0, length, rate):
        end = min(first + rate, length)
        first_entry = entries
        stored_before = stored
        last_delivered = int(np.int64(NOTHING))
        for position in range(first, end):
            if values[start + position] != 0:
                position_out[entries] = position
                entries += 1
                stored += 1
                run = 0
                last_delivered = position
            elif spec.positions == Positions.RUN and position < last_stored:
                run += 1
                if run >> spec.run_bits:
                    stored += 1
                    run = 0
        if spec.codes == Codes.TRITS:
            last_bit = -(-end // TRITS_PER_BYTE) * BYTE_BITS - 1
        elif spec.positions == Positions.IMPLICIT:
            last_bit = end * spec.value_bits - 1
        elif spec.positions == Positions.MASK:
            last_bit = _last_bit_with_mask(spec, length, end - 1, last_delivered, stored)
        else:
            last_bit = _last_bit_of_entries(spec, name_bits, stored)
            if last_stored >= end and stored - stored_before < rate:
                # the name of the next entry tells that it is not the step's
                last_bit = _last_bit_of_entries(spec, name_bits, stored + 1) - spec.value_bits
        if entries == first_entry:
            position_out[entries] = NOTHING
            entries += 1
        last_bit_out[steps], stop_out[steps] = last_bit, entries
        steps += 1
    return entries, steps


@inner_kernel
def _window_by_window(
    values: WeightCodes,
    start: int,
    stop: int,
    spec: FormatSpec,
    rate: int,
    mask_window: int,
    position_out: Int64,
    last_bit_out: Int64,
    stop_out: Int64,
) -> tuple[int, int]:
    """The non-zeros of one window of the mask after the other, `rate` a step, at least one step a window."""
    length = stop - start
    entries = 0
    steps = 0
    stored = int(np.int64(0))
    for first in range(0, length, mask_window):
        end = min(first + mask_window, length)
        entry = entries
        for position in range(first, end):
            position_out[entries] = position  # without a branch, which would be guessed wrong too often
            entries += values[start + position] != 0
        if entries == entry:
            position_out[entry] = NOTHING
            entries += 1
            last_bit_out[steps] = _last_bit_with_mask(spec, length, end - 1, int(np.int64(NOTHING)), stored)
            stop_out[steps] = entries
            steps += 1
            continue
        while entry < entries:
            next_entry = min(entry + rate, entries)
            stored += next_entry - entry
            last_bit_out[steps] = _last_bit_with_mask(spec, length, end - 1, position_out[next_entry - 1], stored)
            stop_out[steps] = next_entry
            steps += 1
            entry = next_entry
    return entries, steps


@inner_kernel
def _entry_by_entry(
    values: WeightCodes,
    start: int,
    stop: int,
    spec: FormatSpec,
    rate: int,
    last_stored: int,
    position_out: Int64,
    last_bit_out: Int64,
    stop_out: Int64,
) -> tuple[int, int]:
    """`rate` stored entries per step; an entry that pads a run takes its slot and delivers nothing."""
    name_bits = _name_bits(spec, stop - start)
    entries = 0
    steps = 0
    stored = int(np.int64(0))
    run = 0
    first_entry = 0
    slots_taken = 0
    for position in range(last_stored + 1):
        if values[start + position] != 0:
            position_out[entries] = position
            entries += 1
        else:
            run += 1
            if spec.positions != Positions.RUN or (run >> spec.run_bits) == 0:
                continue
        run = 0
        stored += 1
        slots_taken += 1
        if slots_taken == rate or position == last_stored:
            last_bit = _last_bit_of_entries(spec, name_bits, stored)
            if entries == first_entry:
                position_out[entries] = NOTHING
                entries += 1
            last_bit_out[steps], stop_out[steps] = last_bit, entries
            steps += 1
            first_entry = entries
            slots_taken = 0
    return entries, steps


@inner_kernel
def _group_by_group(
    values: WeightCodes,
    start: int,
    stop: int,
    segment: int,
    spec: FormatSpec,
    rate: int,
    skip: int,
    position_out: Int64,
    last_bit_out: Int64,
    stop_out: Int64,
) -> tuple[int, int]:
    """`rate` stored entries per step (skipping) or `rate` positions per step (gating).

    When gating, only the index of the next entry of a group tells that it lies behind the step's last position; where
    a group ends is known.
    """
    length = stop - start
    index_bits = bits_for(spec.group)
    entry_bits = index_bits + spec.value_bits
    all_slots = group_slots(length, segment, spec.kept, spec.group)
    entries = 0
    steps = 0
    stored = int(np.int64(0))
    first_entry = 0
    stored_before = 0
    first = int(np.int64(0))
    while first < length:
        end = group_end(first, length, segment, spec.group)
        slots_left = min(spec.kept, end - first)
        zeros_left = padding_zeros(values, start + first, start + end, spec.kept)
        for position in range(first, end):
            is_stored = True
            if values[start + position] != 0:
                position_out[entries] = position
                entries += 1
            elif zeros_left > 0:
                zeros_left -= 1
            else:
                is_stored = False
            if is_stored:
                stored += 1
                slots_left -= 1
            taken = stored - stored_before
            if skip == 1:
                ends = is_stored and (taken == rate or stored == all_slots)
            else:
                ends = (position + 1) % rate == 0 or position + 1 == length
            if not ends:
                continue
            last_bit = stored * entry_bits - 1
            if skip == 0 and slots_left > 0 and taken < rate:
                last_bit += index_bits
            if entries == first_entry:
                position_out[entries] = NOTHING
                entries += 1
            last_bit_out[steps], stop_out[steps] = last_bit, entries
            steps += 1
            first_entry = entries
            stored_before = stored
        first = end
    return entries, steps


@inner_kernel
def _last_bit_of_entries(spec: FormatSpec, name_bits: int, stored: int) -> int:
    """The last bit of the first `stored` entries of a fiber, each a coordinate or run and its value; -1 of none."""
    entry_bits = name_bits + spec.value_bits
    if spec.code_word_bits == 0 or stored == 0:
        return stored * entry_bits - 1
    return run_entry_first_bit(stored - 1, spec) + entry_bits - 1


@inner_kernel
def _name_bits(spec: FormatSpec, length: int) -> int:
    """Bits of the coordinate or run ahead of a stored value, which tells its position."""
    return bits_for(length) if spec.positions == Positions.COORDINATE else spec.run_bits


@inner_kernel
def _last_bit_with_mask(spec: FormatSpec, length: int, last_mask_bit: int, last_delivered: int, stored: int) -> int:
    """Last bit of a step that looks at the mask up to `last_mask_bit`; values lie behind the whole mask.

    last_delivered: position of the step's last non-zero, -1 if it has none; stored: non-zeros up to there.
    """
    if last_delivered == NOTHING:
        return last_mask_bit
    value = stored if spec.values == Values.PACKED else last_delivered + 1
    return length + value * spec.value_bits - 1
