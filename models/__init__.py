"""Networks, training, compression and export to layer traces (the only package that knows torch).

    data/         recordings of events, binned to frames
    networks/     spiking networks as chains of nodes: float for the first training, integer-valued when compressed
    compression/  quantizers and pruners, and the one description of what is done with them
    schedule      hyper-parameters of one training
    training      the loop, the same for both
    pipeline      the stations: train, compress, measure
    integer/      the exact integer network that hardware runs, and its recording as a trace
    progress      bars that show trainings
    recipes       every hyper-parameter of the shipped samples
    digits_sample one of them from start to trace
    samples       the command: python -m models.samples

Everything but `errors`, `extras`, `options`, `progress`, `samples`, `schedule` and what `compression.compression` reads
needs the extra `train`.
"""
