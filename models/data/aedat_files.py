"""AEDAT 2.0 and 3.1, the recordings of jAER and cAER: events of DVS128 and DAVIS cameras.

Sources: inivation.com, "AEDAT file formats"; jAER (github.com/SensorsINI/jaer), classes AEFileInputStream, DVS128 and
DavisBaseCamera, for what version 2.0 leaves to the camera: which bits of an address are what.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from spikecycle.traces.errors import one_line

EVENT_BYTES = 8
AEDAT3_END, AEDAT3_HEADER = b"#!END-HEADER\r\n", struct.Struct("<hhiiiiii")
POLARITY_EVENT = 1
AEDAT3_WRAP_BITS = 31
_LINE = re.compile(rb"#[^\x00-\x08\x0a-\x1f\x7f]*\r*\n")
"""Of the header of version 2.0. Events that begin with the same byte, of a DAVIS's rows 140 to 143, are no such line:
the last byte of their address is 0, and text has no such byte."""
_CUT_LINE = re.compile(rb"#[^\x00-\x08\x0a-\x1f\x7f]*\r*\Z")
_LAST_LINE = re.compile(rb"#\s*end of ascii header\s*\Z", re.IGNORECASE)
"""Written by jAER since 2014, and by AedatTools with a blank in it."""
_CHIP = re.compile(r"AEChip\s*[:=]\s*(.*)", re.IGNORECASE)
_PACKAGE = re.compile(r"^(?:\w+\.)+(?=[A-Za-z])")
_NO_CHIP = ("", "null", "none", "unknown")
LIKELIER = 2
"""Of two cameras whose addresses they may be: times as many events of pixels, instead of others."""
INSTEAD = "save its events as an array x, y, t, p (.npy)"


Columns = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Recorded:
    """columns: x, y, t, p of the events of pixels; skipped: how many others were there (external inputs, images,
    inertial data)."""

    columns: Columns
    skipped: int = 0


@dataclass(frozen=True)
class Camera:
    """What the 32 bits of an address of version 2.0 are.

    chips: pattern of the names that its chips have in headers, small letters and digits only; x, y: shift and mask; p:
    shift; others: bits that are set in what is no event of a pixel; unused: bits that are 0 in events of pixels, always
    or (is_strict False) as far as is known.
    """

    name: str
    chips: str
    x: tuple[int, int]
    y: tuple[int, int]
    p: int
    others: int
    unused: int
    is_strict: bool

    def is_named(self, text: str) -> bool:
        """Whether a text names a chip of it, alone and not as one of a pair."""
        squeezed = re.sub(r"[^a-z0-9]", "", text.lower())
        return re.search(self.chips, squeezed) is not None and "stereo" not in squeezed

    def pixels(self, address: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Which addresses are events of pixels, if it is this camera."""
        pixels: npt.NDArray[np.bool_] = (address & self.others) == 0
        return pixels

    def strange(self, address: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """The addresses of pixels that this camera does not have."""
        strange: npt.NDArray[np.int64] = address[self.pixels(address) & ((address & self.unused) != 0)]
        return strange

    def fits(self, address: npt.NDArray[np.int64]) -> bool:
        """Whether there are events of pixels, and all may be of this camera."""
        return bool(self.pixels(address).any()) and not self.strange(address).size


CAMERAS = (
    Camera("DAVIS", r"davis?(?![a-z])|davis(?:het|rgb|mono)|sbret\d|apsdvs", x=(12, 0x3FF), y=(22, 0x1FF), p=11,
           others=0x8000_0400, unused=0x3FF, is_strict=False),
    Camera("DVS128", "dvs128|tmpdiff128", x=(1, 0x7F), y=(8, 0x7F), p=0, others=0x8000_8000, unused=0x7FFF_0000,
           is_strict=True),
)  # fmt: skip
SUPPORTED = " and ".join(camera.name for camera in CAMERAS)


def read_aedat(content: bytes) -> Recorded:
    """The events of a file's content, in its order; ValueError for another version or camera, and what is damaged."""
    first = content.split(b"\n", 1)[0]
    if first.startswith(b"#!AER-DAT3.1"):
        return _aedat3(content)
    if first.startswith(b"#!AER-DAT2.0"):
        return _aedat2(content)
    version = one_line(first[:20].decode("ascii", "replace"))
    raise ValueError(f"it begins with {version!r}; supported: AER-DAT2.0 and AER-DAT3.1")


def _aedat2(content: bytes) -> Recorded:
    """Addresses and times, big-endian, behind a header of lines of text."""
    lines, start = _header(content)
    if (len(content) - start) % EVENT_BYTES:
        raise ValueError("it ends within an event")
    address, times = np.frombuffer(content, ">u4", offset=start).reshape(-1, 2).astype(np.int64).T
    camera = _camera(lines, address)
    pixels = camera.pixels(address)
    place, times = address[pixels], times[pixels]
    columns = {name: place >> shift & mask for name, (shift, mask) in (("x", camera.x), ("y", camera.y))}
    return Recorded({**columns, "t": times, "p": place >> camera.p & 1}, len(address) - len(place))


def _header(content: bytes) -> tuple[list[str], int]:
    """The lines of the header, and where the first event begins."""
    lines, start = [], 0
    while line := _LINE.match(content, start):
        start = line.end()
        lines.append(line[0].decode("utf-8", "replace").strip())
        if _LAST_LINE.match(line[0]):
            return lines, start
    if _CUT_LINE.match(content, start):
        raise ValueError("its header does not end")
    return lines, start


def _camera(lines: Sequence[str], address: npt.NDArray[np.int64]) -> Camera:
    """The camera whose chip the header names, else the one whose addresses these are."""
    fitting = [camera for camera in CAMERAS if camera.fits(address)]
    named = _named_camera(lines)
    if named is not None:
        strange, others = named.strange(address), [camera.name for camera in fitting if camera is not named]
        if strange.size and (others or named.is_strict):
            instead = f"; addresses are those of a {others[0]}" if others else ""
            raise ValueError(
                f"its header names a {named.name}, which has no address {int(strange[0]):#010x}{instead}; {INSTEAD}"
            )
        return named
    if len(fitting) > 1:
        mentioned = [camera for camera in fitting if any(camera.is_named(line) for line in lines)]
        counts = [np.count_nonzero(camera.pixels(address)) for camera in fitting]
        likelier = [each for each, count in zip(fitting, counts, strict=True) if count >= LIKELIER * min(counts)]
        fitting = mentioned or likelier
    if len(fitting) == 1:
        return fitting[0]
    if not any(camera.pixels(address).any() for camera in CAMERAS):
        return CAMERAS[0]  # whichever it is, there are no events of pixels
    raise ValueError(f"neither its header nor its addresses tell the camera ({SUPPORTED} are supported); {INSTEAD}")


def _named_camera(lines: Sequence[str]) -> Camera | None:
    """By the line AEChip, which jAER writes with the name of a class."""
    chips = (found[1].strip() for line in lines if (found := _CHIP.search(line)))
    chip = next((chip for chip in chips if chip.lower() not in _NO_CHIP), None)
    if chip is None:
        return None
    camera = next((camera for camera in CAMERAS if camera.is_named(_PACKAGE.sub("", chip))), None)
    if camera is None:
        raise ValueError(f"its header names the chip {one_line(chip)}; supported are {SUPPORTED}; {INSTEAD}")
    return camera


def _aedat3(content: bytes) -> Recorded:
    """Packets of little-endian events; those of other types are skipped."""
    place = _after(content, AEDAT3_END)
    parts, skipped = [], 0
    while place < len(content):
        kind, _, size, _, overflow, _, number, _ = AEDAT3_HEADER.unpack_from(content, place)
        place += AEDAT3_HEADER.size
        if size < 1 or number < 0 or place + size * number > len(content):
            raise ValueError("it ends within a packet")
        if kind == POLARITY_EVENT:
            pairs = np.frombuffer(content, "<u4", size * number // 4, place).reshape(number, -1)[:, :2].astype(np.int64)
            valid = pairs[(pairs[:, 0] & 1) == 1]
            parts.append(np.column_stack([valid[:, 0], valid[:, 1] + (overflow << AEDAT3_WRAP_BITS)]))
            skipped -= len(valid)
        skipped += number
        place += size * number
    data, times = np.concatenate([*parts, np.zeros((0, 2), np.int64)]).T
    return Recorded({"x": data >> 17 & 0x7FFF, "y": data >> 2 & 0x7FFF, "t": times, "p": data >> 1 & 1}, skipped)


def _after(content: bytes, end: bytes) -> int:
    """The place behind `end`."""
    place = content.find(end)
    if place < 0:
        raise ValueError("its header does not end")
    return place + len(end)
