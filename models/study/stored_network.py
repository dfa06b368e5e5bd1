"""A compressed network of a study that was run, by the name of its compression: its trace in the study's folder."""

from __future__ import annotations

import re
from pathlib import Path

from spikecycle.models.errors import ModelsError
from spikecycle.models.study.store import NETWORKS
from spikecycle.models.study.tables import RESULT_COLUMNS, RESULTS, read_table
from spikecycle.suggestions import did_you_mean
from spikecycle.traces.errors import one_line
from spikecycle.wording import some_of

MOST_NAMED = 12
_TRACE = re.compile(rf"{NETWORKS}/[0-9a-f]+\.h5")


def stored_trace(folder: Path, compression: str | None, seed: int | None = None) -> Path:
    """The trace of that compression and seed, by default the lowest seed that it was trained with.

    ModelsError where the folder is no study's, or has no such network; it then names those that are there.
    """
    results = read_table(folder / RESULTS, RESULT_COLUMNS)
    names = list(dict.fromkeys(results["compression"].to_list()))
    shown = some_of([one_line(name) for name in names], MOST_NAMED)
    if compression is None:
        raise ModelsError(f"{folder}: is the folder of a study; name one of its networks with --network: {shown}")
    if compression not in names:
        raise ModelsError(
            f"{folder}: no network {one_line(compression)}{did_you_mean(compression, names)}; there are {shown}"
        )
    told = results.select("compression", "seed", "trace").iter_rows()
    rows: dict[int, str] = {found: trace for name, found, trace in told if name == compression}
    chosen = min(rows) if seed is None else seed
    if chosen not in rows:
        raise ModelsError(f"{folder}: {compression} was not trained with seed {seed}; seeds: {sorted(rows)}")
    if not _TRACE.fullmatch(rows[chosen]):
        raise ModelsError(f"{folder / RESULTS}: names traces elsewhere; run the study again")
    return folder / rows[chosen]
