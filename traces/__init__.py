"""Traces of spiking neural networks: operators, integer weights and the real spikes that a simulator replays.

A trace is a network of operators joined by tensors, or a list of layers, which reads as one:

    Trace, open_trace                     a file: its tensors by name, its operators, and, if it has some, its layers
    Tensor, TensorSpec, Source            what passes between operators
    Operator and its classes              what happens, in integers
    GraphBuilder, NetworkWriter           a network from NumPy arrays; version 2 of the file
    conv2d_layer, linear_layer, ...       a list of layers, each recorded by itself; version 1 of the file

The file is HDF5; FORMAT.md beside this file describes it. This package knows neither simulator nor torch.
"""

from spikecycle.traces.arrays import LayerArrays, conv2d_layer, linear_layer
from spikecycle.traces.builder import GraphBuilder
from spikecycle.traces.errors import TraceError
from spikecycle.traces.layer import LayerParameters
from spikecycle.traces.layer_reader import Layer
from spikecycle.traces.network import Tensor
from spikecycle.traces.network_writer import NetworkWriter
from spikecycle.traces.neuron import Neuron
from spikecycle.traces.operators import Add, AttentionProduct, Concatenate, Operator, Pool, Population, Synapse
from spikecycle.traces.reader import Trace, open_trace
from spikecycle.traces.samples import list_samples, sample_path
from spikecycle.traces.shape import LayerShape
from spikecycle.traces.tensors import Source, TensorSpec
from spikecycle.traces.writer import TraceWriter, write_trace

__all__ = [
    "Add",
    "AttentionProduct",
    "Concatenate",
    "GraphBuilder",
    "Layer",
    "LayerArrays",
    "LayerParameters",
    "LayerShape",
    "NetworkWriter",
    "Neuron",
    "Operator",
    "Pool",
    "Population",
    "Source",
    "Synapse",
    "Tensor",
    "TensorSpec",
    "Trace",
    "TraceError",
    "TraceWriter",
    "conv2d_layer",
    "linear_layer",
    "list_samples",
    "open_trace",
    "sample_path",
    "write_trace",
]
