"""A network in SANA-FE (Boyle et al., IEEE TCAD 2025), if the package `sanafe` is installed: for checks against it.

    python -m spikecycle.simulator.validation.sanafe_run NETWORK.json

builds the network on the package's own description of Loihi, runs it, and prints what it found as one line of JSON, the
last one. It is a program of its own because the package writes to the terminal from C++.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from spikecycle.simulator.errors import UsageError


@dataclass(frozen=True)
class PeerLayer:
    """One layer of neurons that keep their potential, fire above `threshold`, and are then reset to 0.

    weights: (M, C, R, S) of a convolution without padding, (M, C) of a dense layer. synapses: "conv", "dense" or
    "sparse", as the package calls its units.
    """

    weights: list[Any]
    threshold: int
    stride: int
    synapses: str


@dataclass(frozen=True)
class PeerNetwork:
    """Layers one behind the other, and the spikes that enter.

    spikes: (T, C, H, W) of 0 and 1. neurons_per_core: channel by channel, every layer from a core of its own on.
    """

    spikes: list[Any]
    layers: list[PeerLayer]
    neurons_per_core: int


def is_installed() -> bool:
    """Whether there is a package `sanafe`."""
    return find_spec("sanafe") is not None


def run_peer(network: PeerNetwork, steps: int) -> dict[str, Any]:
    """What SANA-FE finds in so many timesteps with its detailed timing: its result, and "wall_s", its own time.

    Raises UsageError with its last words where it fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.json"
        path.write_text(json.dumps({"steps": steps, **asdict(network)}))
        command = [sys.executable, "-P", "-m", __name__, str(path)]  # -P: no modules of the working directory
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UsageError(f"sanafe fails: {(done.stderr.strip() or 'without a word').splitlines()[-1]}")
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def main(arguments: Sequence[str]) -> None:
    """Build and run the network of a file."""
    import sanafe
    from sanafe import layers as parts

    description = json.loads(Path(arguments[0]).read_text())
    spikes = np.array(description["spikes"], bool)
    chip_description, network = sanafe.load_loihi(), sanafe.Network()
    _, channels, height, width = spikes.shape
    built = [parts.Input2D(network, width, height, channels)]
    for index, neuron in enumerate(built[0]):
        train = spikes.reshape(len(spikes), -1)[:, index].tolist()
        neuron.set_attributes(soma_hw_name=f"loihi_inputs[{index}]", model_attributes={"spikes": train})
    for layer in description["layers"]:
        weights, stride = np.array(layer["weights"], float), layer["stride"]
        if weights.ndim == 4:
            kernel = np.ascontiguousarray(weights.transpose(2, 3, 1, 0))
            strides = {"stride_width": stride, "stride_height": stride}
            built.append(parts.Conv2D(network, built[-1], kernel, threshold=layer["threshold"], **strides))
        else:
            dense = np.ascontiguousarray(weights.T)
            built.append(parts.Dense(network, built[-1], len(weights), dense, threshold=layer["threshold"]))
        for neuron in built[-1]:
            neuron.set_attributes(
                soma_hw_name="loihi_lif", default_synapse_hw_name=f"loihi_{layer['synapses']}_synapse"
            )
    cores, first, most = chip_description.cores(), 0, description["neurons_per_core"]
    for group in built:
        for index, neuron in enumerate(group):
            neuron.map_to_core(cores[first + index // most])
        first += -(-len(group) // most)
    chip = sanafe.SpikingChip(chip_description)
    chip.load(network)
    start = time.perf_counter()
    result = chip.sim(description["steps"], timing_model="detailed")
    wall_s = time.perf_counter() - start
    kept = {name: result[name] for name in ("energy", "sim_time", "spikes", "packets_sent", "neurons_fired")}
    sys.stdout.write("\n" + json.dumps({**kept, "wall_s": wall_s}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
