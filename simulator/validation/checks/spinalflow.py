"""SpinalFlow on VGG16, layer by layer, as a public re-implementation counts it.

Its spikes are not published, but the network is that of LoAS, whose results tell how many spikes every layer takes:
spikes of that number are drawn, neurons independent of each other, always from the same seed.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from spikecycle.simulator.engine import simulate
from spikecycle.simulator.validation import CHECKS, Check, Row
from spikecycle.simulator.validation.generated import places, shape_of, write_layers
from spikecycle.simulator.validation.tables import read_table

MACHINE = "spinalflow"
SOURCE = "public re-implementation of SpinalFlow (SangYukekeaiai/spinalflow-sim), VGG16"
TIMESTEPS = 4
COMPUTE_TOLERANCE = 0.05
LOAD_TOLERANCE = 0.15
NOTE = "spikes drawn from published densities, seed 0; deviation L2"


def rows(data: Path | None) -> Iterator[Row]:
    """Load and compute of every layer; store of all."""
    lines = [line for line in read_table("loas") if line["network"] == "vgg16"]
    random = np.random.default_rng(0)
    layers = []
    for line in lines:
        shape = shape_of(line)
        share = int(line["spikes"]) / places(shape) / TIMESTEPS
        spikes = (random.random((TIMESTEPS, *shape.input_shape)) < share).astype(np.uint8)
        layers.append((f"layer{line['layer']}", shape, spikes, np.ones(shape.weight_shape, np.int32)))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.h5"
        write_layers(layers, path)
        result = simulate(path, MACHINE)
    ours = {layer.name: layer.sum_cycle_breakdown for layer in result.layers}
    table = read_table("spinalflow_vgg16")
    for line in table:
        causes = ours[f"layer{line['layer']}"]
        for cause, tolerance in (("compute", COMPUTE_TOLERANCE), ("load", LOAD_TOLERANCE)):
            quantity = f"VGG16 layer {line['layer']}, cycles of {cause}"
            yield Row(MACHINE, quantity, causes[cause], int(line[cause]), tolerance, SOURCE, NOTE)
    stored = sum(int(line["store"]) for line in table)
    reason = "it follows from the output spikes, whose number is not published; drawn weights do not give them"
    yield Row(MACHINE, "VGG16 all layers, cycles of store", None, stored, 0, SOURCE, reason)


CHECKS.register(MACHINE, Check(MACHINE, "SpinalFlow on VGG16, layer by layer", (MACHINE,), (), rows))
