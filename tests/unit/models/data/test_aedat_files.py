"""AEDAT 2.0, written byte by byte: where its header ends, which camera it is of, and what is no event of a pixel."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from spikecycle.models.data.event_files import read_events, read_recording
from spikecycle.models.data.labelled_folder import binning_of, load_all
from spikecycle.models.data.options import DataOptions
from spikecycle.models.data.registry import load_data
from spikecycle.models.errors import ModelsError

pytestmark = pytest.mark.train
FIRST = b"#!AER-DAT2.0\r\n"
COMMENT = b"# This is a raw AE data file - do not edit\r\n"
JAER_END = b"#End Of ASCII Header\r\n"
MUCH = "4 of 22 events are of no pixel (external inputs, images, others): skipped"
Event = tuple[int, int, int, int]
"""x, y, t in microseconds, p."""
DVS128: list[Event] = [(3, 1, 10, 1), (5, 0, 20, 0), (127, 127, 30, 1)]
DAVIS: list[Event] = [(2, 140, 0x0A, 1), (239, 179, 0x0A0A, 0), (9, 143, 0x0A0A00, 1)]


def words(*pairs: tuple[int, int]) -> bytes:
    """Addresses and times, big-endian."""
    return b"".join(struct.pack(">II", *pair) for pair in pairs)


def dvs128(events: list[Event]) -> bytes:
    """15 bits: y from bit 8, x from bit 1, polarity bit 0."""
    return words(*((y << 8 | x << 1 | p, t) for x, y, t, p in events))


def davis(events: list[Event]) -> bytes:
    """y from bit 22, x from bit 12, polarity bit 11."""
    return words(*((y << 22 | x << 12 | p << 11, t) for x, y, t, p in events))


def file(folder: Path, content: bytes, header: bytes = FIRST + COMMENT) -> Path:
    path = folder / "a.aedat"
    path.write_bytes(header + content)
    return path


def check(path: Path, expected: list[Event]) -> None:
    events = read_events(path)
    assert [(int(e["x"]), int(e["y"]), int(e["t"]), int(e["p"])) for e in events] == expected


def chip(name: str, between: str = ": ") -> bytes:
    return FIRST + COMMENT + f"# AEChip{between}{name}\r\n".encode()


@pytest.mark.parametrize("special", [0x8000, 0x8005, 0xFFFF, 0x8000_0000, 0x8000_0123])
@pytest.mark.parametrize(
    "header",
    [
        FIRST + COMMENT,
        chip("net.sf.jaer.chip.dvs.DVS128"),
        chip("ch.unizh.ini.jaer.chip.retina.DVS128"),
        chip("ch.unizh.ini.jaer.chip.retina.Tmpdiff128"),
        chip("DVS128", "="),
        chip("dvs_128 v1.2"),
        FIRST + b"# HardwareInterface: CypressFX2DVS128HardwareInterface\r\n",
    ],
)
def test_special_events_of_a_dvs128_are_skipped(header: bytes, special: int, tmp_path: Path) -> None:
    """jAER's DVS128 marks them by bit 15 or bit 31; one of them makes no other camera of the file."""
    path = file(tmp_path, dvs128(DVS128[:2]) + words((special, 25)) + dvs128(DVS128[2:]), header)
    check(path, DVS128)
    assert read_recording(path).skipped == 1


@pytest.mark.parametrize(
    "header",
    [
        FIRST + COMMENT,
        chip("eu.seebetter.ini.chips.davis.DAVIS240C"),
        chip("eu.seebetter.ini.chips.davis.Davis346blue"),
        chip("eu.seebetter.ini.chips.sbret10.SBret10"),
        chip("DAVI346"),
        chip("DAVIS"),
        FIRST + b"# made beside a DVS128 by A. Davidson\r\n",
    ],
)
def test_external_inputs_images_and_inertial_data_of_a_davis_are_skipped(header: bytes, tmp_path: Path) -> None:
    """Bit 10 of an address without bit 31, and bit 31."""
    others = words((7 << 22 | 1 << 10, 1), (1 << 31 | 9 << 22 | 0x3A5, 2), (1 << 31 | 0xC00, 3))
    path = file(tmp_path, others + davis(DAVIS), header)
    check(path, DAVIS)
    assert read_recording(path).skipped == 3


@pytest.mark.parametrize("row", [139, 140, 141, 142, 143, 144])
@pytest.mark.parametrize(
    "header",
    [
        FIRST,
        FIRST + COMMENT,
        FIRST.replace(b"\r", b"") + COMMENT.replace(b"\r", b""),
        FIRST + COMMENT + JAER_END,
        FIRST + b"# End of ASCII Header\r\n",
        FIRST + "# created März 2017\r\n#\t<map key=\"0.5 µs\"/>\r\n#\r\n".encode(),
        FIRST + "# created März 2017\r\n".encode("latin-1"),
    ],
    ids=["first line", "comment", "no CR", "jAER's end", "AedatTools' end", "UTF-8", "Latin-1"],
)  # fmt: skip
def test_events_that_begin_as_a_line_of_the_header_are_none(row: int, header: bytes, tmp_path: Path) -> None:
    """Rows 140 to 143 have # as their first byte; the times have bytes 10 and 13, which end lines."""
    events = [(9, row, 0x0A, 1), (2, 140, 0x0D0A, 0), *DAVIS]
    events.sort(key=lambda event: event[2])
    check(file(tmp_path, davis(events), header), events)


def test_behind_the_end_of_the_header_nothing_is_a_line_of_it(tmp_path: Path) -> None:
    """Bytes of text as an event of a DAVIS: "#000", whose unused bits are set, at the time "00\\r\\n"."""
    pair = struct.unpack(">II", b"#00000\r\n")
    expected = [(pair[0] >> 12 & 0x3FF, 140, pair[1], 0)]
    check(file(tmp_path, words(pair), chip("DAVIS240C") + JAER_END), expected)


@pytest.mark.parametrize(
    ("header", "content", "told"),
    [
        (chip("ch.unizh.ini.jaer.chip.cochlea.CochleaAMS1c"), dvs128(DVS128), "the chip ch.unizh.ini.jaer.chip.cochl"),
        (chip("ch.unizh.ini.jaer.chip.stereopsis.Tmpdiff128Stereo"), dvs128(DVS128), "supported are DAVIS and DVS128"),
        (chip("DVS128"), davis(DAVIS), "names a DVS128, which has no address 0x23002800; addresses are those of a DAV"),
        (chip("DAVIS240C"), dvs128(DVS128), "names a DAVIS, which has no address 0x00000107; addresses are those of a"),
        (FIRST, words((0x12345678, 1)), "neither its header nor its addresses tell the camera"),
        (FIRST, words((0x0800, 1), (0x1000, 2)), "neither its header nor its addresses tell the camera"),
        (chip("DVS128"), words((0x8001, 1), (0x8001, 2)), "an empty recording, without events"),
        (FIRST, b"", "an empty recording, without events"),
        (FIRST, b"# AEChip: DV", "its header does not end"),
        (FIRST[:-2], b"", "its header does not end"),
        (FIRST, davis(DAVIS)[:-3], "it ends within an event"),
    ],
)
def test_what_cannot_be_read_is_one_line(header: bytes, content: bytes, told: str, tmp_path: Path) -> None:
    path = file(tmp_path, content, header)
    with pytest.raises(ModelsError) as error:
        read_events(path)
    assert str(error.value).startswith(f"{path}: ") and told in str(error.value) and "\n" not in str(error.value)


def test_a_mention_in_the_header_decides_where_addresses_are_of_either(tmp_path: Path) -> None:
    """0x0800 is ON at (0, 0) of a DAVIS, and OFF at column 0 of row 8 of a DVS128."""
    content = words((0x0800, 1))
    check(file(tmp_path, content, FIRST + b"# HardwareInterface: DAVIS240C SN 12\r\n"), [(0, 0, 1, 1)])
    check(file(tmp_path, content, FIRST + b"# HardwareInterface: DVS128 SN 12\r\n"), [(0, 8, 1, 0)])


def test_that_much_was_skipped_is_said(tmp_path: Path) -> None:
    """Of every recording 9 events of pixels and 1 other are a tenth, which is not much; 9 and 2 are 4 of 22 of two."""
    pixels = [(x, 100, 100 * x, 1) for x in range(9)]
    for others, remarks in ((1, ()), (2, (MUCH,))):
        root = tmp_path / str(others)
        for name in "ab":
            (root / name).mkdir(parents=True)
            file(root / name, words(*[(0x8000, 0)] * others) + dvs128(pixels))
        read = load_all(root, binning_of(None, None, "time", 1, 2), None, None, 0)
        assert read.remarks == remarks
        assert np.array_equal(read.frames.frames.sum(axis=(1, 2, 3, 4)), [9, 9])
        for name in "ab":
            (root / name / "a.aedat").rename(root / name / "b.aedat")
            file(root / name, (root / name / "b.aedat").read_bytes(), b"")
        told = load_data("folder", DataOptions(root=root, test_share=0.5)).description
        assert ("8 of 44 events are of no pixel" in told) == bool(remarks)
