"""From a trained quantized network to the integer network, and from its spikes to a trace file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from models.data.frames import FrameSet
from models.integer import IntegerLayer, Spikes, run_network
from models.networks.feedforward import FeedforwardNetwork
from models.networks.quantized import QuantizedLayer
from traces import LayerArrays, Neuron, write_trace


def integer_network(network: FeedforwardNetwork, names: Sequence[str], input_bits: int) -> tuple[IntegerLayer, ...]:
    """The layers as hardware holds them; the first receives numbers of input_bits, the others spikes."""
    bits = [input_bits] + [1] * (len(names) - 1)
    return tuple(
        _integer_layer(cast(QuantizedLayer, layer), name, layer_bits)
        for layer, name, layer_bits in zip(network.layers, names, bits, strict=True)
    )


def export_trace(
    path: Path, layers: Sequence[IntegerLayer], samples: FrameSet, provenance: Mapping[str, Any]
) -> list[Spikes]:
    """Run the integer network on `samples`, write what every layer received and emitted, and return its spikes."""
    spikes = run_network(layers, samples.frames)
    received = [samples.frames, *spikes[:-1]]
    arrays = [
        _layer_arrays(layer, inputs, outputs) for layer, inputs, outputs in zip(layers, received, spikes, strict=True)
    ]
    write_trace(path, arrays, provenance, samples.labels)
    return spikes


@torch.no_grad()
def _integer_layer(layer: QuantizedLayer, name: str, input_bits: int) -> IntegerLayer:
    integers = layer.integers()
    config = layer.neuron.config
    return IntegerLayer(
        name=name,
        shape=layer.shape,
        weights=_int32(integers.codes),
        weight_bits=layer.quantizer.bits,
        weight_scale=layer.quantizer.scale().flatten().double().numpy(),
        bias=_int32(integers.bias),
        neuron=Neuron(
            kind="lif",
            threshold=_int32(integers.threshold),
            potential_bits=config.potential_bits,
            leak_numerator=config.leak_numerator,
            leak_shift=config.leak_shift,
            reset=config.reset,
        ),
        input_bits=input_bits,
    )


def _int32(values: Tensor) -> npt.NDArray[np.int32]:
    return values.round().to(torch.int32).numpy()


def _layer_arrays(layer: IntegerLayer, inputs: Spikes, outputs: Spikes) -> LayerArrays:
    shape = layer.shape
    return LayerArrays(
        name=layer.name,
        shape=shape,
        weights=layer.weights,
        weight_bits=layer.weight_bits,
        neuron=layer.neuron,
        inputs=inputs.reshape(*inputs.shape[:2], shape.C, shape.H, shape.W),
        input_bits=layer.input_bits,
        outputs=outputs,
        weight_scale=layer.weight_scale,
        bias=layer.bias,
    )
