"""Quantization and pruning of weights, during training.

    compression      everything there is to say of one network's compression
    kinds            how quantizers and pruners are found and named
    quantizers/      the rules that turn weights into codes, one file each
    pruners/         the rules that say which weights are kept, one file each
    quantize, prune  the modules that apply a rule to a weight while it trains
    entropy          a penalty on codes and spikes that say little
    scheme           which weight gets which quantizer
    layer_choices    what bits and pruner a layer may have
    layer_costs      loss and energy of each of them
    mixed_precision  the choices of all layers that fit a budget

Why not a library: what a network is trained with has to be, to the bit, the integers that hardware adds, with the
neuron's threshold counted in the same codes. Brevitas (0.13.4) gives such codes, but has none of EWGS, sigmoid sums and
powers of two (its powers of two are scales), takes 2.5 s to import and about twice as long per step as the learned
scale here, and wants three more packages, one of them an outdated setuptools. torch.ao learns no scale outside of
private modules. A quantizer here is a file of 40 lines on top of torch's own modules and parametrizations.
"""
