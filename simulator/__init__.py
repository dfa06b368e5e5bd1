"""spikecycle: a cycle-approximate simulator of spiking-neural-network accelerators.

    from simulator import simulate
    result = simulate("digits-8bit", "spike_array")
    result.cycles, result.energy_per_inference_pj

The names below are the public face. They are loaded when they are first used, so that `import simulator` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simulator.compare import compare_formats
    from simulator.comparison import FormatComparison
    from simulator.engine import simulate
    from simulator.errors import MachineError, MappingError, OutputError, SimulatorError, UsageError
    from simulator.files import write_file
    from simulator.machine.loader import load_machine, override, shipped_machines
    from simulator.machine.problems import validation_problems
    from simulator.machine.schema import Machine
    from simulator.machine.yaml_file import read_yaml
    from simulator.result import LayerResult, RunResult

__all__ = [
    "FormatComparison",
    "LayerResult",
    "Machine",
    "MachineError",
    "MappingError",
    "OutputError",
    "RunResult",
    "SimulatorError",
    "UsageError",
    "compare_formats",
    "load_machine",
    "override",
    "read_yaml",
    "shipped_machines",
    "simulate",
    "validation_problems",
    "write_file",
]

_HOMES = {
    "simulator.compare": ("compare_formats",),
    "simulator.comparison": ("FormatComparison",),
    "simulator.engine": ("simulate",),
    "simulator.errors": ("MachineError", "MappingError", "OutputError", "SimulatorError", "UsageError"),
    "simulator.files": ("write_file",),
    "simulator.machine.loader": ("load_machine", "override", "shipped_machines"),
    "simulator.machine.problems": ("validation_problems",),
    "simulator.machine.schema": ("Machine",),
    "simulator.machine.yaml_file": ("read_yaml",),
    "simulator.result": ("LayerResult", "RunResult"),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'simulator' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
