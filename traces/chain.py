"""A list of layers, version 1 of the trace file, as the network that it is: isolated synapses and their neurons."""

from __future__ import annotations

from collections.abc import Sequence

from spikecycle.traces.layer_reader import Layer
from spikecycle.traces.network import ReadSample, Tensor, make_tensors
from spikecycle.traces.operators import Operator, Population, Synapse
from spikecycle.traces.tensors import Source, TensorSpec


def network_of_layers(layers: Sequence[Layer]) -> tuple[dict[str, Tensor], tuple[Operator, ...]]:
    """Tensors and operators: layer `x` is tensor `x.inputs` (recorded), synapse `x`, tensor `x.currents`, population
    `x.neuron`, and tensor `x.outputs` (recorded or not). A name that is taken gets a number."""
    specs: list[TensorSpec] = []
    operators: list[Operator] = []
    recordings: dict[str, ReadSample] = {}
    taken = {layer.name for layer in layers}
    for layer in layers:
        inputs_name, currents_name, neuron_name, outputs_name = (
            _free(f"{layer.name}.{word}", taken) for word in ("inputs", "currents", "neuron", "outputs")
        )
        inputs = TensorSpec(inputs_name, layer.shape.input_shape, layer.input_bits, False)
        synapse = Synapse.sized(
            layer.name, Source(inputs.name), inputs, currents_name, layer.shape, layer.weight_bits, layer.codes,
            layer.bias if layer.has_bias else None, layer.weight_scale,
        )  # fmt: skip
        outputs = TensorSpec(outputs_name, layer.shape.output_shape, 1, False)
        population = Population(neuron_name, (Source(synapse.output.name),), outputs, layer.neuron)
        specs += [inputs, synapse.output, outputs]
        operators += [synapse, population]
        recordings[inputs.name] = layer.input_frames
        if layer.has_outputs:
            recordings[outputs.name] = layer.output_frames
    return make_tensors(specs, operators, recordings), tuple(operators)


def _free(name: str, taken: set[str]) -> str:
    """The name, with a number if a layer, tensor or operator has it already; and take it."""
    free, number = name, 2
    while free in taken:
        free, number = f"{name} {number}", number + 1
    taken.add(free)
    return free
