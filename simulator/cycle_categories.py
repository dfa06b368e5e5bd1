"""What cycles are spent on: every category that a dataflow or overlap policy of ours charges cycles to, in words."""

from __future__ import annotations

CATEGORIES = {
    "compute": "useful work: spikes are broadcast, weights are added, or an array is in its steady state",
    # the spike array
    "scan": "the dispatcher reads words of encoded spikes that hold no spike",
    "weight_fetch": "a PE waits for words of its weight memory, and the others wait for that PE",
    "decode": "a PE's decoder finds no weight to add in what it looks at, and the others wait for that PE",
    "bank_conflict": "several additions need the same bank of potentials, one after the other",
    "fifo": "the FIFO ahead of a PE is full, and takes a cycle to pass its only entry on",
    "barrier": "everything has been sent; the slowest PE has yet to finish",
    "update": "at the end of a timestep, neurons leak, are compared with their threshold, and fire",
    "encode": "output spikes are written in the machine's format",
    # row stationary
    "reduction": "partial sums of the PEs of a column are added, PE by PE",
    "weight_fill": "weights are filled into the pads of the PEs, before they can work",
    "global_buffer": "the global buffer's ports are the bottleneck: PEs wait for inputs, or for partial sums",
    # cores and broadcast
    "spikes": "a core takes each spike that reaches it, besides walking through its synapses",
    "step": "what every timestep takes, whatever happens in it",
    "time_reference": "all neurons of a core leak at the end of a timestep",
    "control": "requests and waits around the events of a core",
    "output": "a core that sends a spike waits for the handshake",
    "mesh": "spikes are on their way through the network between cores",
    "tick": "cores are done, and wait for the tick that begins the next timestep",
    "load": "weights and spikes are loaded, and nothing else can be done",
    "store": "output spikes are stored, and nothing else is done",
    # overlap of work and memory traffic
    "dram_fill": "the first data of an operator comes from DRAM; nothing can be done yet",
    "dram_load": "the DRAM channel is still carrying what is needed next",
    "dram_latency": "what was asked of DRAM is on its way, and nothing else is left to do",
    "dram_store": "results of an earlier pass still wait to leave, and their buffer is needed",
    "dram_drain": "work is done; the last results are on their way to DRAM",
    "dram_traffic": "traffic with DRAM takes longer than the work that it overlaps",
    "step_barrier": "all cores meet at the end of a timestep",
    "delivery": "spikes are on their way from one stage to the next",
    "pipeline_wait": "a stage waits for the one before it, or for room in the one behind it",
}
"""By category; categories of plugins may not be here."""
