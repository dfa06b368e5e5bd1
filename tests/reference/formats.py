"""The weight formats, slowly: lists and strings of bits, written from the text of the specification.

A fiber is a list of integers. Bits are written in the order in which they lie in memory, each with what it is part of
and the position in the fiber that it belongs to; sizes, codes and the last bit that a decoder needs are read off that.
"""

from __future__ import annotations

from dataclasses import dataclass

from spikecycle.simulator.formats import WeightFormat


@dataclass(frozen=True)
class Bit:
    """One bit in memory: "0" or "1", of the mask, coordinate, run or value that belongs to a position."""

    digit: str
    part: str
    position: int


@dataclass(frozen=True)
class Step:
    """What a decoder delivers in one step, and the index in the fiber of the last bit that it needs for it."""

    positions: list[int]
    last_bit: int


def ceil_log2(choices: int) -> int:
    """The smallest k with 2^k >= choices."""
    return next(k for k in range(64) if 2**k >= choices)


def digits(number: int, width: int) -> str:
    """`width` bits of a number in two's complement, least significant first."""
    return "".join(str(number // 2**k % 2) for k in range(width))


def number_of(bits: str) -> int:
    """The unsigned number whose bits these are, least significant first."""
    return sum(2**k for k, digit in enumerate(bits) if digit == "1")


def signed_number_of(bits: str) -> int:
    """The two's complement number whose bits these are, least significant first."""
    return number_of(bits) - (2 ** len(bits) if bits[-1] == "1" else 0)


def run_entries(fiber: list[int], run_bits: int) -> list[tuple[int, int, int]]:
    """(run of zeros before it, value, position) of every entry; a zero that a full counter meets is stored itself."""
    last = max((i for i, value in enumerate(fiber) if value != 0), default=-1)
    entries, run = [], 0
    for position in range(last + 1):
        if fiber[position] == 0 and run < 2**run_bits - 1:
            run += 1
        else:
            entries.append((run, fiber[position], position))
            run = 0
    return entries


def is_stored(fiber: list[int], weight_format: WeightFormat) -> bool:
    """An empty fiber of a format located by offsets vanishes."""
    return weight_format.located == "fixed" or any(fiber)


def size(fiber: list[int], weight_format: WeightFormat, value_bits: int) -> tuple[int, int, int]:
    """(payload bits, metadata bits, stored values) by the formulas of the table of formats."""
    n, z, b = len(fiber), sum(value != 0 for value in fiber), value_bits
    levels = (weight_format.located, weight_format.positions, weight_format.values)
    padded = len(run_entries(fiber, weight_format.run_bits)) if weight_format.positions == "run" else 0
    return {
        ("fixed", "implicit", "in_place"): (n * b, 0, n),
        ("fixed", "mask", "in_place"): (n * b, n, n),
        ("offsets", "implicit", "in_place"): (n * b, 0, n) if z else (0, 0, 0),
        ("offsets", "mask", "in_place"): (n * b, n, n) if z else (0, n, 0),
        ("offsets", "mask", "packed"): (z * b, n, z),
        ("offsets", "coordinate", "packed"): (z * b, z * ceil_log2(max(n, 1)), z),
        ("offsets", "run", "packed"): (padded * b, padded * weight_format.run_bits, padded),
    }[levels]


def offsets_of_set(fibers: list[list[int]], weight_format: WeightFormat, value_bits: int) -> str:
    """The bits of the offsets of a whole set of fibers: F + 1 of them."""
    if not weight_format.offset_pairs:
        return ""
    offsets = [0]
    for fiber in fibers:
        offsets.append(offsets[-1] + size(fiber, weight_format, value_bits)[2])
    width = ceil_log2(offsets[-1] + 1)
    return "".join(digits(offset, width) for offset in offsets)


def layout(fiber: list[int], weight_format: WeightFormat, value_bits: int) -> list[Bit]:
    """The bits of a fiber as they lie in memory."""
    bits: list[Bit] = []

    def put(number: int, width: int, part: str, position: int) -> None:
        bits.extend(Bit(digit, part, position) for digit in digits(number, width))

    if not is_stored(fiber, weight_format):
        return []
    if weight_format.positions == "mask":
        for position, value in enumerate(fiber):
            put(int(value != 0), 1, "mask", position)
    if weight_format.positions == "run":
        for run, value, position in run_entries(fiber, weight_format.run_bits):
            put(run, weight_format.run_bits, "run", position)
            put(value, value_bits, "value", position)
        return bits
    for position, value in enumerate(fiber):
        if value == 0 and weight_format.values == "packed":
            continue
        if weight_format.positions == "coordinate":
            put(position, ceil_log2(len(fiber)), "coordinate", position)
        put(value, value_bits, "value", position)
    return bits


def encode(fiber: list[int], weight_format: WeightFormat, value_bits: int) -> str:
    """The bits of a fiber as a string."""
    return "".join(bit.digit for bit in layout(fiber, weight_format, value_bits))


def memory(
    fibers: list[list[int]], weight_format: WeightFormat, value_bits: int, word_bits: int, alignment_bits: int
) -> tuple[str, list[int]]:
    """Fibers one after the other, bit by bit: the bits of whole words, and where each fiber starts and all end."""
    image, starts = "", []
    for fiber in fibers:
        starts.append(len(image))
        for digit in encode(fiber, weight_format, value_bits):
            image += digit
        while len(image) % alignment_bits:
            image += "0"
    starts.append(len(image))
    while len(image) % word_bits:
        image += "0"
    return image, starts


def decode(bits: str, length: int, entries: int, weight_format: WeightFormat, value_bits: int) -> list[int]:
    """The fiber that `bits` encode, given its length and the number of values it stores."""
    fiber = [0] * length
    if entries == 0:
        return fiber

    def take(width: int) -> str:
        nonlocal bits
        taken, bits = bits[:width], bits[width:]
        return taken

    if weight_format.positions == "mask":
        mask = take(length)
        stored = [i for i in range(length) if mask[i] == "1" or weight_format.values == "in_place"]
        for position in stored:
            fiber[position] = signed_number_of(take(value_bits))
        return fiber
    position = -1
    for _ in range(entries):
        if weight_format.positions == "implicit":
            position += 1
        elif weight_format.positions == "coordinate":
            position = number_of(take(ceil_log2(length)))
        else:
            position += 1 + number_of(take(weight_format.run_bits))
        fiber[position] = signed_number_of(take(value_bits))
    return fiber


def decode_steps(
    fiber: list[int], weight_format: WeightFormat, value_bits: int, rate: int, mask_window: int, skip: bool
) -> list[Step]:
    """What the decoder delivers of a fiber, step by step."""
    if not is_stored(fiber, weight_format):
        return []
    bits = layout(fiber, weight_format, value_bits)
    everywhere = list(range(len(fiber)))
    non_zeros = [position for position in everywhere if fiber[position] != 0]
    stored = sorted({bit.position for bit in bits if bit.part == "value"})

    def last_bit_of(part: str, position: int) -> int:
        return max(i for i, bit in enumerate(bits) if (bit.part, bit.position) == (part, position))

    def last_bit_of_values(positions: list[int]) -> int:
        return max((last_bit_of("value", position) for position in positions), default=0)

    steps = []
    if weight_format.positions == "implicit":
        for chunk in in_chunks(everywhere, rate):
            steps.append(Step([i for i in chunk if i in non_zeros], last_bit_of("value", chunk[-1])))
    elif weight_format.positions == "mask" and skip:
        for window in in_chunks(everywhere, mask_window):
            for chunk in in_chunks([i for i in window if i in non_zeros], rate) or [[]]:
                steps.append(Step(chunk, max(last_bit_of("mask", window[-1]), last_bit_of_values(chunk))))
    elif weight_format.positions == "mask":
        for chunk in in_chunks(everywhere, rate):
            delivered = [i for i in chunk if i in non_zeros]
            steps.append(Step(delivered, max(last_bit_of("mask", chunk[-1]), last_bit_of_values(delivered))))
    elif skip:
        for chunk in in_chunks(stored, rate):
            steps.append(Step([i for i in chunk if i in non_zeros], last_bit_of("value", chunk[-1])))
    else:
        for chunk in in_chunks(everywhere, rate):
            last_bit = last_bit_of_values([i for i in stored if i <= chunk[-1]][-1:])
            beyond = [i for i in stored if i > chunk[-1]]
            if beyond and sum(i in stored for i in chunk) < rate:  # is the next entry the step's? its name says no
                last_bit = last_bit_of(weight_format.positions, beyond[0])
            steps.append(Step([i for i in chunk if i in non_zeros], last_bit))
    return steps


def in_chunks(positions: list[int], length: int) -> list[list[int]]:
    """Consecutive pieces of `length`, the last one perhaps shorter."""
    return [positions[i : i + length] for i in range(0, len(positions), length)]


def decode_schedule(
    fiber: list[int], weight_format: WeightFormat, value_bits: int, rate: int, mask_window: int, skip: bool
) -> list[tuple[int, int, int]]:
    """(position or -1, last bit, step) of every entry that the decoder delivers."""
    steps = decode_steps(fiber, weight_format, value_bits, rate, mask_window, skip)
    return [(position, step.last_bit, k) for k, step in enumerate(steps) for position in step.positions or [-1]]
