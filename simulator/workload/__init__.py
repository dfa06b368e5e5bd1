"""The workload of a synaptic operator: what follows from network and spikes alone, whatever machine computes it."""

from spikecycle.simulator.workload.axis import WindowAxis, Windows, input_range, outputs_of_tap
from spikecycle.simulator.workload.fibers import FIBER_AXES, WeightFibers
from spikecycle.simulator.workload.leak import current_leak_action, current_leaks, leak_action, leaks
from spikecycle.simulator.workload.sums import largest_sum, signed_bits
from spikecycle.simulator.workload.synapse import SynapseWorkload

__all__ = [
    "FIBER_AXES",
    "SynapseWorkload",
    "WeightFibers",
    "WindowAxis",
    "Windows",
    "current_leak_action",
    "current_leaks",
    "input_range",
    "largest_sum",
    "leak_action",
    "leaks",
    "outputs_of_tap",
    "signed_bits",
]
