"""Networks that were made elsewhere: read, put on samples, quantized after training, and recorded as a trace.

nir_graph    the chain of nodes in a NIR file       nir_nodes        what each NIR node is, in the builder's words
live_module  the chain of layers that a module runs  snntorch_layers  what each of those layers is
builder      folds such a chain into layers of weights and neurons, and pooling between them
neuron       the neurons as their framework computes them, in floats
nodes        layers and pooling in floats, and their integer twins
leak         a leak as a fraction
weights      weights, bias and threshold as integers
inputs       real inputs as unsigned integers
readout      outputs that do not fire
network      all of it in four calls: `models.import_network`
command      the same as `spikecycle import`
"""
