"""Networks, training, compression and export to layer traces (the only package that knows torch).

    data/         recordings of events, binned to frames
    networks/     spiking networks: float for the first training, integer-valued for the compressed one
    compression/  quantizers and pruning
    training      the loop, the same for both
    integer       the exact integer network that hardware runs
    export        from the quantized network to the integer one, and to a trace
    recipes       every hyper-parameter of the shipped samples
    pipeline      one sample from start to trace
    samples       the command: python -m models.samples

Everything but `errors`, `extras`, `integer` and `samples` needs the extra `train`.
"""
