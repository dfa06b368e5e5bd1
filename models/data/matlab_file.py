"""Arrays of numbers in MATLAB's files of version 5, read without trust: no size that a file tells is believed.

Source: MathWorks, "MAT-File Format" (2019), chapter 1: a header of 128 bytes, then elements, each with its kind and its
size, packed by zlib or not; an array is an element of elements (flags, dimensions, name, values). SciPy's reader of
them ends the whole process on some damaged files, so it is not used.
"""

from __future__ import annotations

import itertools
import struct
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

HEADER_BYTES = 128
Order = Literal["<", ">"]
ORDERS: Mapping[bytes, Order] = {b"IM": "<", b"MI": ">"}
"""By the last two bytes of the header: little or big endian."""
MATRIX, PACKED = 14, 15
NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
"""NumPy's types by the kind of an element."""
NUMERIC_CLASSES = range(6, 16)
OTHER_CLASSES = {1: "cells", 2: "a struct", 3: "an object", 4: "text", 5: "a sparse array"}
COMPLEX = 0x0800
PIECE_BYTES = 2**20


class _Element(NamedTuple):
    kind: int
    content: memoryview


def matlab_arrays(
    content: bytes, names: Collection[str], on_unpacked: Callable[[int], None]
) -> dict[str, npt.NDArray[np.generic]]:
    """The arrays of these names, as vectors; others are skipped.

    on_unpacked: called with the bytes so far, before more are unpacked, and raises where they are too many. ValueError
    for what is no such file, or damaged, and for a wanted variable that is no array of real numbers.
    """
    order = ORDERS.get(content[HEADER_BYTES - 2 : HEADER_BYTES])
    if order is None:
        raise ValueError("is no MATLAB file of version 5, 6, 7 or 7.3")
    found: dict[str, npt.NDArray[np.generic]] = {}
    unpacked = len(content)
    for element in _elements(memoryview(content)[HEADER_BYTES:], order):
        if element.kind == PACKED:
            whole = _unpacked(element.content, unpacked, on_unpacked)
            unpacked += len(whole)
            element = next(_elements(memoryview(whole), order), _Element(0, memoryview(b"")))
        if element.kind == MATRIX:
            name, values = _array(element.content, order, names)
            if values is not None:
                found[name] = values
    return found


def _unpacked(packed: memoryview, before: int, on_unpacked: Callable[[int], None]) -> bytes:
    unpacker, left, whole = zlib.decompressobj(), bytes(packed), bytearray()
    while left:
        on_unpacked(before + len(whole))
        whole += unpacker.decompress(left, PIECE_BYTES)
        left = unpacker.unconsumed_tail
    return bytes(whole)


def _elements(content: memoryview, order: Order) -> Iterator[_Element]:
    """Elements one after the other, each behind the padding of the one before it."""
    place = 0
    while place + 8 <= len(content):
        kind, size = struct.unpack_from(f"{order}II", content, place)
        if kind >> 16:  # a small one: the size beside the kind, and the values in the place of the size
            kind, size, start = kind & 0xFFFF, kind >> 16, place + 4
            place += 8
        else:
            start = place + 8
            place = start + size + (0 if kind == PACKED else -size % 8)
        if start + size > len(content):
            raise ValueError("it ends within an array")
        yield _Element(kind, content[start : start + size])


def _array(content: memoryview, order: Order, names: Collection[str]) -> tuple[str, npt.NDArray[np.generic] | None]:
    """Name and values of an array; None for one that is not wanted."""
    parts = _elements(content, order)
    try:
        flags, _, name = itertools.islice(parts, 3)
    except ValueError:
        raise ValueError("an array without a name") from None
    told = bytes(name.content).decode("latin-1")
    if told not in names:
        return told, None
    if len(flags.content) < 4:
        raise ValueError(f"{told}: an array without flags")
    (flag,) = struct.unpack_from(f"{order}I", flags.content)
    if flag & 0xFF not in NUMERIC_CLASSES or flag & COMPLEX:
        what = "complex numbers" if flag & COMPLEX else OTHER_CLASSES.get(flag & 0xFF, "of another kind")
        raise ValueError(f"{told}: is {what}; an array of real numbers is needed")
    real = next(parts, None)
    if real is None or real.kind not in NUMBERS:
        raise ValueError(f"{told}: an array without numbers")
    dtype = np.dtype(NUMBERS[real.kind]).newbyteorder(order)
    if len(real.content) % dtype.itemsize:
        raise ValueError(f"{told}: ends within a number")
    return told, np.frombuffer(real.content, dtype).astype(dtype.newbyteorder("="))
