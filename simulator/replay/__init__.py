"""Recomputing what a trace records, in its integer arithmetic: a layer, or any operator of a network.

kernels     events onto sums, sums into potentials
steps       the kernels as operators, timestep by timestep
layer       one layer of a sample: output spikes, active neurons, comparison with the recording
evaluation  an operator and those that it needs
sample      any tensor of one sample, from what was recorded; comparison of any operator
"""

from spikecycle.simulator.replay.layer import Comparison, LayerReplay, ReplayedLayer, replay_layer, verify_layer
from spikecycle.simulator.replay.sample import SampleTensors, verify_operator

__all__ = [
    "Comparison",
    "LayerReplay",
    "ReplayedLayer",
    "SampleTensors",
    "replay_layer",
    "verify_layer",
    "verify_operator",
]
