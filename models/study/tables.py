"""The results of a study as two tables, and their columns: one row per network, machine and format; one per layer.

TABLES.md is made of the columns' descriptions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from spikecycle.models.errors import ModelsError
from spikecycle.models.study.compression_entries import CompressionEntry, method_of
from spikecycle.models.study.sealed_parquet import read_sealed, sealed
from spikecycle.models.study.store import NetworkRecord
from spikecycle.simulator import LayerResult, RunResult, write_file

UNPRUNED = "none"
"""The pruner of a network that is not pruned."""
BY_LAYER = "by_layer"
"""That of one whose layers have pruners of their own."""
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
    "width": TableColumn(pl.Float64, "width asked for of the network, 0 where it is the study's own"),
    "weight_bits": TableColumn(pl.Int64, "bits of a weight, 2 for ternary; the widest, where they differ by layer"),
    "quantizer": TableColumn(pl.String, "kind of the quantizer"),
    "pruner": TableColumn(pl.String, "kind of the pruner, or none"),
    "potential_bits": TableColumn(pl.Int64, "bits of a potential as asked for, 0 where the network's own were kept"),
    "accuracy_float": TableColumn(pl.Float64, "share of the test samples whose class the float network found"),
    "accuracy_fake_quantized": TableColumn(pl.Float64, "the same of the compressed network in training"),
    "accuracy_integer": TableColumn(pl.Float64, "the same of the integer network that hardware runs"),
    "test_samples": TableColumn(pl.Int64, "samples of the test set"),
    "correct": TableColumn(pl.String, "1 for each test sample whose class the integer network found, 0 for each other"),
    "margin": TableColumn(pl.Float64, "loss of accuracy below which a compression is free, as the study has it"),
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
    "bops_per_inference": TableColumn(
        pl.Float64, "bit operations: each of them times the bits of its weight and of its input (arXiv 2005.07093)"
    ),
    "dense_bops_per_inference": TableColumn(
        pl.Float64, "the same of every weight at every timestep, whether it is zero and a spike comes or not"
    ),
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
    "pruner": TableColumn(pl.String, "kind of the pruner of this layer, or none"),
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


RESULTS, LAYERS = "results.parquet", "layers.parquet"

_MUST_HOLD = {
    "a value is missing": pl.all_horizontal(pl.all().is_not_null()),
    "a number is not finite": pl.all_horizontal(pl.col(pl.Float64).is_finite()),
    "an accuracy or a share is not from 0 to 1": pl.all_horizontal(
        pl.col("^(accuracy_.*|pruned_share|weight_sparsity|margin)$").is_between(0, 1)
    ),
    "a residency is none that a machine can have": pl.all_horizontal(
        pl.col("^weight_residency$").str.contains(r"^(inference|batch:\d+|resident)$"),
        pl.col("^activation_residency$").is_in(["dram", "chip"]),
    ),
    "an energy, a delay or a number of samples is not above 0": pl.all_horizontal(
        pl.col("^(.*_per_inference_pj|edp_per_inference_js|cycles_per_inference|test_samples|weights)$") > 0
    ),
    "bit operations or a width are below 0": pl.all_horizontal(pl.col("^(.*bops_per_inference|width)$") >= 0),
}
"""Of every row of either table, on which claims and pictures rely."""

_RESULTS_MUST_HOLD = {
    "what was found is not told of each test sample, or is not the accuracy": pl.all_horizontal(
        pl.col("correct").str.contains("^[01]+$"),
        pl.col("correct").str.len_bytes() == pl.col("test_samples"),
        (pl.col("correct").str.count_matches("1") / pl.col("test_samples") - pl.col("accuracy_integer")).abs() < 1e-9,
    ),
    "test samples or the margin are not those of all rows": pl.all_horizontal(
        (pl.col("test_samples") == pl.col("test_samples").first()), (pl.col("margin") == pl.col("margin").first())
    ),
}
"""Of the results besides: networks are compared sample by sample."""


@dataclass(frozen=True)
class Finished:
    """One simulation that is done, with all that led to it. margin: of the study; trace: path in its folder."""

    study: str
    margin: float
    compression: CompressionEntry
    seed: int
    machine: str
    weight_format: str
    network: NetworkRecord
    result: RunResult
    trace: str


def results_table(finished: Iterable[Finished]) -> pl.DataFrame:
    """One row per network, machine and format, with the columns of RESULT_COLUMNS."""
    return _table([_result_row(one) for one in finished], RESULT_COLUMNS)


def layers_table(finished: Iterable[Finished]) -> pl.DataFrame:
    """One row per network, machine, format and layer, with the columns of LAYER_COLUMNS."""
    return _table([_layer_row(one, layer) for one in finished for layer in one.result.layers], LAYER_COLUMNS)


def write_tables(folder: Path, finished: Sequence[Finished]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Write both tables, each complete or not at all, and return them: results, layers."""
    results, layers = results_table(finished), layers_table(finished)
    for name, table in ((RESULTS, results), (LAYERS, layers)):
        write_file(folder / name, sealed(table))
    return results, layers


def read_table(path: Path, columns: Mapping[str, TableColumn]) -> pl.DataFrame:
    """A table that a study wrote; ModelsError where it is absent, damaged or of another version."""
    if not path.is_file():
        raise ModelsError(f"{path}: is not there; run the study first, or name its folder with --out")
    table = read_sealed(path)
    if dict(table.schema) != dict(pl.Schema(schema(columns))):
        raise ModelsError(f"{path}: has other columns than the table of a study; run the study again")
    for what, holds in {**_MUST_HOLD, **(_RESULTS_MUST_HOLD if "correct" in columns else {})}.items():
        if not (table.height and table.select(holds).to_series().all(ignore_nulls=False)):
            raise ModelsError(f"{path}: {what}: not what a study writes; run the study again")
    return table


def _table(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, TableColumn]) -> pl.DataFrame:
    return pl.DataFrame({name: [row[name] for row in rows] for name in columns}, schema=schema(columns))


def _which(one: Finished) -> dict[str, Any]:
    return {
        "study": one.study,
        "compression": one.compression.name,
        "method": method_of(one.compression),
        "pruned_share": one.network.pruned_share,
        "seed": one.seed,
        "machine": one.machine,
        "format": one.weight_format,
    }


def _result_row(one: Finished) -> dict[str, Any]:
    result, network = one.result, one.network
    samples = len(result.samples)
    applied = [layer.sum_synaptic_operations for layer in result.layers]
    dense = [layer.sum_dense_synaptic_operations for layer in result.layers]
    weights = sum(layer.storage.weights for layer in result.layers)
    return {
        **_which(one),
        "width": one.compression.width or 0.0,
        "weight_bits": max(_bits(one, layer.name) for layer in result.layers),
        "quantizer": one.compression.quantizer.kind,
        "pruner": _pruner(one),
        "potential_bits": one.compression.potential_bits or 0,
        "accuracy_float": network.accuracy_float,
        "accuracy_fake_quantized": network.accuracy_fake_quantized,
        "accuracy_integer": network.accuracy_integer,
        "test_samples": network.test_samples,
        "correct": network.correct,
        "margin": one.margin,
        "weights": weights,
        "weight_sparsity": sum(layer.storage.zero_weights for layer in result.layers) / weights,
        "stored_bits": sum(layer.storage.stored_bits for layer in result.layers),
        "recorded_samples": samples,
        "weight_residency": _weight_residency(result),
        "activation_residency": str(result.assumptions.residency["activations"]),
        "cycles_per_inference": result.cycles_per_inference,
        "energy_per_inference_pj": result.energy_per_inference_pj,
        "energy_parts": _energy_parts(result.layers, samples),
        "seconds_per_inference": result.seconds_per_inference,
        "edp_per_inference_js": result.edp_per_inference_js,
        "synaptic_operations_per_inference": result.synaptic_operations_per_inference,
        "bops_per_inference": bit_operations(one, applied),
        "dense_bops_per_inference": bit_operations(one, dense),
        "utilization": result.utilization,
        "area_mm2": result.area_mm2,
        "too_slow": ", ".join(slow.buffer for slow in result.too_slow),
        "trace": one.trace,
    }


def _weight_residency(result: RunResult) -> str:
    residency = result.assumptions.residency
    return f"batch:{residency['batch']}" if residency["weights"] == "batch" else str(residency["weights"])


def _layer_row(one: Finished, layer: LayerResult) -> dict[str, Any]:
    samples, storage = len(one.result.samples), layer.storage
    return {
        **_which(one),
        "layer": layer.name,
        "operator": layer.operator,
        "weight_bits": _bits(one, layer.name),
        "pruner": one.network.layer_pruners.get(layer.name, UNPRUNED),
        "weights": storage.weights,
        "weight_sparsity": storage.zero_weights / storage.weights,
        "payload_bits": storage.payload_bits,
        "metadata_bits": storage.metadata_bits,
        "stored_bits": storage.stored_bits,
        "input_density": layer.input_density,
        "cycles_per_inference": layer.cycles_per_inference,
        "energy_per_inference_pj": layer.energy_per_inference_pj,
        "energy_parts": _energy_parts([layer], samples),
        "utilization": layer.utilization,
    }


def _pruner(one: Finished) -> str:
    """Kind of the pruner, which `mixed` may have chosen by layer."""
    if one.compression.pruner is not None:
        return one.compression.pruner.kind
    return BY_LAYER if one.network.layer_pruners else UNPRUNED


def _bits(one: Finished, layer: str) -> int:
    return one.network.layer_weight_bits.get(layer, one.compression.bits_of(layer))


def bit_operations(one: Finished, sum_operations: Sequence[int]) -> float:
    """Bit operations per inference, from the synaptic operations of each layer, all samples.

    Counted as in van Baalen, Louizos, Nagel, Amjad, Wang, Blankevoort, Welling, "Bayesian Bits: Unifying Quantization
    and Pruning", NeurIPS 2020 (arXiv 2005.07093), section 4: operations times bits of both operands.
    """
    counted = zip(one.result.layers, sum_operations, strict=True)
    bops = sum(
        count * _bits(one, layer.name) * one.network.layer_input_bits.get(layer.name, 1) for layer, count in counted
    )
    return bops / len(one.result.samples)


def _energy_parts(layers: Sequence[LayerResult], samples: int) -> list[dict[str, Any]]:
    """Energy per inference by component and operand, in the order in which the machine counts; leakage last."""
    sums: dict[tuple[str, str], float] = {}
    for layer in layers:
        for counter in layer.counters:
            place = counter.component, counter.operand
            sums[place] = sums.get(place, 0.0) + counter.sum_energy_pj
    sums["leakage", "all"] = sum(layer.sum_leakage_pj for layer in layers)
    return [
        {"component": component, "operand": operand, "energy_pj": energy_pj / samples}
        for (component, operand), energy_pj in sums.items()
    ]
