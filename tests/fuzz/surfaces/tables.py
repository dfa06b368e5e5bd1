"""The tables of a study (Parquet), as `--plots-only` reads them."""

from __future__ import annotations

import io
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Any

from tests.fuzz import random_values
from tests.fuzz.outcomes import Kind, Outcome, check_same
from tests.fuzz.random_bytes import damaged
from tests.fuzz.surface import Trial
from tests.fuzz.surfaces.models_refuse import accepted

TABLE = Path(__file__).parents[3] / "benchmarks" / "results" / "digits.parquet"


class StudyTables:
    """Accepted, a table says the same when it is read again, and what it said where only its bytes were damaged."""

    name = "study-tables"
    share = 12
    needs_models = True

    def prepare(self, folder: Path) -> None:
        """Imports alone: the threads of polars do not live on in a worker."""
        self._folder = folder
        import spikecycle.models.study.summary  # noqa: F401

    @cached_property
    def _table(self) -> Any:
        """As a study wrote it, a few rows of it."""
        import polars as pl

        return pl.read_parquet(TABLE)[::20]

    @cached_property
    def _content(self) -> bytes:
        return _sealed(self._table)

    @cached_property
    def _said(self) -> str:
        file = self._folder / "good.parquet"
        file.write_bytes(self._content)
        return _read(file)

    def warm_up(self) -> None:
        """Nothing that would be worth it."""

    def make(self, random: Random, folder: Path) -> Trial:
        """A changed table."""
        file = folder / "results.parquet"
        if random.random() < 0.5:
            file.write_bytes(damaged(random, self._content))
            return lambda: self._outcome(file, expected=self._said)
        changed = self._changed(random)
        file.write_bytes(damaged(random, changed) if random.random() < 0.5 else changed)
        return lambda: self._outcome(file)

    def replay(self, file: Path, folder: Path) -> Outcome:
        """A table of the corpus."""
        return self._outcome(file)

    def _outcome(self, file: Path, expected: str | None = None) -> Outcome:
        table, words = accepted(lambda: _read(file), file.name)
        if words:
            return Outcome(Kind.REFUSED, words)
        check_same("the table read again", _read(file), table)
        if expected is not None:
            check_same("a table that was damaged", table, expected)
        return Outcome(Kind.ACCEPTED)

    def _changed(self, random: Random) -> bytes:
        """Other values, or columns, in a file that is whole."""
        import polars as pl

        table, name = self._table, random.choice(self._table.columns)
        way = random.randrange(4)
        if way == 0:
            table = table.drop(name)
        elif way == 1:
            table = table.rename({name: random.choice(random_values.WORDS)})
        else:
            value: Any = random.choice([*random_values.REALS, None, -1, 0, 2, "", "x" * 3000, "\x1b[2J"])
            dtype = table.schema[name]
            try:
                column = pl.lit(value).cast(dtype if way == 2 else pl.String)
                table = table.with_columns(
                    pl.when(pl.int_range(pl.len()) == random.randrange(len(table)))
                    .then(column)
                    .otherwise(name)
                    .alias(name)
                )
            except pl.exceptions.PolarsError:
                table = table.head(0)
        return _sealed(table)


def _sealed(table: Any) -> bytes:
    from spikecycle.models.study.sealed_parquet import sealed

    return sealed(table)


def _read(file: Path) -> str:
    from rich.console import Console

    from spikecycle.models.study.results import Results
    from spikecycle.models.study.summary import summary
    from spikecycle.models.study.tables import RESULT_COLUMNS, read_table

    shown = Console(file=io.StringIO(), width=200, markup=False)
    shown.print(*summary(Results(read_table(file, RESULT_COLUMNS))), sep="\n")
    assert isinstance(shown.file, io.StringIO)
    return shown.file.getvalue()
