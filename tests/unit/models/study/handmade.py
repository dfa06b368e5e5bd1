"""Results tables written by hand: what a study would find, without the study."""

from __future__ import annotations

import polars as pl

from spikecycle.models.study.tables import LAYER_COLUMNS, RESULT_COLUMNS, schema

SAMPLES = 400
MARGIN = 0.03
ENERGY_UJ = {
    "rle": {2: 10.0, 8: 24.0, 0.5: 18.0, 0.8: 14.0, 0.95: 12.0},
    "plain": {2: 12.0, 8: 22.0, 0.5: 22.0, 0.8: 22.0, 0.95: 22.0},
}
"""Energy per inference on `chip`, by format and by bits, or by pruned share at 8 bits."""


def found(accuracy: float, samples: int = SAMPLES) -> str:
    """Which samples such a network finds: the first ones, so that of two networks one finds all that the other does."""
    right = round(accuracy * samples)
    return "1" * right + "0" * (samples - right)


def network(
    name: str, method: str, bits: int, pruned: float, accuracy: float, energies_uj: dict[str, float], **other: object
) -> list[dict[str, object]]:
    """The rows of one network on the machine `chip`, one per format."""
    defaults: dict[str, object] = {
        name: 0 if column.dtype in (pl.Int64, pl.Float64) else None for name, column in RESULT_COLUMNS.items()
    }
    return [
        {
            **defaults,
            "study": "handmade",
            "compression": name,
            "method": method,
            "weight_bits": bits,
            "quantizer": "learned_scale",
            "pruner": "global_magnitude" if pruned else "none",
            "accuracy_float": 0.99,
            "pruned_share": pruned,
            "weight_sparsity": pruned or 0.1,
            "machine": "chip",
            "weight_residency": "inference",
            "activation_residency": "dram",
            "format": weight_format,
            "accuracy_integer": accuracy,
            "test_samples": SAMPLES,
            "correct": found(accuracy),
            "margin": MARGIN,
            "bops_per_inference": 1e6 * bits * (1 - pruned),
            "energy_per_inference_pj": energy_uj * 1e6,
            "edp_per_inference_js": energy_uj * 1e-9,
            "too_slow": "",
            "energy_parts": [
                {"component": "dram", "operand": "weights", "energy_pj": 0.75e6 * energy_uj},
                {"component": "leakage", "operand": "all", "energy_pj": 0.25e6 * energy_uj},
            ],
            **other,
        }
        for weight_format, energy_uj in energies_uj.items()
    ]


def at(key: float) -> dict[str, float]:
    """Energies by format of one network of ENERGY_UJ."""
    return {weight_format: energies[key] for weight_format, energies in ENERGY_UJ.items()}


def table(rows: list[dict[str, object]]) -> pl.DataFrame:
    """The rows as a results table."""
    return pl.DataFrame({name: [row[name] for row in rows] for name in RESULT_COLUMNS}, schema=schema(RESULT_COLUMNS))


def layers(results: pl.DataFrame) -> pl.DataFrame:
    """A table of two layers for every row of `results`."""
    rows = [
        {name: row.get(name, 0) for name in LAYER_COLUMNS} | {"layer": layer, "operator": "linear"}
        for row in results.iter_rows(named=True)
        for layer in ("fc1", "fc2")
    ]
    return pl.DataFrame({name: [row[name] for row in rows] for name in LAYER_COLUMNS}, schema=schema(LAYER_COLUMNS))


def whole_study() -> pl.DataFrame:
    """Ternary and 8 bits, three pruned networks of which the last collapses, and both together."""
    return table(
        [
            *network("quantized-8", "quantization", 8, 0.0, 0.98, at(8)),
            *network("quantized-2", "quantization", 2, 0.0, 0.975, at(2)),
            *network("pruned-0.5", "pruning", 8, 0.5, 0.9825, at(0.5)),
            *network("pruned-0.8", "pruning", 8, 0.8, 0.97, at(0.8)),
            *network("pruned-0.95", "pruning", 8, 0.95, 0.82, at(0.95)),
            *network("joint-2-0.8", "joint", 2, 0.8, 0.965, {"rle": 6.0, "plain": 12.0}),
            *network("sequential-2-0.8", "sequential", 2, 0.8, 0.9, {"rle": 5.0, "plain": 12.0}),
        ]
    )
