"""What an operator may have beyond weights and one state for each neuron, in words for what a machine leaves out.

Machines differ in whether they charge for it: those that do declare it (`spikecycle.simulator.dataflows.support`).
"""

from __future__ import annotations

SYNAPTIC_CURRENTS = "synaptic currents (neurons of two states are charged as those of one)"
CHANNEL_BIASES = "loading of biases per channel"
CHANNEL_THRESHOLDS = "loading of thresholds per channel"
CHANNEL_LEAKS = "loading of leaks per channel"
NEURON_THRESHOLDS = "loading of thresholds per neuron"
NEURON_LEAKS = "loading of leaks per neuron"

NEURON_PARAMETERS = frozenset({NEURON_THRESHOLDS, NEURON_LEAKS})
"""Parameters that are too many for registers: those that differ within a channel."""
PARAMETERS = NEURON_PARAMETERS | {CHANNEL_BIASES, CHANNEL_THRESHOLDS, CHANNEL_LEAKS}
"""What has to be loaded with the weights, unless it is on chip for good."""
EXTRAS = PARAMETERS | {SYNAPTIC_CURRENTS}
"""All of it."""
