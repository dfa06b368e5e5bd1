"""The network that hardware runs, in exact integer arithmetic: what the traces record.

    node       what every step of an integer network is
    layer      synapses and neurons
    pooling    the largest value of each window
    attention  spikes scaled by the sigmoid of two convolutions over their counts
    network    a chain of nodes: run it, record it

Nothing here knows how a network was trained.
"""

from spikecycle.models.integer.attention import IntegerAttention, IntegerMixing
from spikecycle.models.integer.layer import IntegerLayer
from spikecycle.models.integer.network import record_network, run_network
from spikecycle.models.integer.node import IntegerNode, Recording, Values
from spikecycle.models.integer.pooling import IntegerMaxPool

__all__ = [
    "IntegerAttention",
    "IntegerLayer",
    "IntegerMaxPool",
    "IntegerMixing",
    "IntegerNode",
    "Recording",
    "Values",
    "record_network",
    "run_network",
]
