"""Damage that knows nothing of what the bytes mean: flips, cuts, copies."""

from __future__ import annotations

from collections.abc import Callable
from random import Random


def _flip(random: Random, data: bytearray) -> None:
    for _ in range(random.choice([1, 1, 1, 2, 8])):
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)


def _set(random: Random, data: bytearray) -> None:
    for _ in range(random.choice([1, 1, 2, 8])):
        data[random.randrange(len(data))] = random.choice([0, 1, 0x7F, 0x80, 0xFF, random.randrange(256)])


def _set_word(random: Random, data: bytearray) -> None:
    size = random.choice([2, 4, 8])
    value = random.choice([0, 1, 2 ** (8 * size) - 1, 2 ** (8 * size - 1), random.randrange(2 ** (8 * size))])
    start = random.randrange(len(data))
    data[start : start + size] = value.to_bytes(size, "little")[: len(data) - start]


def _cut(random: Random, data: bytearray) -> None:
    del data[random.randrange(len(data)) :]


def _take_out(random: Random, data: bytearray) -> None:
    start = random.randrange(len(data))
    del data[start : start + random.choice([1, 2, 8, 64, 512])]


def _put_in(random: Random, data: bytearray) -> None:
    start = random.randrange(len(data) + 1)
    data[start:start] = random.randbytes(random.choice([1, 2, 8, 64, 512]))


def _clear(random: Random, data: bytearray) -> None:
    start, size = random.randrange(len(data)), random.choice([4, 16, 64, 512])
    data[start : start + size] = bytes([random.choice([0, 0xFF])]) * len(data[start : start + size])


def _copy(random: Random, data: bytearray) -> None:
    size = random.choice([4, 16, 64, 512])
    start, to = random.randrange(len(data)), random.randrange(len(data))
    block = data[start : start + size]
    data[to : to + len(block)] = block


def _append(random: Random, data: bytearray) -> None:
    data += random.randbytes(random.choice([1, 16, 4096]))


DAMAGES: tuple[Callable[[Random, bytearray], None], ...] = (
    _flip, _flip, _flip, _set, _set_word, _set_word, _cut, _take_out, _put_in, _clear, _copy, _append,
)  # fmt: skip


def damaged(random: Random, data: bytes) -> bytes:
    """A copy with one damage, or a few."""
    changed = bytearray(data)
    for _ in range(random.choice([1, 1, 1, 2, 4])):
        if not changed:
            break
        random.choice(DAMAGES)(random, changed)
    return bytes(changed)
