"""What the bits of one layer cost: loss, measured with its weights quantized, and energy, simulated on a machine.

Nothing is trained for this: weights are quantized as they would be at the start of the training, with the rule of the
compression. All other layers have the most bits that are considered.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from spikecycle import traces
from spikecycle.models.compression.compression import Compression
from spikecycle.models.compression.prune import Pruner
from spikecycle.models.compression.scheme import CompressionScheme
from spikecycle.models.data.frames import DataSplit, FrameSet
from spikecycle.models.integer import IntegerNode, record_network
from spikecycle.models.networks.network import FloatNetwork, QuantizedNetwork, integer_nodes, quantize
from spikecycle.models.training import mean_loss
from spikecycle.simulator import Machine, simulate

OnMeasured = Callable[[int, int], None]
"""Called as progress(measurements done, measurements in all)."""

CostTable = dict[str, dict[int, float]]
"""A cost by layer and weight bits."""


def loss_increases(
    network: FloatNetwork,
    data: DataSplit,
    samples: FrameSet,
    compression: Compression,
    bits: Sequence[int],
    on_measured: OnMeasured | None = None,
) -> CostTable:
    """How much the mean cross entropy of `samples` grows when one layer has fewer bits than max(bits).

    samples: of the training split, so that the test split stays unseen. What does not grow is 0: a loss that happens to
    fall is no merit of fewer bits.
    """
    layers = [synapse.name for synapse in network.synapses()]
    reference = {layer: max(bits) for layer in layers}
    done, total = 0, 1 + len(layers) * (len(set(bits)) - 1)

    def measured(chosen: Mapping[str, int]) -> float:
        nonlocal done
        quantized = _quantized(network, compression, chosen)
        loss = mean_loss(quantized, samples, data.classes, compression.training.rate_to_logit)
        done += 1
        if on_measured is not None:
            on_measured(done, total)
        return loss

    least = measured(reference)
    return {
        layer: {
            width: 0.0 if width == max(bits) else max(0.0, measured({**reference, layer: width}) - least)
            for width in sorted(set(bits))
        }
        for layer in layers
    }


def energies_pj(
    network: FloatNetwork,
    data: DataSplit,
    samples: FrameSet,
    compression: Compression,
    bits: Sequence[int],
    hardware: Machine | str | Path,
    formats: Mapping[str, str] | None = None,
    on_measured: OnMeasured | None = None,
    folder: str | None = None,
) -> CostTable:
    """Energy of each layer with weights of each width, pJ per inference, simulated on the spikes of `samples`.

    The spikes are those of the network with max(bits) everywhere, for all widths: only the weights differ, pruned as
    they will be. hardware and formats are those of `spikecycle.simulator.simulate`. folder: where traces lie meanwhile,
    in a folder of their own; that of the system by default.
    """
    layers = [synapse.name for synapse in network.synapses()]
    widths = sorted(set(bits))
    costs: CostTable = {layer: {} for layer in layers}
    pruned = copy.deepcopy(network)
    if compression.pruner is not None:
        Pruner(pruned.synapses(), compression.pruner).step(1.0)
    with TemporaryDirectory(dir=folder) as own:
        spikes, rewritten = Path(own, "spikes.h5"), Path(own, "weights.h5")
        most = _quantized(network, compression, dict.fromkeys(layers, widths[-1]))
        record_network(spikes, integer_nodes(most, data.input_bits), samples.frames, None, {})
        for done, width in enumerate(widths, start=1):
            quantized = _quantized(pruned, compression, dict.fromkeys(layers, width))
            _with_weights_of(integer_nodes(quantized, data.input_bits), spikes, rewritten)
            result = simulate(rewritten, hardware, formats=formats)
            for layer in result.layers:
                costs[layer.name][width] = layer.energy_per_inference_pj
            if on_measured is not None:
                on_measured(done, len(widths))
    return costs


def _quantized(network: FloatNetwork, compression: Compression, bits: Mapping[str, int]) -> QuantizedNetwork:
    """The network with these bits, not trained any further, in evaluation mode."""
    scheme = CompressionScheme(compression.model_copy(update={"layer_weight_bits": dict(bits)}))
    quantized = quantize(network, scheme)
    quantized.eval()
    return quantized


def _with_weights_of(nodes: Sequence[IntegerNode], recorded: Path, path: Path) -> None:
    """Write the spikes of a recorded trace again, as those of layers with the weights of `nodes`."""
    layers = [layer for node in nodes for layer in node.trace_layers()]
    with traces.open_trace(recorded) as trace:
        of_trace = {layer.name: layer for layer in trace.layers}
        headers = [replace(layer, input_bits=of_trace[layer.name].input_bits) for layer in layers]
        with traces.TraceWriter(path, headers, trace.timesteps, {}) as writer:
            for sample in range(trace.samples):
                writer.append(
                    [of_trace[layer.name].inputs(sample) for layer in layers],
                    [of_trace[layer.name].outputs(sample) for layer in layers],
                )
