"""Networks, training, compression and export to layer traces (the only package that knows torch).

    data/         recordings of events, binned to frames
    networks/     spiking networks as chains of nodes: float for the first training, integer-valued when compressed
    compression/  quantizers and pruners, and the one description of what is done with them
    schedule      hyper-parameters of one training
    training      the loop, the same for both
    pipeline      the stations: train, compress, measure
    checkpoint    parameters of a network in a safetensors file
    integer/      the exact integer network that hardware runs, and its recording as a trace
    study/        a grid of compressions, formats and machines, to tables, pictures and claims: spikecycle study
    progress      bars that show trainings
    recipes       every hyper-parameter of the shipped samples
    digits_sample one of them from start to trace
    samples       the command: python -m spikecycle.models.samples
    importing/    networks made elsewhere (NIR files, torch modules) to traces: `import_network`

Everything but `errors`, `extras`, `options`, `progress`, `samples`, `schedule` and what `compression.compression` reads
needs the extra `train`. The names below are the public face; they are loaded when they are first used, so that
`import models` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spikecycle.models.errors import ModelsError
    from spikecycle.models.importing.measure import Measurement
    from spikecycle.models.importing.network import ImportedNetwork, import_network

__all__ = ["ImportedNetwork", "Measurement", "ModelsError", "import_network"]

_HOME_OF = {
    "ImportedNetwork": "spikecycle.models.importing.network",
    "Measurement": "spikecycle.models.importing.measure",
    "ModelsError": "spikecycle.models.errors",
    "import_network": "spikecycle.models.importing.network",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
