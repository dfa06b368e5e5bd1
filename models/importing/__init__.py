"""Networks that were made elsewhere: read, put on samples, quantized after training, and recorded as a trace.

    importers        which importer reads what
    nir_file, nir_graph, nir_nodes, nir_source    NIR: a file's content, its nodes and edges, what each is, the network
    torch_module     a torch module, of whatever framework
      recorder         what its forward computes, followed element by element
      structure, functions, pooling, placed_kernel, views   the network in that; what each function of torch is in it
      running, probe   running it on samples; whether the network does what the module does
      answer           how the module makes a class of what its last neurons give
      returned         which of its parts the module returns, and which reach no answer
      spiking          what a framework says of its neurons
      snntorch_neurons, spikingjelly_neurons, norse_neurons, sinabs_neurons   one file for each framework
    maker, graph, neuron   a network in real numbers, as its framework computes it
    lower, whole, currents, current_sums    the same with gains, shifts and batch norms in the weights
    folded, changes  layers without neurons between them as one, and what is told of that
    inputs           real inputs as unsigned integers
    leak, weights, units, to_integers   numbers as integers, and the operators of a trace
    integer_run, chain     running these on many samples
    fit              whether potentials fit the words of machines
    source           a network as it was read, and how to run it as it was
    measure          what is left of the network, and what looks wrong
    network          all of it in four calls, `spikecycle.models.import_network`
    evaluation, evaluate_command   a network on a folder of labelled recordings, `spikecycle evaluate`
    trace_network, joined    the network of a trace, run on other samples
    command          the same as `spikecycle import`; samples_file reads its samples
    arrays, refusal  parameters in the shapes that operators have; what cannot be imported

Only the nir_ modules know NIR, and each framework is known to its one file. SUPPORTED.md says what each supports;
`support_table` writes it, with `forms`: what becomes of constructs that a trace has no operator for.
"""
