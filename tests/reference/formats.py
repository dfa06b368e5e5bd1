"""The weight formats, slowly: lists and strings of bits, written from the text of the specification.

A fiber is a list of integers. Bits are written in the order in which they lie in memory, each with what it is part of
and the position in the fiber that it belongs to; sizes, codes and the last bit that a decoder needs are read off that.
"""

from __future__ import annotations

from dataclasses import dataclass

from spikecycle.simulator.formats import WeightFormat


@dataclass(frozen=True)
class Bit:
    """One bit in memory: "0" or "1", of the mask, coordinate, run, index or value that belongs to a position.

    The bits of a code word that belong to no entry have position -1; those of a byte of trits the first trit's.
    """

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


def groups(length: int, segment: int, group: int) -> list[list[int]]:
    """The positions of every group of a fiber: `group` neighbours, cut off where a segment ends."""
    found: list[list[int]] = []
    for position in range(length):
        if position % segment % group == 0:
            found.append([])
        found[-1].append(position)
    return found


def kept_positions(fiber: list[int], weight_format: WeightFormat, segment: int | None) -> list[list[int]]:
    """The positions that each group stores: its non-zeros, and as many of its first zeros as it takes."""
    kept = []
    for group in groups(len(fiber), segment or max(1, len(fiber)), weight_format.group):
        wanted = min(weight_format.kept, len(group))
        non_zeros = [position for position in group if fiber[position] != 0]
        zeros = [position for position in group if fiber[position] == 0]
        kept.append(sorted((non_zeros + zeros)[:wanted]))
    return kept


def codebook(values: list[int], index_bits: int) -> list[int]:
    """The table of a layer's values: zero, then the others in ascending order, then nothing."""
    table = [0, *sorted({value for value in values if value != 0})]
    return table + [0] * (2**index_bits - len(table))


def stored_bits(weight_format: WeightFormat, value_bits: int) -> int:
    """Bits of one stored value."""
    return weight_format.index_bits or value_bits


def is_stored(fiber: list[int], weight_format: WeightFormat) -> bool:
    """An empty fiber of a format located by offsets vanishes."""
    return weight_format.located == "fixed" or any(fiber)


def size(
    fiber: list[int], weight_format: WeightFormat, value_bits: int, segment: int | None = None
) -> tuple[int, int, int]:
    """(payload bits, metadata bits, stored values) by the formulas of the table of formats."""
    n, z, b = len(fiber), sum(value != 0 for value in fiber), stored_bits(weight_format, value_bits)
    r = weight_format.run_bits
    levels = (weight_format.located, weight_format.positions, weight_format.values)
    padded = len(run_entries(fiber, r)) if weight_format.positions == "run" else 0
    slots = 0
    if weight_format.positions == "group_index":
        slots = sum(len(group) for group in kept_positions(fiber, weight_format, segment))
    runs = padded * r
    if weight_format.code_word_bits:
        in_a_word = (weight_format.code_word_bits - 1) // (b + r)
        runs = -(-padded // in_a_word) * weight_format.code_word_bits - padded * b
    in_place = 8 * -(-n // 5) if weight_format.codes == "trits" else n * b
    return {
        ("fixed", "implicit", "in_place"): (in_place, 0, n),
        ("fixed", "mask", "in_place"): (n * b, n, n),
        ("fixed", "group_index", "packed"): (slots * b, slots * ceil_log2(max(weight_format.group, 1)), slots),
        ("offsets", "implicit", "in_place"): (in_place, 0, n) if z else (0, 0, 0),
        ("offsets", "mask", "in_place"): (n * b, n, n) if z else (0, n, 0),
        ("offsets", "mask", "packed"): (z * b, n, z),
        ("offsets", "coordinate", "packed"): (z * b, z * ceil_log2(max(n, 1)), z),
        ("offsets", "run", "packed"): (padded * b, runs, padded),
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


def layout(
    fiber: list[int],
    weight_format: WeightFormat,
    value_bits: int,
    segment: int | None = None,
    table: list[int] | None = None,
) -> list[Bit]:
    """The bits of a fiber as they lie in memory; `table` is the codebook, that of the fiber alone by default."""
    bits: list[Bit] = []
    if weight_format.codes == "codebook" and table is None:
        table = codebook(fiber, weight_format.index_bits)

    def put(number: int, width: int, part: str, position: int) -> None:
        bits.extend(Bit(digit, part, position) for digit in digits(number, width))

    def put_value(value: int, position: int) -> None:
        code = table.index(value) if table else value
        put(code, stored_bits(weight_format, value_bits), "value", position)

    if not is_stored(fiber, weight_format):
        return []
    if weight_format.codes == "trits":
        for chunk in in_chunks(list(range(len(fiber))), 5):
            put(sum((fiber[position] + 1) * 3**i for i, position in enumerate(chunk)), 8, "value", chunk[0])
        return bits
    if weight_format.positions == "group_index":
        for group, kept in zip(
            groups(len(fiber), segment or max(1, len(fiber)), weight_format.group),
            kept_positions(fiber, weight_format, segment),
            strict=True,
        ):
            for position in kept:
                put(position - group[0], ceil_log2(weight_format.group), "group_index", position)
                put_value(fiber[position], position)
        return bits
    if weight_format.positions == "mask":
        for position, value in enumerate(fiber):
            put(int(value != 0), 1, "mask", position)
    if weight_format.positions == "run":
        for entry in run_entries(fiber, weight_format.run_bits):
            run, value, position = entry
            if weight_format.code_word_bits:
                left = -len(bits) % weight_format.code_word_bits
                needed = weight_format.run_bits + stored_bits(weight_format, value_bits)
                if 0 < left <= needed:  # the last bit of a word is no entry's
                    put(0, left, "unused", -1)
            put(run, weight_format.run_bits, "run", position)
            put_value(value, position)
        if weight_format.code_word_bits:
            put(0, -len(bits) % weight_format.code_word_bits, "unused", -1)
            assert bits[-1].part == "unused"
            bits[-1] = Bit("1", "end", -1)
        return bits
    for position, value in enumerate(fiber):
        if value == 0 and weight_format.values == "packed":
            continue
        if weight_format.positions == "coordinate":
            put(position, ceil_log2(len(fiber)), "coordinate", position)
        put_value(value, position)
    return bits


def encode(
    fiber: list[int],
    weight_format: WeightFormat,
    value_bits: int,
    segment: int | None = None,
    table: list[int] | None = None,
) -> str:
    """The bits of a fiber as a string."""
    return "".join(bit.digit for bit in layout(fiber, weight_format, value_bits, segment, table))


def memory(
    fibers: list[list[int]],
    weight_format: WeightFormat,
    value_bits: int,
    word_bits: int,
    alignment_bits: int,
    segments: list[int] | None = None,
    table: list[int] | None = None,
) -> tuple[str, list[int]]:
    """Fibers one after the other, bit by bit: the bits of whole words, and where each fiber starts and all end.

    table: the codebook, that of these fibers by default.
    """
    image, starts = "", []
    if weight_format.codes == "codebook" and table is None:
        table = codebook([value for fiber in fibers for value in fiber], weight_format.index_bits)
    for number, fiber in enumerate(fibers):
        starts.append(len(image))
        for digit in encode(fiber, weight_format, value_bits, segments[number] if segments else None, table):
            image += digit
        while len(image) % alignment_bits:
            image += "0"
    starts.append(len(image))
    while len(image) % word_bits:
        image += "0"
    return image, starts


def decode(
    bits: str,
    length: int,
    entries: int,
    weight_format: WeightFormat,
    value_bits: int,
    segment: int | None = None,
    table: list[int] | None = None,
) -> list[int]:
    """The fiber that `bits` encode, given its length, the number of values it stores, and the codebook."""
    fiber = [0] * length
    if entries == 0:
        return fiber
    width = stored_bits(weight_format, value_bits)

    def take(width: int) -> str:
        nonlocal bits
        taken, bits = bits[:width], bits[width:]
        return taken

    def take_value() -> int:
        return table[number_of(take(width))] if table else signed_number_of(take(width))

    if weight_format.codes == "trits":
        for chunk in in_chunks(list(range(length)), 5):
            byte = number_of(take(8))
            for i, position in enumerate(chunk):
                fiber[position] = byte // 3**i % 3 - 1
        return fiber
    if weight_format.positions == "group_index":
        for group in groups(length, segment or max(1, length), weight_format.group):
            for _ in range(min(weight_format.kept, len(group))):
                position = group[number_of(take(ceil_log2(weight_format.group)))]
                fiber[position] = take_value()
        return fiber
    if weight_format.code_word_bits:  # the number of entries is not looked at
        pairs = ""
        for word in in_words(bits, weight_format.code_word_bits):
            in_a_word = (weight_format.code_word_bits - 1) // (weight_format.run_bits + width)
            pairs += word[: in_a_word * (weight_format.run_bits + width)]
            if word[-1] == "1":
                break
        bits, position = pairs, -1
        while bits:
            position += 1 + number_of(take(weight_format.run_bits))
            value = take_value()
            if position < length:
                fiber[position] = value
        return fiber
    if weight_format.positions == "mask":
        mask = take(length)
        stored = [i for i in range(length) if mask[i] == "1" or weight_format.values == "in_place"]
        for position in stored:
            fiber[position] = take_value()
        return fiber
    position = -1
    for _ in range(entries):
        if weight_format.positions == "implicit":
            position += 1
        elif weight_format.positions == "coordinate":
            position = number_of(take(ceil_log2(length)))
        else:
            position += 1 + number_of(take(weight_format.run_bits))
        fiber[position] = take_value()
    return fiber


def in_words(bits: str, width: int) -> list[str]:
    """A string of bits in pieces of `width`."""
    return [bits[i : i + width] for i in range(0, len(bits), width)]


def decode_steps(
    fiber: list[int],
    weight_format: WeightFormat,
    value_bits: int,
    rate: int,
    mask_window: int,
    skip: bool,
    segment: int | None = None,
) -> list[Step]:
    """What the decoder delivers of a fiber, step by step."""
    if not is_stored(fiber, weight_format):
        return []
    bits = layout(fiber, weight_format, value_bits, segment)
    everywhere = list(range(len(fiber)))
    non_zeros = [position for position in everywhere if fiber[position] != 0]
    stored = sorted({bit.position for bit in bits if bit.part == "value"})

    def last_bit_of(part: str, position: int) -> int:
        return max(i for i, bit in enumerate(bits) if (bit.part, bit.position) == (part, position))

    def last_bit_of_values(positions: list[int]) -> int:
        return max((last_bit_of("value", position) for position in positions), default=0)

    steps = []
    if weight_format.codes == "trits":
        for chunk in in_chunks(everywhere, rate):
            first_of_byte = chunk[-1] - chunk[-1] % 5  # the bits of a byte are written down as its first trit's
            steps.append(Step([i for i in chunk if i in non_zeros], last_bit_of("value", first_of_byte)))
    elif weight_format.positions == "implicit":
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
            if weight_format.positions == "group_index":  # where a group ends is known
                own = next(g for g in groups(len(fiber), segment or len(fiber), weight_format.group) if chunk[-1] in g)
                beyond = [i for i in beyond if i in own]
            if beyond and sum(i in stored for i in chunk) < rate:  # is the next entry the step's? its name says no
                last_bit = last_bit_of(weight_format.positions, beyond[0])
            steps.append(Step([i for i in chunk if i in non_zeros], last_bit))
    return steps


def in_chunks(positions: list[int], length: int) -> list[list[int]]:
    """Consecutive pieces of `length`, the last one perhaps shorter."""
    return [positions[i : i + length] for i in range(0, len(positions), length)]


def schedule_of(steps: list[Step]) -> list[tuple[int, int, int]]:
    """(position or -1, last bit, step) of every entry that a decoder delivers in these steps."""
    return [(position, step.last_bit, k) for k, step in enumerate(steps) for position in step.positions or [-1]]
