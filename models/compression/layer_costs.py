"""What bits and pruning of one layer cost: loss, measured with its weights so, and energy, simulated on a machine.

Nothing is trained for this: weights are quantized as they would be at the start of the training, with the rule of the
compression, and pruned as they would be at its end. All other layers have the most bits that are considered, unpruned.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from spikecycle import traces
from spikecycle.models.compression.compression import Compression
from spikecycle.models.compression.layer_choices import LayerChoice, choices_for, rules_of
from spikecycle.models.compression.prune import Pruner
from spikecycle.models.compression.pruners import PrunerKind
from spikecycle.models.compression.scheme import CompressionScheme
from spikecycle.models.data.frames import DataSplit, FrameSet
from spikecycle.models.integer import IntegerNode, record_network
from spikecycle.models.networks.network import FloatNetwork, QuantizedNetwork, integer_nodes, quantize
from spikecycle.models.training import mean_loss
from spikecycle.simulator import Machine, simulate

OnMeasured = Callable[[int, int], None]
"""Called as progress(measurements done, measurements in all)."""

CostTable = dict[str, dict[LayerChoice, float]]
"""A cost by layer and choice."""


def loss_increases(
    network: FloatNetwork,
    data: DataSplit,
    samples: FrameSet,
    compression: Compression,
    bits: Sequence[int],
    pruners: Sequence[PrunerKind] = (),
    on_measured: OnMeasured | None = None,
) -> CostTable:
    """How much the mean cross entropy of `samples` grows when one layer has fewer bits than max(bits), or is pruned.

    samples: of the training split, so that the test split stays unseen. What does not grow is 0: a loss that happens to
    fall is no merit of fewer bits.
    """
    layers = [synapse.name for synapse in network.synapses()]
    choices = choices_for(layers, bits, pruners)
    most = LayerChoice(max(bits))
    reference = dict.fromkeys(layers, most)
    done, total = 0, 1 + sum(len(of_layer) - 1 for of_layer in choices.values())

    def measured(chosen: Mapping[str, LayerChoice]) -> float:
        nonlocal done
        quantized = _compressed(network, compression, chosen, rules_of(chosen, pruners))
        loss = mean_loss(quantized, samples, data.classes, compression.training.rate_to_logit)
        done += 1
        if on_measured is not None:
            on_measured(done, total)
        return loss

    least = measured(reference)
    return {
        layer: {
            choice: 0.0 if choice == most else max(0.0, measured({**reference, layer: choice}) - least)
            for choice in of_layer
        }
        for layer, of_layer in choices.items()
    }


def energies_pj(
    network: FloatNetwork,
    data: DataSplit,
    samples: FrameSet,
    compression: Compression,
    bits: Sequence[int],
    hardware: Machine | str | Path,
    pruners: Sequence[PrunerKind] = (),
    formats: Mapping[str, str] | None = None,
    on_measured: OnMeasured | None = None,
    folder: str | None = None,
) -> CostTable:
    """Energy of each layer with each choice, pJ per inference, simulated on the spikes of `samples`.

    The spikes are those of the network with max(bits) everywhere, for all choices: only the weights differ, pruned as
    they will be, by the compression's own pruner where there are none to choose from. What a layer saves because the
    one before it fires less is left out. hardware and formats are those of `spikecycle.simulator.simulate`. folder:
    where traces lie meanwhile, in a folder of their own; that of the system by default.
    """
    layers = [synapse.name for synapse in network.synapses()]
    choices = choices_for(layers, bits, pruners)
    every = sorted({choice for of_layer in choices.values() for choice in of_layer})
    costs: CostTable = {layer: {} for layer in layers}
    with TemporaryDirectory(dir=folder) as own:
        spikes, rewritten = Path(own, "spikes.h5"), Path(own, "weights.h5")
        most = _compressed(network, compression, dict.fromkeys(layers, LayerChoice(max(bits))), None)
        record_network(spikes, integer_nodes(most, data.input_bits), samples.frames, None, {})
        for done, choice in enumerate(every, start=1):
            everywhere = {
                layer: choice if choice in of_layer else LayerChoice(choice.bits) for layer, of_layer in choices.items()
            }
            pruner = rules_of(everywhere, pruners) if pruners else compression.pruner
            quantized = _compressed(network, compression, everywhere, pruner)
            _with_weights_of(integer_nodes(quantized, data.input_bits), spikes, rewritten)
            result = simulate(rewritten, hardware, formats=formats)
            for layer in result.layers:
                if choice in choices[layer.name]:
                    costs[layer.name][choice] = layer.energy_per_inference_pj
            if on_measured is not None:
                on_measured(done, len(every))
    return costs


def _compressed(
    network: FloatNetwork, compression: Compression, chosen: Mapping[str, LayerChoice], pruner: PrunerKind | None
) -> QuantizedNetwork:
    """The network with these bits and pruned so, not trained any further, in evaluation mode."""
    bits = {layer: choice.bits for layer, choice in chosen.items()}
    scheme = CompressionScheme(compression.model_copy(update={"layer_weight_bits": bits}))
    quantized = quantize(network, scheme)
    if pruner is not None:
        masks = Pruner(quantized.synapses(), pruner)
        for name in masks.step(1.0):
            scheme.quantizers[name].follow(masks.masks[name].synapse.weight)
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
