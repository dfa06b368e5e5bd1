"""The filters of HDF5 chunks, undone in our own code: every length is known before it is used.

HDF5 itself (2.0.0) trusts what a chunk says: one that is stored with, or decompresses to, fewer bytes than a chunk has
gives values that are whatever the heap held, or ends the process.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import h5py
import numpy as np

from spikecycle.traces.array_types import Int64, UInt8, UInt16
from spikecycle.traces.errors import TraceError

# Filters that every HDF5 library has; others would load plug-ins. https://github.com/HDFGroup/hdf5_plugins
ALLOWED_FILTERS = {
    h5py.h5z.FILTER_DEFLATE: "gzip",
    h5py.h5z.FILTER_SHUFFLE: "shuffle",
    h5py.h5z.FILTER_FLETCHER32: "fletcher32",
}
CHECKSUM_BYTES = 4
WORTH_COMPRESSING = 0.5
"""Of a chunk's bytes are left at most, or it is stored as it is. To decompress takes about 4 ms a MB (measured), twice
as long as a disk of 250 MB/s takes for the half that is saved."""
WORTH_COMPRESSING_ONCE = 0.25
"""The same of arrays that a file has once, whatever its number of samples, and that every run reads: weights above all.
To read, check and hash bytes as they are takes 1 ms a MB (measured), a quarter of the time to decompress them."""
LARGEST_DEFLATE_RATIO = 1032  # 258 bytes for 2 bits; https://zlib.net/zlib_tech.html
BLOCK_WORDS = 2**19  # of checksums, worked on at once: few enough for the caches of a processor
ROW_WORDS = 2**10  # of such a block: sums of a row's, and of a column's, words stay within 32 bits
FEW_WORDS = 2**12  # that are added up one by one, in less time than rows and columns of them take
MODULUS = 2**16 - 1
"""Of the sums of a checksum."""


AddWords = Callable[[UInt16], tuple[Int64, Int64]]
"""What adds up the words of checksums as `add_words` does: who has a compiler at hand has something faster."""


def add_words(words: UInt16) -> tuple[Int64, Int64]:
    """Of each row of words, contiguous uint16 (n, words), int64 (n,): the sum of all, and a number that modulo MODULUS
    is the sum of all sums up to each word: the last word counts once in it, the one before twice."""
    if words.size <= FEW_WORDS:
        both = words.astype(np.int64) @ _times_counted(words.shape[1])
        return both[:, 0], both[:, 1]
    together = max(1, BLOCK_WORDS // words.shape[1])
    of_groups = [_added(words[first : first + together]) for first in range(0, len(words), together)]
    sums, weighted = zip(*of_groups, strict=True)
    return np.concatenate(sums), np.concatenate(weighted)


@lru_cache(maxsize=16)
def _times_counted(count: int) -> Int64:
    """How often each of so many words counts in the two numbers, int64 (count, 2)."""
    return np.stack([np.ones(count, np.int64), np.arange(count, 0, -1)], axis=1)


def _added(words: UInt16) -> tuple[Int64, Int64]:
    """The same of rows that are worked on together."""
    total, weighted = np.zeros((2, len(words)), np.int64)
    for first in range(0, words.shape[1], BLOCK_WORDS):
        block = words[:, first : first + BLOCK_WORDS]
        of_block, up_to_each = _block_sums(block)
        weighted += total % MODULUS * block.shape[1] + up_to_each % MODULUS
        total += of_block
    return total, weighted


def _block_sums(words: UInt16) -> tuple[Int64, Int64]:
    """The same, exactly, of BLOCK_WORDS words at most.

    Rows and columns of words are added up first, many words at a time, and only those sums get their weights.
    """
    count = words.shape[1]
    whole = count // ROW_WORDS * ROW_WORDS
    rest = words[:, whole:].astype(np.int64)
    total, before = rest.sum(axis=1), rest @ np.arange(whole, count)
    if whole:
        table = words[:, :whole].reshape(len(words), -1, ROW_WORDS)
        of_rows = np.add.reduce(table, axis=2, dtype=np.uint32).astype(np.int64)
        of_columns = np.add.reduce(table, axis=1, dtype=np.uint32).astype(np.int64)
        total += of_rows.sum(axis=1)
        before += of_rows @ np.arange(0, whole, ROW_WORDS) + of_columns @ np.arange(ROW_WORDS)
    return total, count * total - before


@dataclass(frozen=True)
class FilterPipeline:
    """The filters of one dataset in the order in which they were applied when it was written.

    codes: HDF5's numbers. item_bytes: size of a value, which shuffle works on. chunk_bytes: size of a whole chunk.
    """

    codes: tuple[int, ...]
    item_bytes: int
    chunk_bytes: int

    @classmethod
    def of(cls, creation: h5py.h5p.PropDCID, item_bytes: int, chunk_bytes: int) -> FilterPipeline:
        """The filters of a chunked dataset, from the properties that it was made with; TraceError on one that is not
        allowed, or is there twice."""
        codes = []
        for index in range(creation.get_nfilters()):
            code, _, values, _ = creation.get_filter(index)
            if code not in ALLOWED_FILTERS:
                raise TraceError(f"filters must be among {', '.join(ALLOWED_FILTERS.values())}, found number {code}")
            if code in codes:
                raise TraceError(f"the filter {ALLOWED_FILTERS[code]} is applied twice; allowed is once")
            # HDF5 gives shuffle no size where values are of variable length, and leaves it out of every chunk.
            if code == h5py.h5z.FILTER_SHUFFLE and tuple(values[:1]) not in ((item_bytes,), ()):
                raise TraceError(f"shuffle must be of values of {item_bytes} bytes, found {values[:1]}")
            codes.append(code)
        return cls(tuple(codes), item_bytes, chunk_bytes)

    @property
    def least_bytes(self) -> int:
        """As few bytes as a chunk can be stored in."""
        if h5py.h5z.FILTER_DEFLATE in self.codes:
            return max(1, self.chunk_bytes // LARGEST_DEFLATE_RATIO)
        return self.chunk_bytes

    @property
    def most_bytes(self) -> int:
        """As many bytes as a chunk can be stored in: gzip may make it a little larger."""
        return self.chunk_bytes + self.chunk_bytes // 256 + 64

    def apply(self, data: bytes, gzip_level: int, worth: float) -> tuple[bytes, int]:
        """The bytes of a chunk as they go to the file, and which filters were left out: see `undo`. Of a dataset that
        `hdf5.create` made: shuffle, gzip, fletcher32.

        A chunk that gzip leaves more than `worth` of, a share of 1, is neither compressed nor shuffled.
        """
        stored, left_out = data, 0
        if h5py.h5z.FILTER_SHUFFLE in self.codes and self.item_bytes > 1:
            stored = np.frombuffer(data, np.uint8).reshape(-1, self.item_bytes).T.tobytes()
        if h5py.h5z.FILTER_DEFLATE in self.codes:
            stored = zlib.compress(stored, gzip_level)
            if len(stored) > worth * len(data):
                stored = data
                left_out = sum(1 << i for i, code in enumerate(self.codes) if code != h5py.h5z.FILTER_FLETCHER32)
        if h5py.h5z.FILTER_FLETCHER32 in self.codes:
            stored += fletcher32(stored).to_bytes(CHECKSUM_BYTES, "little")
        return stored, left_out

    def only_checksum(self, stored: memoryview, skipped: int) -> int | None:
        """The checksum behind the bytes of a chunk, for `check_each`, where there is nothing to be undone but that, and
        all bytes are there; None elsewhere. See `undo`."""
        is_last = self.codes[-1:] == (h5py.h5z.FILTER_FLETCHER32,)
        if not is_last or skipped != (1 << len(self.codes) - 1) - 1 or len(stored) != self.chunk_bytes + CHECKSUM_BYTES:
            return None
        return int.from_bytes(stored[-CHECKSUM_BYTES:], "little")

    def undo(self, stored: memoryview, skipped: int = 0) -> UInt8:
        """The bytes of a chunk from those in the file; TraceError unless they are exactly as many as it has.

        skipped: bit i is set where the writer left out filter i.
        """
        applied = [code for index, code in enumerate(self.codes) if not skipped >> index & 1]
        if skipped >> len(self.codes):
            raise TraceError("damaged (a chunk says that it left out a filter that is not there)")
        data: memoryview = stored
        for index, code in reversed(list(enumerate(applied))):
            if code == h5py.h5z.FILTER_DEFLATE:
                checksums = applied[:index].count(h5py.h5z.FILTER_FLETCHER32)
                data = _inflated(data, self.chunk_bytes + checksums * CHECKSUM_BYTES)
            elif code == h5py.h5z.FILTER_FLETCHER32:
                data = _checked(data)
            elif self.item_bytes > 1:
                data = _unshuffled(data, self.item_bytes)
        if len(data) != self.chunk_bytes:
            raise TraceError(f"damaged (a chunk of {self.chunk_bytes} bytes holds {len(data)})")
        return np.frombuffer(data, np.uint8)


def fletcher32(data: memoryview | bytes) -> int:
    """HDF5's checksum, see `fletcher32_of_each`."""
    return fletcher32_of_each(np.frombuffer(data, np.uint8)[None])[0]


def fletcher32_of_each(chunks: UInt8, adding: AddWords = add_words) -> list[int]:
    """HDF5's checksums of chunks, uint8 (n, bytes): Fletcher's over big-endian words of 16 bits, an odd last byte being
    the upper half of one.

    Source: H5_checksum_fletcher32 in src/H5checksum.c of HDF5. Sums are kept modulo 65535 in 1 to 65535, and are 0
    only where all words are. To exchange the bytes of a word multiplies it by 256 modulo 65535, so that words are added
    up as little-endian ones, as processors have them, and their sums multiplied.
    """
    is_odd = chunks.shape[1] % 2
    words = np.ascontiguousarray(chunks[:, :-1] if is_odd else chunks).view("<u2")
    sums, weighted = adding(words)
    if not is_odd:
        return list(map(_checksum, sums.tolist(), weighted.tolist()))
    return list(map(_checksum, sums.tolist(), weighted.tolist(), chunks[:, -1].tolist()))


def _checksum(sum_of_words: int, weighted: int, odd_byte: int | None = None) -> int:
    """The checksum of one chunk; see `add_words` for its sums. odd_byte: the last one, where it is half a word."""
    total, weighted = sum_of_words << 8, weighted << 8
    if odd_byte is not None:
        total += odd_byte << 8
        weighted += total
    if not total:  # and so are all sums up to a word
        return 0
    return ((weighted - 1) % MODULUS + 1) << 16 | ((total - 1) % MODULUS + 1)


def _checked(data: memoryview) -> memoryview:
    """The data before the checksum that ends them; TraceError if it is not theirs."""
    if len(data) < CHECKSUM_BYTES:
        raise TraceError("damaged (a chunk is shorter than its checksum)")
    rest, stored = data[:-CHECKSUM_BYTES], data[-CHECKSUM_BYTES:]
    check_each(np.frombuffer(rest, np.uint8)[None], [int.from_bytes(stored, "little")])
    return rest


def check_each(chunks: UInt8, checksums: Sequence[int], adding: AddWords = add_words) -> None:
    """TraceError unless these are the checksums of the chunks, uint8 (n, bytes)."""
    if fletcher32_of_each(chunks, adding) != list(checksums):
        raise TraceError("damaged (the checksum of a chunk is not that of its values)")


def _inflated(data: memoryview, size: int) -> memoryview:
    """The decompressed data; TraceError unless they are `size` bytes. No more than one byte above is ever made."""
    inflate = zlib.decompressobj()
    try:
        values = inflate.decompress(data, size + 1)
    except zlib.error as error:
        raise TraceError(f"damaged (a chunk cannot be decompressed: {error})") from None
    if len(values) != size or not inflate.eof or inflate.unused_data:
        found = f"more than {size}" if len(values) > size else f"{len(values)}"
        raise TraceError(f"damaged (a chunk of {size} bytes decompresses to {found}, or does not end there)")
    return memoryview(values)


def _unshuffled(data: memoryview, item_bytes: int) -> memoryview:
    """First bytes of all values, then second ones, and so on, back to values; what is left over stays at the end."""
    count = len(data) // item_bytes
    body, rest = data[: count * item_bytes], data[count * item_bytes :]
    values = np.frombuffer(body, np.uint8).reshape(item_bytes, count).T.tobytes()
    return memoryview(values + bytes(rest) if len(rest) else values)
