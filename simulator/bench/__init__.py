"""How fast the simulator is on this computer: networks, densities, machines, threads, and peers in the same run.

networks    the networks that are simulated, drawn from a seed
worker      one simulation again and again, in a process of its own
process     such a process, asked for one run at a time, so that runs of several can take turns
measure     cases, medians of paired runs, growth with size
growth      the power of a size that a time grows with
spread      how far runs lie apart, and what is left of a comparison
result      what was measured, as one document
"""
