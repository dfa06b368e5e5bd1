"""spikecycle: a cycle-approximate simulator of spiking-neural-network accelerators.

    import spikecycle
    result = spikecycle.simulate("digits-8bit", "spike_array")
    result.cycles_per_inference, result.energy_per_inference_pj

The names in `__all__` are the public face. Each is loaded when it is first used, so that `import spikecycle` costs
neither NumPy, nor Numba, nor torch. What lies in `spikecycle.simulator`, `spikecycle.models` and `spikecycle.traces`
beside the names that they export themselves may change between versions.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spikecycle.models import ImportedNetwork, ModelsError, import_network
    from spikecycle.simulator import (
        FormatComparison,
        LayerResult,
        Machine,
        MachineError,
        MappingError,
        OutputError,
        PluginError,
        RunResult,
        SimulatorError,
        SweepResult,
        Timeline,
        UsageError,
        compare_formats,
        load_machine,
        load_plugin,
        override,
        shipped_machines,
        simulate,
        sweep,
        write_report,
    )
    from spikecycle.simulator.explore.advice import Advice
    from spikecycle.simulator.explore.advise import advise
    from spikecycle.simulator.explore.compare import compare
    from spikecycle.simulator.explore.differences import ResultComparison, compare_results
    from spikecycle.simulator.explore.results import SearchResult
    from spikecycle.simulator.explore.search import search
    from spikecycle.traces import (
        Neuron,
        Trace,
        TraceError,
        conv2d_layer,
        linear_layer,
        list_samples,
        open_trace,
        write_trace,
    )

__all__ = [
    "Advice",
    "FormatComparison",
    "ImportedNetwork",
    "LayerResult",
    "Machine",
    "MachineError",
    "MappingError",
    "ModelsError",
    "Neuron",
    "OutputError",
    "PluginError",
    "ResultComparison",
    "RunResult",
    "SearchResult",
    "SimulatorError",
    "SweepResult",
    "Timeline",
    "Trace",
    "TraceError",
    "UsageError",
    "advise",
    "compare",
    "compare_formats",
    "compare_results",
    "conv2d_layer",
    "import_network",
    "linear_layer",
    "list_samples",
    "load_machine",
    "load_plugin",
    "open_trace",
    "override",
    "search",
    "shipped_machines",
    "simulate",
    "sweep",
    "write_report",
    "write_trace",
]

_FROM_MODELS = ("ImportedNetwork", "ModelsError", "import_network")
_FROM_TRACES = (
    "Neuron", "Trace", "TraceError", "conv2d_layer", "linear_layer", "list_samples", "open_trace", "write_trace",
)  # fmt: skip


_FROM_EXPLORE = {
    "SearchResult": "results",
    "Advice": "advice",
    "ResultComparison": "differences",
    "advise": "advise",
    "compare": "compare",
    "compare_results": "differences",
    "search": "search",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'spikecycle' has no attribute {name!r}")
    if name in _FROM_EXPLORE:
        home = f"simulator.explore.{_FROM_EXPLORE[name]}"
    else:
        home = "models" if name in _FROM_MODELS else "traces" if name in _FROM_TRACES else "simulator"
    return getattr(importlib.import_module(f"spikecycle.{home}"), name)


def __dir__() -> list[str]:
    return list(__all__)
