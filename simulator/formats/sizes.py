"""How many bits fibers take in a format, without encoding them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spikecycle.simulator.array_types import Int64, WeightCodes
from spikecycle.simulator.errors import UsageError
from spikecycle.simulator.formats.base import WeightFormat
from spikecycle.simulator.formats.bits import bits_for
from spikecycle.simulator.formats.groups import group_slots
from spikecycle.simulator.formats.levels import (
    BYTE_BITS,
    TRITS_PER_BYTE,
    Codes,
    FormatSpec,
    Located,
    Positions,
    Values,
)
from spikecycle.simulator.formats.runs import entries_per_code_word
from spikecycle.simulator.jit import inner_kernel, lean_kernel


@inner_kernel
def _stored_values(values: WeightCodes, start: int, stop: int, spec: FormatSpec) -> int:
    """Values that the fiber [start, stop) stores, padding included."""
    if spec.values == Values.IN_PLACE and spec.located == Located.FIXED:
        return stop - start
    non_zeros = 0
    for i in range(start, stop):
        non_zeros += values[i] != 0
    if spec.values == Values.IN_PLACE:
        return stop - start if non_zeros > 0 else 0
    if spec.positions == Positions.RUN:
        run = 0
        for i in range(start, stop):
            if values[i] == 0:
                run += 1
            else:
                non_zeros += run >> spec.run_bits  # padding
                run = 0
    return non_zeros


@lean_kernel
def measure_fibers(
    values: WeightCodes,
    starts: Int64,
    segments: Int64,
    spec: FormatSpec,
    payload_bits_out: Int64,
    metadata_bits_out: Int64,
    entries_out: Int64,
    stored_bits_out: Int64,
) -> int:
    """Fill the sizes of every fiber by the formulas of `spikecycle.simulator.formats.weights`; returns the values that
    all of them store, or -1 for fibers that do not follow each other in `values`, or have no segment.

    values: codes (total,); starts: int64 (F + 1,), fiber f being values[starts[f]:starts[f + 1]].
    segments: int64 (F,), positions after which groups begin anew.
    payload_bits_out, metadata_bits_out: int64 (F,), bits of values and of what tells their positions.
    entries_out: int64 (F,), values stored, padding included: what the directory counts.
    stored_bits_out: int64 (F,), see `FiberSizes`.

    The mask of an empty "bitmask" fiber counts here, as in the formula, although no word is stored for it.
    """
    total = 0
    for fiber in range(len(starts) - 1):
        start, stop = starts[fiber], starts[fiber + 1]
        if stop < start or stop > len(values) or segments[fiber] < 1:
            return -1
        if spec.positions == Positions.GROUP_INDEX:
            entries = group_slots(stop - start, segments[fiber], spec.kept, spec.group)
        else:
            entries = _stored_values(values, start, stop, spec)
        payload_bits = entries * spec.value_bits
        metadata_bits = 0
        if spec.positions == Positions.MASK:
            metadata_bits = stop - start
        elif spec.positions == Positions.COORDINATE:
            metadata_bits = entries * bits_for(stop - start)
        elif spec.positions == Positions.RUN:
            metadata_bits = entries * spec.run_bits
            if spec.code_word_bits > 0:
                words = -(-entries // entries_per_code_word(spec))
                metadata_bits = words * spec.code_word_bits - payload_bits
        elif spec.positions == Positions.GROUP_INDEX:
            metadata_bits = entries * bits_for(spec.group)
        if spec.codes == Codes.TRITS:
            payload_bits = -(-entries // TRITS_PER_BYTE) * BYTE_BITS
        payload_bits_out[fiber] = payload_bits
        metadata_bits_out[fiber] = metadata_bits
        entries_out[fiber] = entries
        stored_bits_out[fiber] = payload_bits + metadata_bits if entries > 0 or spec.located == Located.FIXED else 0
        total += entries
    return total


@dataclass(frozen=True, eq=False)
class FiberSizes:
    """What a set of fibers takes in a format.

    payload_bits, metadata_bits, entries: int64 (F,), see `measure_fibers`.
    stored_bits: int64 (F,), bits that lie in memory: payload and metadata, or 0 for an empty fiber of a format
        that is located by offsets.
    offsets_bits: the offsets of the whole set, for formats that count them (uop, csr), else 0.
    table_bits: the codebook, one for the layer that the set is of or belongs to, else 0.
    """

    payload_bits: Int64
    metadata_bits: Int64
    entries: Int64
    stored_bits: Int64
    offsets_bits: int
    table_bits: int = 0

    @property
    def nbytes(self) -> int:
        """Of all arrays."""
        return self.payload_bits.nbytes + self.metadata_bits.nbytes + self.entries.nbytes + self.stored_bits.nbytes

    def units(self, alignment_bits: int) -> Int64:
        """int64 (F,): what each fiber takes where fibers start at multiples of `alignment_bits` bits, in that unit."""
        units = self.stored_bits + (alignment_bits - 1)
        units //= alignment_bits
        return units


def offset_bits(stored_values: int) -> int:
    """Bits of one offset into `stored_values` values: ⌈log2(stored_values + 1)⌉."""
    return int(stored_values).bit_length()


def check_fibers(values: WeightCodes, starts: Int64, segments: Int64 | None) -> Int64:
    """Refuse fibers that do not make up the values. Returns their segments, int64 (F,)."""
    if len(starts) == 0 or starts[0] != 0 or starts[-1] != len(values) or np.any(np.diff(starts) < 0):
        raise UsageError(f"fiber starts must ascend from 0 to the {len(values)} values")
    lengths = np.maximum(np.diff(starts), 1)
    if segments is None:
        return lengths
    if segments.shape != lengths.shape or np.any(segments < 1):
        raise UsageError(f"the {len(lengths)} fibers need as many segments, of at least 1 position each")
    return segments


def measure(
    values: WeightCodes, starts: Int64, weight_format: WeightFormat, value_bits: int, segments: Int64 | None = None
) -> FiberSizes:
    """Measure fibers: values codes (total,), starts int64 (F + 1,), codes of `value_bits` bits.

    segments: int64 (F,), positions after which the groups of a format of groups begin anew (see
    `spikecycle.simulator.formats.groups`); the whole fibers by default. Values that the format does not accept are
    measured as if it did; `WeightFormat.accepts` tells.
    """
    fibers = len(starts) - 1
    if segments is None or segments.shape != (fibers,) or starts[0] != 0 or starts[-1] != len(values):
        segments = check_fibers(values, starts, segments)
    payload_bits, metadata_bits, entries, stored_bits = (np.empty(fibers, np.int64) for _ in range(4))
    total = measure_fibers(
        values, starts, segments, weight_format.spec(value_bits), payload_bits, metadata_bits, entries, stored_bits
    )
    if total < 0:  # the kernel has looked at every fiber: it tells sooner than NumPy that all are well
        check_fibers(values, starts, segments)
    offsets_bits = (fibers + 1) * offset_bits(total) if weight_format.offset_pairs else 0
    table_bits = weight_format.table_bits(value_bits)
    return FiberSizes(payload_bits, metadata_bits, entries, stored_bits, offsets_bits, table_bits)


def directory_entry_bits(weight_format: WeightFormat, total_units: int, longest_fiber: int) -> int:
    """Bits that a machine's directory keeps of one fiber: where it starts and its number of entries.

    total_units: what all fibers of the directory take, counted in the unit at whose multiples they start;
    longest_fiber: positions of the longest one.
    0 for a format whose addresses are computed.
    """
    if weight_format.located == "fixed":
        return 0
    return offset_bits(total_units) + offset_bits(longest_fiber)
