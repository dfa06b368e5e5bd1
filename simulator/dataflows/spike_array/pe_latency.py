"""How long a PE serves an event: MICROARCHITECTURE.md, section 4, "PE", for every fiber and every tap class.

A latency does not depend on where in the tile an event is, only on its channel and its tap classes: moving an input
moves all potentials that it meets by the same address, and all their banks by the same number.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spikecycle.simulator.array_types import Int32, Int64, WeightCodes
from spikecycle.simulator.dataflows.spike_array.alike_fibers import (
    FiberKind,
    FiberRecords,
    find_record,
)
from spikecycle.simulator.dataflows.spike_array.tap_lanes import LANES, TapLanes
from spikecycle.simulator.formats import decode_schedule
from spikecycle.simulator.formats.levels import Codes, FormatSpec, Located, Positions
from spikecycle.simulator.jit import inner_kernel, lean_kernel

LATENCY, IDLE, DECODE, CONFLICT = range(4)
"""Cycles from pop to free, and those of them: without a step in the accumulators; of steps without an accumulate; of
steps beyond one cycle each."""
FETCHED_WORDS, DIRECTORY, ACCUMULATES, GATED, DROPPED, BUSY, LOOKUPS, FIBERS, POTENTIALS = range(9)
"""What a PE does for an event: words and directory entries read, accumulates, zero weights decoded, weights decoded for
outputs outside the PE's part of the tile, cycles with an accumulate, values looked up in the codebook, fibers
decoded, reads of the memory of potentials (and as many writes)."""
WORK_COLUMNS = 9
UNTOUCHED_CYCLES = 1
"""An event without a tap in a PE is popped, and that is all."""
DIRECTORY_CYCLES = 2
"""An event whose fiber is empty is popped and looked up in the directory."""
FIRST_WORD = 2
"""A fiber's first word can be used in the second cycle after the pop: address, read, use."""

CACHED_CYCLES = 2**10
"""Latencies of so many cases and PEs are filled together: with what they are made of, 16 bytes each."""
LANE_REGISTERS = 6
NOW, OCCUPIED, WITHOUT, MET, ACCESSES, MORE = range(0, LANE_REGISTERS * LANES, LANES)
"""Where registers begin, of a number for each tap case; see `time_fiber`."""
COUNTED_BITS = 63
"""Of a number that holds a count for each bank."""
LEVELS = 4
"""Accumulates of a bank that are added up in one go, as many as the lanes of the machines that ship have at most."""


class PeSpec(NamedTuple):
    """A PE's parameters, as kernels take them."""

    word_bits: int
    rate: int
    mask_window: int
    skip: int
    banks: int
    row_access: int
    """1 if an access of the potentials is one of a row, a word of every bank; 0 if each bank has its own address."""
    cycles_per_accumulate: int
    alignment_bits: int
    """Fibers start at multiples of so many bits, of which a word has a whole number."""


class Scratch(NamedTuple):
    """Room for what is known of one fiber, int64.

    position: (longest fiber + slots,), last_bit, stop: (longest fiber,), its schedule, see `decode_schedule`; a step
    has `slots` entries at most.
    tap, bank: (groups, longest fiber + 1), where each position lands, and the last slot for what delivers nothing;
    placed: (groups, 3), the kind of fiber that they are for.
    of_tap: (most taps + 1,), entries of each tap. at_least: (banks, slots), the cases in which a step has 1, 2, ...
    accumulates in a bank; fullest: (slots,), in any bank. lanes: (lane registers · LANES,), see `time_fiber`.
    """

    position: Int64
    last_bit: Int64
    stop: Int64
    tap: Int64
    bank: Int64
    placed: Int64
    of_tap: Int64
    at_least: Int64
    fullest: Int64
    lanes: Int64

    @classmethod
    def of(cls, longest: int, pe: PeSpec, lanes: TapLanes) -> Scratch:
        """Room for fibers of at most `longest` positions."""
        groups, taps = lanes.meets.shape
        slots = min(pe.rate, longest)
        shapes = (
            longest + slots, longest, longest, (groups, longest + 1), (groups, longest + 1), (groups, 3), taps,
            (pe.banks, slots), -(-slots // LEVELS) * LEVELS, LANE_REGISTERS * LANES,
        )  # fmt: skip
        return cls(*(np.zeros(shape, np.int64) for shape in shapes))


@inner_kernel
def time_fiber(steps: int, bits_ahead: int, words: int, group: int, meets: Int64, pe: PeSpec, scratch: Scratch) -> int:
    """Time events in a group of tap cases; their fiber's decoded entries and `steps` are in `scratch`.

    words: that hold the fiber; bits_ahead: of the first word, those ahead of the fiber. meets: see `TapLanes`.
    In scratch.lanes are then, a number for each case: NOW, the cycle in which the PE is free; OCCUPIED, cycles of
    steps; WITHOUT, steps without an accumulate; MET, accumulates; ACCESSES, rows or potentials accessed.

    Returns the entries that deliver a weight.
    """
    lanes, of_tap, at_least, fullest = scratch.lanes, scratch.of_tap, scratch.at_least, scratch.fullest
    tap_of, bank_of, stops = scratch.tap[group], scratch.bank[group], scratch.stop
    slots = at_least.shape[1]
    nothing = len(tap_of) - 1
    for i in range(LANE_REGISTERS * LANES):
        lanes[i] = 0
    for tap in range(len(of_tap)):
        of_tap[tap] = 0
    first = 0
    for step in range(steps):
        stop = stops[step]
        fullest[:] = 0
        at_least[:] = 0
        row_before = -1
        # As many slots for every step, and no branch that depends on weights: it would be guessed wrong too often.
        for slot in range(slots):
            position = scratch.position[first + slot]
            place = position if position >= 0 and first + slot < stop else nothing
            tap, bank = tap_of[place], bank_of[place]
            of_tap[tap] += 1
            met = meets[group, tap]
            if pe.row_access == 1:  # a row has one tap, and so the same cases for all its entries
                met = met if bank != row_before else 0
                row_before = bank
                bank = 0
            for level in range(slot, 0, -1):
                at_least[bank, level] |= at_least[bank, level - 1] & met
                fullest[level] |= at_least[bank, level]
            at_least[bank, 0] |= met
            fullest[0] |= met
        ready = FIRST_WORD + (bits_ahead + scratch.last_bit[step]) // pe.word_bits
        for level in range(LEVELS, slots, LEVELS):
            one, two, three, four = fullest[level], fullest[level + 1], fullest[level + 2], fullest[level + 3]
            for lane in range(LANES):
                lanes[MORE + lane] += (one >> lane & 1) + (two >> lane & 1) + (three >> lane & 1) + (four >> lane & 1)
        one, two, three, four = fullest[0], fullest[1], fullest[2], fullest[3]
        for lane in range(LANES):
            some = one >> lane & 1
            most = some + (two >> lane & 1) + (three >> lane & 1) + (four >> lane & 1) + lanes[MORE + lane]
            occupied = max(1, most * pe.cycles_per_accumulate)
            lanes[NOW + lane] = max(lanes[NOW + lane], ready) + occupied
            lanes[OCCUPIED + lane] += occupied
            lanes[WITHOUT + lane] += 1 - some
            lanes[ACCESSES + lane] += most
            lanes[MORE + lane] = 0
        first = stop
    delivered = 0
    for tap in range(len(of_tap) - 1):
        delivered += of_tap[tap]
        for lane in range(LANES):
            lanes[MET + lane] += of_tap[tap] * (meets[group, tap] >> lane & 1)
    for lane in range(LANES):
        lanes[NOW + lane] = max(lanes[NOW + lane], words + 1)
    return delivered


@inner_kernel
def time_fiber_of_one_tap(steps: int, bits_ahead: int, words: int, group: int, pe: PeSpec, scratch: Scratch) -> int:
    """The same for a group of a single case in which the only tap of the kernel lands in the PE's part: all that is
    delivered is accumulated, and lanes would be empty but for one. Linear layers have no other fibers."""
    lanes, of_bank, bank_of, stops = scratch.lanes, scratch.at_least, scratch.bank[group], scratch.stop
    banks, slots = of_bank.shape
    nothing = len(bank_of) - 1
    # What banks have to do in a step stands in one number, if there is room: in a register, it need not be stored.
    bits = COUNTED_BITS // banks
    in_one = slots >> bits == 0
    now, all_occupied, without, accesses, delivered = 0, 0, 0, 0, 0
    first = 0
    for step in range(steps):
        stop = stops[step]
        if not in_one:
            for bank in range(banks):
                of_bank[bank, 0] = 0
        counts = 0
        most = 0
        row_before = -1
        for slot in range(slots):
            position = scratch.position[first + slot]
            place = position if position >= 0 and first + slot < stop else nothing
            bank = int(bank_of[place])
            added = int(place != nothing)
            delivered += added
            if pe.row_access == 1:
                added = added if bank != row_before else 0
                row_before = bank
                bank = 0
            if in_one:
                counts += added << bank * bits
                most = max(most, counts >> bank * bits & ((1 << bits) - 1))
            else:
                of_bank[bank, 0] += added
                most = max(most, int(of_bank[bank, 0]))
        occupied = max(1, most * pe.cycles_per_accumulate)
        now = max(now, FIRST_WORD + (bits_ahead + scratch.last_bit[step]) // pe.word_bits) + occupied
        all_occupied += occupied
        without += most == 0
        accesses += most
        first = stop
    lanes[NOW], lanes[OCCUPIED], lanes[WITHOUT] = max(now, words + 1), all_occupied, without
    lanes[MET], lanes[ACCESSES] = delivered, accesses
    return delivered


@inner_kernel
def place_fiber(
    fiber_channels: int, own_channels: int, first_local: int, group: int, lanes: TapLanes, taps: int, pe: PeSpec,
    scratch: Scratch,
) -> None:  # fmt: skip
    """Taps and banks of a fiber's positions in scratch; banks are counted from that of its first position.

    Positions are ordered by tap, then channel; a tap that lands `earlier` outputs earlier has its potentials so many
    times own_channels addresses lower. With access by rows, a bank is a number of the position's row instead: every tap
    lands in another output position, each of which begins a row.
    """
    placed = scratch.placed[group]
    if placed[0] == fiber_channels and placed[1] == own_channels and placed[2] == first_local:
        return
    placed[0], placed[1], placed[2] = fiber_channels, own_channels, first_local
    tap_of, bank_of = scratch.tap[group], scratch.bank[group]
    rows_per_position = (first_local + fiber_channels - 1) // pe.banks + 1
    position = 0
    for tap in range(taps):
        bank = -lanes.earlier[group, tap] * own_channels % pe.banks
        for channel in range(fiber_channels):
            tap_of[position] = tap
            if pe.row_access == 1:
                bank_of[position] = tap * rows_per_position + (first_local + channel) // pe.banks
            else:
                bank_of[position] = (bank + channel) % pe.banks
            position += 1
    tap_of[len(tap_of) - 1] = lanes.meets.shape[1] - 1
    bank_of[len(tap_of) - 1] = 0


@lean_kernel
def tabulate_latencies(
    values: WeightCodes,
    starts: Int64,
    stored_values: Int64,
    stored_bits: Int64,
    first_bits: Int64,
    own_channels: Int64,
    first_local: Int64,
    lanes: TapLanes,
    spec: FormatSpec,
    pe: PeSpec,
    scratch: Scratch,
    records: FiberRecords,
    cycles_out: Int32,
    work_out: Int64,
    by_window: int | None,
    by_entry: int | None,
    by_group: int | None,
    by_position: int | None,
) -> None:
    """Fill the latencies of a channel tile: every fiber in every tap case of its phase.

    values, starts, own_channels, first_local: see `TileFibers`. stored_values, stored_bits: int64 (F,), of each fiber.
    first_bits: int64 (pes_per_group, C, phases), where it lies in the weight memory.
    cycles_out: int32 (4, tap cases + 1, pes_per_group): holds the latency of an event without taps, where that stays.
    work_out: int64 (tap_cases, WORK_COLUMNS), added to. by_*: see `goes_by`.
    """
    pes_per_group, channels, phases = first_bits.shape
    channels_of_group = channels // first_local.shape[1]
    cases = len(work_out) // channels  # of a channel
    starts_of_word = pe.word_bits // pe.alignment_bits
    # Channels are taken a few at a time for all PEs: what is written for them stays in the cache.
    together = CACHED_CYCLES // max(1, cases * pes_per_group) + 1
    for first_channel in range(0, channels, together):
        for group_pe in range(pes_per_group):
            for fiber_of_pe in range(first_channel * phases, min(first_channel + together, channels) * phases):
                channel, phase = fiber_of_pe // phases, fiber_of_pe % phases
                fiber = (group_pe * channels + channel) * phases + phase
                start, stop = starts[fiber], starts[fiber + 1]
                if lanes.first_group[phase] == lanes.first_group[phase + 1] or start == stop:
                    continue
                kind = FiberKind(
                    phase, (stop - start) // lanes.taps[phase], own_channels[group_pe],
                    first_local[group_pe, channel // channels_of_group],
                )  # fmt: skip
                bits_ahead = first_bits[group_pe, channel, phase] % pe.word_bits
                start_in_word = bits_ahead // pe.alignment_bits
                row, is_known = find_record(values, start, stop, start_in_word, kind, starts_of_word, records)
                first_group, stop_group = lanes.first_group[phase], lanes.first_group[phase + 1]
                if is_known:
                    for group in range(first_group, stop_group):
                        for lane in range(lanes.used[group]):
                            case = lanes.case[group, lane]
                            record, tap_case = row * cases + case, channel * cases + case
                            for column in range(LATENCY, CONFLICT + 1):
                                cycles_out[column, tap_case, group_pe] = records.cycles[column, record, 0]
                            for column in range(WORK_COLUMNS):
                                work_out[tap_case, column] += records.work[record, column]
                    continue
                entries, steps = decode_schedule(
                    values, start, stop, kind.channels, spec, pe.rate, pe.mask_window, pe.skip,
                    scratch.position, scratch.last_bit, scratch.stop, by_window, by_entry, by_group, by_position,
                )  # fmt: skip
                gated = 0
                if entries > 0 and (pe.skip == 0 or spec.positions == Positions.IMPLICIT):
                    for i in range(start, stop):
                        gated += values[i] == 0
                # those that hold bits of it
                words, taps = (bits_ahead + stored_bits[fiber] - 1) // pe.word_bits + 1, lanes.taps[phase]
                is_remembered = row < len(records.known)
                for group in range(first_group, stop_group):
                    delivered = 0
                    if entries > 0:
                        place_fiber(kind.channels, kind.own, kind.first_local, group, lanes, taps, pe, scratch)
                        if lanes.used[group] == 1 and taps == 1 and lanes.meets[group, 0] == 1:
                            delivered = time_fiber_of_one_tap(steps, bits_ahead, words, group, pe, scratch)
                        else:
                            delivered = time_fiber(steps, bits_ahead, words, group, lanes.meets, pe, scratch)
                    for lane in range(lanes.used[group]):
                        tap_case, record = (
                            channel * cases + lanes.case[group, lane],
                            row * cases + lanes.case[group, lane],
                        )
                        work = work_out[tap_case]
                        if is_remembered:  # less what is there already, which is added again
                            for column in range(WORK_COLUMNS):
                                records.work[record, column] = -work[column]
                        work[DIRECTORY] += spec.located == Located.OFFSETS
                        if entries == 0:
                            cycles_out[LATENCY, tap_case, group_pe] = DIRECTORY_CYCLES
                            cycles_out[IDLE, tap_case, group_pe] = DIRECTORY_CYCLES
                        else:
                            now, occupied = scratch.lanes[NOW + lane], scratch.lanes[OCCUPIED + lane]
                            without, accumulates = scratch.lanes[WITHOUT + lane], scratch.lanes[MET + lane]
                            cycles_out[LATENCY, tap_case, group_pe] = now
                            cycles_out[IDLE, tap_case, group_pe] = now - occupied
                            cycles_out[DECODE, tap_case, group_pe] = without
                            cycles_out[CONFLICT, tap_case, group_pe] = occupied - steps
                            work[FETCHED_WORDS] += words
                            work[ACCUMULATES] += accumulates
                            work[GATED] += gated
                            work[DROPPED] += delivered - accumulates
                            work[BUSY] += occupied - without
                            work[LOOKUPS] += stored_values[fiber] if spec.codes == Codes.CODEBOOK else 0
                            work[FIBERS] += 1
                            work[POTENTIALS] += scratch.lanes[ACCESSES + lane] if pe.row_access == 1 else accumulates
                        if is_remembered:
                            for column in range(LATENCY, CONFLICT + 1):
                                records.cycles[column, record, 0] = cycles_out[column, tap_case, group_pe]
                            for column in range(WORK_COLUMNS):
                                records.work[record, column] += work[column]
