"""Tables with the checksum of their own bytes: every changed byte is seen before a parser sees the file."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl
import pytest

from spikecycle import parquet_seal
from spikecycle.models.errors import ModelsError
from spikecycle.models.study.sealed_parquet import read_sealed, sealed
from spikecycle.parquet_seal import BLANK, KEY

pytestmark = pytest.mark.train

TABLE = pl.DataFrame({"name": ["a", "b"], "value": [1.5, float("nan")]})


def test_it_is_an_ordinary_parquet_file(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    path.write_bytes(sealed(TABLE))
    assert read_sealed(path).equals(TABLE) and pl.read_parquet(path).equals(TABLE)
    assert len(pl.read_parquet_metadata(path)[KEY]) == 64


def test_every_changed_byte_is_told(tmp_path: Path) -> None:
    content, path = sealed(TABLE), tmp_path / "t.parquet"
    for place in range(len(content)):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(ModelsError, match=r"t\.parquet: (damaged|it is no Parquet file)"):
            read_sealed(path)


def test_a_checksum_over_nonsense_is_told(tmp_path: Path) -> None:
    """What polars ends in a panic, which is no Exception."""
    content = bytearray(sealed(TABLE))
    start = content.rindex(KEY.encode())
    content[4:start] = bytes(reversed(content[4:start]))
    first = start + re.search(rb"[0-9a-f]{64}", content[start:]).start()  # type: ignore[union-attr]
    content[first : first + 64] = BLANK.encode()
    (tmp_path / "t.parquet").write_bytes(parquet_seal.sealed(bytes(content)))
    with pytest.raises(ModelsError, match="it is no Parquet file that can be read"):
        read_sealed(tmp_path / "t.parquet")


def test_a_table_of_other_making_is_told(tmp_path: Path) -> None:
    TABLE.write_parquet(tmp_path / "t.parquet")
    with pytest.raises(ModelsError, match="no Parquet file with a checksum; run the study again"):
        read_sealed(tmp_path / "t.parquet")
