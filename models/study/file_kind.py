"""How `spikecycle check` knows a study, and what it says of one (entry point of `spikecycle.file_kinds`)."""

from __future__ import annotations

from pathlib import Path

from spikecycle.simulator import FileKind


def _facts(path: Path) -> list[tuple[str, str]]:
    from spikecycle.models.study.schema import load_study  # only when there is one

    loaded = load_study(str(path))
    study = loaded.study
    results = len(study.grid) * len(study.seeds) * len(study.formats) * len(study.machine_names)
    seeds = "seed" if len(study.seeds) == 1 else "seeds"
    return [
        ("asks", " ".join(study.describes.split())),
        ("data, network", f"{study.data.name}, {study.network.name}"),
        ("compressions", f"{len(study.grid)}, each with {len(study.seeds)} {seeds}"),
        ("formats", ", ".join(study.formats)),
        ("machines", ", ".join(loaded.machines)),
        ("results", f"{results:,}, with `spikecycle study {path}`"),
    ]


STUDY = FileKind("study", frozenset({"data", "network", "training", "compressions"}), _facts)
