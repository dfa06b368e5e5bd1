"""Constructs that a trace has no operator for: what takes their place, exactly, or why they are refused by name."""

from __future__ import annotations

TAKEN_AS = {
    "layers without neurons between them": (
        "one layer whose weights are the product, in float64, up to 2**24 of them, and said: linear behind anything, a "
        "convolution behind a linear layer, behind a convolution if it does not pad (or that is 1 x 1 without bias); "
        "averages and sums between them too"
    ),
    "batch norm, scales and constants": "weights and biases of the layers around them",
    "batch norm or a constant before a padded convolution": (
        "a second convolution, of neurons that fire in every timestep, as a trace has one bias for each channel, and "
        "this one is less at the border; said"
    ),
    "adaptive averages of windows of different sizes": (
        "weights (a linear layer, up to 2**24), which are folded into a linear layer behind them"
    ),
    "delays of several timesteps": (
        "of NIR (Delay): operators that hold a tensor for one each, up to 256; every neuron has the same, as a trace "
        "delays tensors. A forward may hand on what was there a timestep before, and no earlier"
    ),
    "convolutions of some channels of a map, or of channels in another order": (
        "weights of 0 for channels that are not taken; groups that change places as a whole stay groups"
    ),
    "maps whose positions are moved (flip, roll, transpose, permute) before a linear layer": "the order of its weights",
    "inputs with channels last that are permuted before a convolution": (
        "inputs with channels first, as which samples are given; said"
    ),
    "einsum of what a layer gives and constants": "a linear layer, or one of kernel 1 at every position",
    "Scale, pooling, or the sum of several at an Output": "neurons that never fire, read by their potentials",
    "several Outputs, or several results of a forward": (
        "all recorded; the one called `output`, or the first that no other layer receives, answers, and is named"
    ),
    "neurons that lead to no output": "recorded, as they cost what neurons cost, and said",
    "weights that lead to no neurons and no output, modules that are never called": "left out, and said",
    "edges that stand twice": "one edge, as NIR has it, and said",
}
"""By construct, what it becomes."""
REFUSED = {
    "a padded convolution of currents": (
        "zeros around a map that is never there as spikes: no single layer of weights does the same at the border"
    ),
    "a negative scale behind the maximum of currents, or the maximum of negative values": (
        "a maximum of negated values is a minimum, which a trace has no operator for"
    ),
    "maps whose positions are moved (flip, roll, transpose, permute) before a convolution or pool": (
        "a trace's convolutions and pools take maps as their layer gives them, or their channels in another order"
    ),
    "sums and means over channels, or over some positions": (
        "a trace sums windows of each channel, and whole tensors; over all positions, and over timesteps, is followed"
    ),
    "adaptive maxima of windows of different sizes": "pools of a trace have windows of one size",
    "delays that differ between neurons": "a trace delays whole tensors",
    "layers behind neurons that never fire": "potentials are no spikes, and machines move spikes",
    "relu, layer norm, transposed convolutions and other functions between neurons": (
        "what is no sum of weights of spikes has no operator; named where they are"
    ),
    "products of spikes element by element (AND), and of what is not constant": (
        "no operator; attention products are of matrices"
    ),
    "thresholds that are not above the reset value (of 0 or less)": "a trace compares with thresholds of at least 1",
    "parameters of one axis where a map has as many columns as channels": "they may be either",
    "neurons that are called in two places of a timestep": "one population has one potential",
    "several Inputs that are read; inner graphs with several Inputs or Outputs": (
        "samples are of one input, and edges of NIR do not say which one they mean"
    ),
    "nodes that nothing reaches from the Input, edges into an Input or out of an Output": "a graph that is not meant",
}
"""By construct, why."""
