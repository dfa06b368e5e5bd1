"""Quantization and pruning of weights, during training."""
