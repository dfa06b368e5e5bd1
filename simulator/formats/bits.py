"""Bits of a byte array, least significant first: bit i is bit i mod 8 of byte i // 8."""

from __future__ import annotations

import numpy as np

from spikecycle.simulator.array_types import Int64, UInt8
from spikecycle.simulator.jit import lean_kernel


@lean_kernel
def bits_for(choices: int) -> int:
    """⌈log2 choices⌉: bits that tell `choices` >= 1 possibilities apart; 0 for a single one."""
    bits = 0
    while (1 << bits) < choices:
        bits += 1
    return bits


@lean_kernel
def write_bits(stream: UInt8, first_bit: int, width: int, value: int | np.int64) -> int:
    """Set the 1 bits among the `width` low bits of `value` in a stream of zeros; returns the bit after them.

    A negative value is written in two's complement.
    """
    for i in range(width):
        if (value >> i) & 1:
            bit = first_bit + i
            stream[bit >> 3] |= np.uint8(1 << (bit & 7))
    return first_bit + width


@lean_kernel
def read_bits(stream: UInt8, first_bit: int, width: int) -> int:
    """The unsigned number in `width` <= 63 bits of the stream."""
    value = 0
    for i in range(width):
        bit = first_bit + i
        value |= ((int(np.int64(stream[bit >> 3])) >> (bit & 7)) & 1) << i
    return value


@lean_kernel
def read_signed(stream: UInt8, first_bit: int, width: int) -> int:
    """The two's complement number in `width` bits of the stream."""
    value = read_bits(stream, first_bit, width)
    return value - (((value >> (width - 1)) & 1) << width)


@lean_kernel
def write_numbers(stream: UInt8, width: int, numbers: Int64) -> None:
    """Pack the numbers, `width` bits each, into a stream of zeros."""
    for i in range(len(numbers)):
        write_bits(stream, i * width, width, numbers[i])


@lean_kernel
def read_numbers(stream: UInt8, width: int, numbers_out: Int64) -> None:
    """Unpack unsigned numbers of `width` bits each, as many as `numbers_out` holds."""
    for i in range(len(numbers_out)):
        numbers_out[i] = read_bits(stream, i * width, width)
