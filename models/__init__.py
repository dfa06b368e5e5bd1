"""Networks, training, compression and export to layer traces (the only package that knows torch).

    data/         recordings of events, binned to frames
    networks/     spiking networks as chains of nodes: float for the first training, integer-valued when compressed
    compression/  quantizers and pruning
    training      the loop, the same for both
    integer/      the exact integer network that hardware runs, and its recording as a trace
    recipes       every hyper-parameter of the shipped samples
    pipeline      one sample from start to trace
    samples       the command: python -m models.samples

Everything but `errors`, `extras` and `samples` needs the extra `train`.
"""
