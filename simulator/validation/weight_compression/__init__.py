"""The study of arXiv 2302.04174, weights quantized and pruned, as a workload: shapes, zeros, energies by format."""
