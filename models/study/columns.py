"""The columns of a study's tables: name, type, unit and meaning. TABLES.md is made of this."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import polars as pl

UNPRUNED = "none"
"""The pruner of a network that is not pruned."""
ENERGY_PARTS = pl.List(pl.Struct({"component": pl.String, "operand": pl.String, "energy_pj": pl.Float64}))


class Column(NamedTuple):
    """One column. meaning: a sentence without its full stop."""

    dtype: pl.DataType | type[pl.DataType]
    meaning: str


_WHICH: Mapping[str, Column] = {
    "study": Column(pl.String, "name of the study"),
    "compression": Column(pl.String, "name of the compression"),
    "method": Column(pl.String, "quantization, pruning (at 8 bits), joint, sequential, or mixed (bits by layer)"),
    "pruned_share": Column(pl.Float64, "share of all weights that pruning holds at zero, 0 without pruning"),
    "seed": Column(pl.Int64, "seed of the training"),
    "machine": Column(pl.String, "machine, as the study names it"),
    "format": Column(pl.String, "format of the weights"),
}  # fmt: skip

_COST: Mapping[str, Column] = {
    "cycles_per_inference": Column(pl.Float64, "mean cycles of a recorded sample"),
    "energy_per_inference_pj": Column(pl.Float64, "mean energy of a recorded sample, pJ"),
    "energy_parts": Column(ENERGY_PARTS, "the same by component and operand; leakage is a component of all operands"),
}

RESULT_COLUMNS: Mapping[str, Column] = {
    **_WHICH,
    "weight_bits": Column(pl.Int64, "bits of a weight, 2 for ternary; the widest, where they differ by layer"),
    "quantizer": Column(pl.String, "kind of the quantizer"),
    "pruner": Column(pl.String, "kind of the pruner, or none"),
    "potential_bits": Column(pl.Int64, "bits of a potential that were asked for, 0 where the network's own were kept"),
    "accuracy_float": Column(pl.Float64, "share of the test samples whose class the float network found"),
    "accuracy_fake_quantized": Column(pl.Float64, "the same of the compressed network in training"),
    "accuracy_integer": Column(pl.Float64, "the same of the integer network that hardware runs"),
    "test_samples": Column(pl.Int64, "samples of the test set"),
    "weights": Column(pl.Int64, "weights of the network"),
    "weight_sparsity": Column(pl.Float64, "share of them that are zero"),
    "stored_bits": Column(pl.Int64, "bits of all weights in memory, metadata and padding included"),
    "recorded_samples": Column(pl.Int64, "samples that were simulated"),
    "weight_residency": Column(pl.String, "how weights are there: inference (loaded in each), batch:N, or resident"),
    "activation_residency": Column(pl.String, "where activations wait between layers: dram, or chip where they fit"),
    **_COST,
    "seconds_per_inference": Column(pl.Float64, "mean time of a recorded sample, s"),
    "edp_per_inference_js": Column(pl.Float64, "mean energy x mean time of a recorded sample, J s"),
    "synaptic_operations_per_inference": Column(pl.Float64, "mean number of weights, not zero, that a spike applies"),
    "utilization": Column(pl.Float64, "PE-cycles with useful work / (PEs x cycles)"),
    "area_mm2": Column(pl.Float64, "area of the machine's memories and logic, mm2"),
    "too_slow": Column(pl.String, "buffers slower than the clock, with which the machine cannot run; or empty"),
    "trace": Column(pl.String, "the trace, in the study's folder"),
}  # fmt: skip

LAYER_COLUMNS: Mapping[str, Column] = {
    **_WHICH,
    "layer": Column(pl.String, "name of the layer"),
    "operator": Column(pl.String, "conv2d, linear, ..."),
    "weight_bits": Column(pl.Int64, "bits of a weight of this layer"),
    "weights": Column(pl.Int64, "weights of this layer"),
    "weight_sparsity": Column(pl.Float64, "share of them that are zero"),
    "payload_bits": Column(pl.Int64, "bits of the values that the format stores"),
    "metadata_bits": Column(pl.Int64, "bits of the format's masks, coordinates, runs or offsets"),
    "stored_bits": Column(pl.Int64, "bits in memory: payload, metadata, directory and the padding of words"),
    "input_density": Column(pl.Float64, "share of the layer's inputs that are non-zero"),
    **_COST,
    "utilization": Column(pl.Float64, "PE-cycles with useful work / (PEs x cycles)"),
}


def schema(columns: Mapping[str, Column]) -> dict[str, pl.DataType | type[pl.DataType]]:
    """Types by name, as polars wants them."""
    return {name: column.dtype for name, column in columns.items()}
