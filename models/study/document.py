"""Writes TABLES.md, the description of a study's tables, from the columns, and STUDY.md, that of its file.

Both: python -m spikecycle.models.study.document
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import polars as pl

from spikecycle.models.study.columns import LAYER_COLUMNS, RESULT_COLUMNS, TableColumn
from spikecycle.models.study.study_document import STUDY_DOCUMENT, study_document

DOCUMENT = Path(__file__).with_name("TABLES.md")
_HEAD = """# The tables of a study

Generated from the descriptions in `models/study/columns.py` by `python -m spikecycle.models.study.document`.

Both are Parquet files in the folder of the study. Rows are in the order of the study: compressions, seeds, machines,
formats, layers. The unit is the end of a column's name: `_pj` pJ, `_js` J s, `_mm2` mm2, `_bits` bits, `seconds` s.
"""


def document() -> str:
    """The whole text."""
    return "\n".join([_HEAD, *_table("results.parquet", RESULT_COLUMNS), *_table("layers.parquet", LAYER_COLUMNS)])


def _table(name: str, columns: Mapping[str, TableColumn]) -> Iterator[str]:
    yield f"## {name}\n\n| column | type | meaning |\n|---|---|---|"
    for column, (dtype, meaning) in columns.items():
        yield f"| `{column}` | {_words(dtype)} | {meaning} |"
    yield ""


def _words(dtype: pl.DataType | type[pl.DataType]) -> str:
    if isinstance(dtype, pl.List):
        fields = dtype.inner.fields if isinstance(dtype.inner, pl.Struct) else []
        return f"list of {', '.join(field.name for field in fields)}"
    return {pl.String: "text", pl.Int64: "integer", pl.Float64: "number"}[dtype]  # type: ignore[index]


if __name__ == "__main__":
    DOCUMENT.write_text(document())
    STUDY_DOCUMENT.write_text(study_document())
