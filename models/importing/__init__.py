"""Networks that were made elsewhere: read, put on samples, quantized after training, and recorded as a trace.

    nir_graph        the chain of nodes in a NIR file
    nir_nodes        what each NIR node is to the builder
    live_module      the chain of layers that a torch module runs
    snntorch_layers  what each of those layers is to the builder
    builder          makes stages of a chain: weights with neurons behind them, and pooling before them
    folding          a chain through the builder, or every reason why it does not fit
    arrays, refusal  parameters in the shapes that layers have; what cannot be imported
    neuron, nodes    neurons, layers and pooling in floats, as their framework computes them
    source           a network as it was read, and how to run it as it was
    inputs           real inputs as unsigned integers
    leak, weights    numbers as integers
    to_integers      a layer as the machine holds it
    readout          which class an output names
    measure          what is left of the network
    network          all of it in four calls, `spikecycle.models.import_network`
    command          the same as `spikecycle import`; samples_file reads its samples

Only nir_graph and nir_nodes know NIR, only live_module and snntorch_layers know snntorch.
"""
