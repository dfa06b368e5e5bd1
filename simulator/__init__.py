"""The simulator: machines, dataflows, formats, energy, results and the command line.

The names below are what the rest of spikecycle uses of it. Each is loaded when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spikecycle.simulator.compare import compare_formats
    from spikecycle.simulator.comparison import FormatComparison
    from spikecycle.simulator.engine import simulate
    from spikecycle.simulator.errors import (
        MachineError,
        MappingError,
        OutputError,
        PluginError,
        SimulatorError,
        UsageError,
    )
    from spikecycle.simulator.explore.results import SweepResult
    from spikecycle.simulator.explore.sweep import sweep
    from spikecycle.simulator.file_kinds import FileKind
    from spikecycle.simulator.files import write_file
    from spikecycle.simulator.machine.loader import load_machine, override, shipped_machines
    from spikecycle.simulator.machine.places import problems_in
    from spikecycle.simulator.machine.problems import validation_problems
    from spikecycle.simulator.machine.schema import Machine
    from spikecycle.simulator.machine.yaml_file import read_yaml
    from spikecycle.simulator.memory import default_limit_bytes
    from spikecycle.simulator.plugins import load_plugin
    from spikecycle.simulator.report.page.writing import write_report
    from spikecycle.simulator.result import LayerResult, RunResult
    from spikecycle.simulator.timeline import Timeline

__all__ = [
    "FileKind",
    "FormatComparison",
    "LayerResult",
    "Machine",
    "MachineError",
    "MappingError",
    "OutputError",
    "PluginError",
    "RunResult",
    "SimulatorError",
    "SweepResult",
    "Timeline",
    "UsageError",
    "compare_formats",
    "default_limit_bytes",
    "load_machine",
    "load_plugin",
    "override",
    "problems_in",
    "read_yaml",
    "shipped_machines",
    "simulate",
    "sweep",
    "validation_problems",
    "write_file",
    "write_report",
]

_HOMES = {
    "spikecycle.simulator.compare": ("compare_formats",),
    "spikecycle.simulator.comparison": ("FormatComparison",),
    "spikecycle.simulator.engine": ("simulate",),
    "spikecycle.simulator.errors": (
        "MachineError",
        "MappingError",
        "OutputError",
        "PluginError",
        "SimulatorError",
        "UsageError",
    ),
    "spikecycle.simulator.file_kinds": ("FileKind",),
    "spikecycle.simulator.explore.results": ("SweepResult",),
    "spikecycle.simulator.explore.sweep": ("sweep",),
    "spikecycle.simulator.files": ("write_file",),
    "spikecycle.simulator.machine.loader": ("load_machine", "override", "shipped_machines"),
    "spikecycle.simulator.machine.places": ("problems_in",),
    "spikecycle.simulator.machine.problems": ("validation_problems",),
    "spikecycle.simulator.machine.schema": ("Machine",),
    "spikecycle.simulator.memory": ("default_limit_bytes",),
    "spikecycle.simulator.machine.yaml_file": ("read_yaml",),
    "spikecycle.simulator.plugins": ("load_plugin",),
    "spikecycle.simulator.report.page.writing": ("write_report",),
    "spikecycle.simulator.result": ("LayerResult", "RunResult"),
    "spikecycle.simulator.timeline": ("Timeline",),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
