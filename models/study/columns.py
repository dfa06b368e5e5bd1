"""The columns of a study's tables: name, type, unit and meaning. TABLES.md is made of this."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import polars as pl

UNPRUNED = "none"
"""The pruner of a network that is not pruned."""
ENERGY_PARTS = pl.List(pl.Struct({"component": pl.String, "operand": pl.String, "energy_pj": pl.Float64}))


class TableColumn(NamedTuple):
    """One column. meaning: a sentence without its full stop."""

    dtype: pl.DataType | type[pl.DataType]
    meaning: str


_WHICH: Mapping[str, TableColumn] = {
    "study": TableColumn(pl.String, "name of the study"),
    "compression": TableColumn(pl.String, "name of the compression"),
    "method": TableColumn(pl.String, "quantization, pruning (at 8 bits), joint, sequential, or mixed (bits by layer)"),
    "pruned_share": TableColumn(pl.Float64, "share of all weights that pruning holds at zero, 0 without pruning"),
    "seed": TableColumn(pl.Int64, "seed of the training"),
    "machine": TableColumn(pl.String, "machine, as the study names it"),
    "format": TableColumn(pl.String, "format of the weights"),
}  # fmt: skip

_COST: Mapping[str, TableColumn] = {
    "cycles_per_inference": TableColumn(pl.Float64, "mean cycles of a recorded sample"),
    "energy_per_inference_pj": TableColumn(pl.Float64, "mean energy of a recorded sample, pJ"),
    "energy_parts": TableColumn(
        ENERGY_PARTS, "the same by component and operand; leakage is a component of all operands"
    ),
}

RESULT_COLUMNS: Mapping[str, TableColumn] = {
    **_WHICH,
    "weight_bits": TableColumn(pl.Int64, "bits of a weight, 2 for ternary; the widest, where they differ by layer"),
    "quantizer": TableColumn(pl.String, "kind of the quantizer"),
    "pruner": TableColumn(pl.String, "kind of the pruner, or none"),
    "potential_bits": TableColumn(pl.Int64, "bits of a potential as asked for, 0 where the network's own were kept"),
    "accuracy_float": TableColumn(pl.Float64, "share of the test samples whose class the float network found"),
    "accuracy_fake_quantized": TableColumn(pl.Float64, "the same of the compressed network in training"),
    "accuracy_integer": TableColumn(pl.Float64, "the same of the integer network that hardware runs"),
    "test_samples": TableColumn(pl.Int64, "samples of the test set"),
    "weights": TableColumn(pl.Int64, "weights of the network"),
    "weight_sparsity": TableColumn(pl.Float64, "share of them that are zero"),
    "stored_bits": TableColumn(pl.Int64, "bits of all weights in memory, metadata and padding included"),
    "recorded_samples": TableColumn(pl.Int64, "samples that were simulated"),
    "weight_residency": TableColumn(pl.String, "how weights get there: inference (loaded in each), batch:N, resident"),
    "activation_residency": TableColumn(pl.String, "where activations wait between layers: dram, or chip if they fit"),
    **_COST,
    "seconds_per_inference": TableColumn(pl.Float64, "mean time of a recorded sample, s"),
    "edp_per_inference_js": TableColumn(pl.Float64, "mean energy x mean time of a recorded sample, J s"),
    "synaptic_operations_per_inference": TableColumn(pl.Float64, "mean number of non-zero weights that spikes apply"),
    "utilization": TableColumn(pl.Float64, "PE-cycles with useful work / (PEs x cycles)"),
    "area_mm2": TableColumn(pl.Float64, "area of the machine's memories and logic, mm2"),
    "too_slow": TableColumn(pl.String, "buffers slower than the clock, with which the machine cannot run; or empty"),
    "trace": TableColumn(pl.String, "the trace, in the study's folder"),
}  # fmt: skip

LAYER_COLUMNS: Mapping[str, TableColumn] = {
    **_WHICH,
    "layer": TableColumn(pl.String, "name of the layer"),
    "operator": TableColumn(pl.String, "conv2d, linear, ..."),
    "weight_bits": TableColumn(pl.Int64, "bits of a weight of this layer"),
    "weights": TableColumn(pl.Int64, "weights of this layer"),
    "weight_sparsity": TableColumn(pl.Float64, "share of them that are zero"),
    "payload_bits": TableColumn(pl.Int64, "bits of the values that the format stores"),
    "metadata_bits": TableColumn(pl.Int64, "bits of the format's masks, coordinates, runs or offsets"),
    "stored_bits": TableColumn(pl.Int64, "bits in memory: payload, metadata, directory and the padding of words"),
    "input_density": TableColumn(pl.Float64, "share of the layer's inputs that are non-zero"),
    **_COST,
    "utilization": TableColumn(pl.Float64, "PE-cycles with useful work / (PEs x cycles)"),
}


def schema(columns: Mapping[str, TableColumn]) -> dict[str, pl.DataType | type[pl.DataType]]:
    """Types by name, as polars wants them."""
    return {name: column.dtype for name, column in columns.items()}
