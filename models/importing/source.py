"""Where an imported network comes from: read once, whatever it is, into stages and the network as it was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from spikecycle.models.errors import ModelsError
from spikecycle.models.importing import nir_graph, nir_nodes
from spikecycle.models.importing.folding import Operation, fold
from spikecycle.models.importing.inputs import Samples
from spikecycle.models.importing.live_module import watch
from spikecycle.models.importing.nodes import FloatStage
from spikecycle.models.integer import Values

ResetChoice = Literal["hard", "soft"]


class Original(Protocol):
    """The network as its framework computes it."""

    def outputs(self, samples: Samples) -> list[npt.NDArray[Any]]:
        """Of each stage the spikes, or, where its neurons never fire, the potentials; (N, T, ...)."""
        ...


@dataclass(frozen=True, eq=False)
class ImportSource:
    """name: what messages call it; input_shape: (C, H, W) of one timestep; facts: what the provenance says of it."""

    name: str
    input_shape: tuple[int, int, int]
    stages: list[FloatStage]
    original: Original
    facts: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class FloatStages:
    """Stages in floats, one after the other."""

    stages: list[FloatStage]

    @torch.no_grad()
    def outputs(self, samples: Samples | Values) -> list[npt.NDArray[Any]]:
        """See `Original`."""
        x, emitted = torch.from_numpy(np.ascontiguousarray(samples)), []
        for stage in self.stages:
            spikes, potentials = stage.respond(x)
            x = spikes
            emitted.append((potentials if stage.layer.reads_out else spikes).numpy())
        return emitted


def nir_source(network: str | Path | Any, dt: float, reset: ResetChoice | None) -> ImportSource:
    """A NIR file, or a nir.NIRGraph. Without `reset`, v_reset where the file has it, else the threshold subtracted."""
    types = nir_nodes.CONVERTERS
    is_file = isinstance(network, str | Path)
    chain = nir_graph.read_nir(network, types) if is_file else nir_graph.chain_of_graph(network, types)
    operations = []
    for name, node in chain.nodes.items():
        kind = type(node).__name__
        reading = nir_nodes.Reading(dt, reset or ("soft" if name in chain.without_reset else "hard"))
        operations.append(Operation(name, kind, types[kind], (node, reading)))
    folded = fold(chain.name, "node", chain.input_shape, operations)
    facts = {
        "source": Path(chain.name).name,
        "source_format": f"NIR {chain.version}".strip(),
        "timestep": f"dt = {dt:g} in the unit of the time constants",
        "float_model": "NIR's equations, forward Euler, float32",
    }
    return ImportSource(chain.name, folded.input_shape, folded.stages, FloatStages(folded.stages), facts)


def module_source(module: nn.Module, example: Tensor | None) -> ImportSource:
    """A torch module that runs snntorch neurons; `example` is a batch of inputs as it takes them."""
    name = type(module).__name__
    if not isinstance(example, Tensor):
        raise ModelsError(f"{name}: an example is needed, a tensor of inputs as the module takes them")
    live = watch(module, example)
    folded = live.folded(name)
    facts = {
        "source": name,
        "source_format": f"snntorch {version('snntorch')} module",
        "float_model": "the module's own layers",
    }
    return ImportSource(name, folded.input_shape, folded.stages, live, facts)
