"""Generated cases for the row-stationary array: small layers, odd arrays, mappings that no rule would choose."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from spikecycle.simulator.dataflows.layer import LayerTask
from spikecycle.simulator.dataflows.row_stationary import RowStationaryMachine
from spikecycle.simulator.dataflows.row_stationary.kernel_types import ArrayMapping
from spikecycle.simulator.dataflows.row_stationary.machine import lower_array, lower_format, lower_layer
from spikecycle.simulator.dataflows.row_stationary.mapping import most_filters
from spikecycle.simulator.formats import WeightFormat, weight_format
from tests.reference.formats import groups
from tests.unit.spike_array.cases import DECODED_FORMATS, NEURON_UNIT, WEIGHT_FORMATS, buffer, layers, with_a_pool

ZEROS = ("none", "gate", "skip")


@dataclass(frozen=True)
class Case:
    """A layer, one sample's inputs (T, C, H, W) and output spikes (T, M, P, Q), a machine, and a mapping.

    on_chip: whether weights, inputs and outputs are there already.
    """

    machine: RowStationaryMachine
    task: LayerTask
    mapping: ArrayMapping
    inputs: np.ndarray
    outputs: np.ndarray
    on_chip: tuple[bool, bool, bool] = (False, False, False)


def machine(**changes: Any) -> RowStationaryMachine:
    """A machine of 3 x 2 PEs with room for everything; `changes` replace keys, "buffers__psum_pad" being
    buffers.psum_pad."""
    data: dict[str, Any] = {
        "name": "generated",
        "describes": "a test",
        "sources": {},
        "technology": {"node_nm": 45.0, "clock_mhz": 200},
        "dataflow": {
            "kind": "row_stationary",
            "rows": 3,
            "columns": 2,
            "weights_bypass_global_buffer": True,
            "psums_wait_in": "global_buffer",
            "potentials_wait_in": "global_buffer",
            "time_batching": True,
            "activation_bits": 1,
            "weight_bus_bits": 8,
            "accumulator_bits": 24,
            "multiplier_bits": 8,
            "update_lanes": 2,
            "neuron_unit": NEURON_UNIT,
            "objective": "edp",
            "zeros": {
                "inputs_at_input_pad": "skip",
                "weights_at_weight_pad": "skip",
                "inputs_at_global_buffer": "none",
                "weights_at_dram": "none",
            },
            "wires": {"dram_um": 1000, "pe_pitch_um": 100, "in_pe_um": 50},
        },
        "buffers": {
            "global_buffer": buffer(4096, 32, banks=2),
            "input_pad": buffer(12, 8),
            "weight_pad": buffer(64, 16),
            "psum_pad": buffer(8, 16),
        },
        "dram": {"bandwidth_gbit_per_s": 64, "burst_bits": 64, "latency_ns": 50.0, "energy_pj_per_bit": 8.0},
        "formats": {"weights": {"format": "uncompressed", "run_bits": 2}, "spikes": {"format": "bitmap"}},
        "energy": {"table": "45nm"},
        "residency": {},
    }
    for key, value in changes.items():
        *sections, last = key.split("__")
        place = data
        for section in sections:
            place = place[section]
        place[last] = value
    return RowStationaryMachine.model_validate(data)


@st.composite
def machines(
    draw: st.DrawFn, buffer_words: int = 4096, weight_formats: tuple[str, ...] = WEIGHT_FORMATS
) -> RowStationaryMachine:
    """Arrays of 3 to 7 rows and 1 to 4 columns, all formats and ways with zeros, pads of a few entries."""
    return machine(
        dataflow__rows=draw(st.integers(3, 7)),
        dataflow__columns=draw(st.integers(1, 4)),
        dataflow__weights_bypass_global_buffer=draw(st.booleans()),
        dataflow__psums_wait_in=draw(st.sampled_from(("global_buffer", "psum_pad"))),
        dataflow__potentials_wait_in=draw(st.sampled_from(("global_buffer", "dram"))),
        dataflow__potentials_read_back=draw(st.sampled_from((True, True, False))),
        dataflow__inputs_stored=draw(st.sampled_from(("spike_format", "spike_format", "as_weights"))),
        dataflow__weight_word_bits=draw(st.sampled_from((1, 1, 9))),
        dataflow__mask_bits=draw(st.sampled_from((1, 1, 4))),
        dataflow__coordinate_bits=draw(st.sampled_from((1, 1, 5))),
        dataflow__metadata_entries=draw(st.sampled_from(("stored", "stored", "expected"))),
        dataflow__tile_factors=draw(st.sampled_from(("any", "any", "perfect"))),
        dataflow__time_batching=draw(st.booleans()),
        dataflow__activation_bits=draw(st.sampled_from((1, "as_weights", 5))),
        dataflow__weight_bus_bits=draw(st.sampled_from((8, 1, 64))),
        dataflow__update_lanes=draw(st.integers(1, 5)),
        dataflow__objective=draw(st.sampled_from(("edp", "energy", "cycles"))),
        dataflow__zeros__inputs_at_input_pad=draw(st.sampled_from(ZEROS)),
        dataflow__zeros__weights_at_weight_pad=draw(st.sampled_from(ZEROS)),
        dataflow__zeros__inputs_at_global_buffer=draw(st.sampled_from(ZEROS)),
        dataflow__zeros__weights_at_dram=draw(st.sampled_from(("none", "skip"))),
        buffers__global_buffer=buffer(
            buffer_words,
            draw(st.sampled_from((32, 24, 64))),
            banks=draw(st.integers(1, 4)),
            ports=draw(st.integers(1, 2)),
        ),
        buffers__input_pad=buffer(draw(st.integers(9, 14)), draw(st.sampled_from((4, 2, 1)))),
        buffers__weight_pad=buffer(draw(st.sampled_from((24, 60, 120))), draw(st.sampled_from((8, 4, 3)))),
        buffers__psum_pad=buffer(draw(st.sampled_from((6, 12, 24))), draw(st.sampled_from((8, 5, 16)))),
        dataflow__weight_decoders=["mask", "coordinate", "run", "group_index", "code_words", "trits"],
        formats__weights__format=draw(st.sampled_from(weight_formats)),
        formats__weights__run_bits=draw(st.integers(1, 3)),
        formats__weights__kept=draw(st.integers(1, 2)),
        formats__weights__group=draw(st.integers(2, 4)),
        formats__weights__group_axis=draw(st.sampled_from(("input_channel", "input_channel", "kernel", "fan_in"))),
        formats__spikes__format=draw(st.sampled_from(("bitmap", "aer"))),
        residency__weights=draw(st.sampled_from(("inference", "resident"))),
        residency__activations=draw(st.sampled_from(("dram", "dram", "chip"))),
    )


def whole_windows(size: int, window: int) -> list[int]:
    """Rows or columns that a tile can have: whole windows of a pool, or all."""
    return [length for length in range(1, size + 1) if length % window == 0 or length == size]


@st.composite
def mappings(draw: st.DrawFn, chosen: RowStationaryMachine, task: LayerTask) -> ArrayMapping:
    """Any mapping that fits the pads."""
    layer, array = lower_layer(chosen, task), lower_array(chosen)
    storage = lower_format(chosen, weight_format(chosen.formats.weights))
    most_rows = layer.P if array.time_batching else min(layer.P, array.columns)
    heights, widths = whole_windows(layer.P, layer.pool_rows), whole_windows(layer.Q, layer.pool_columns)
    fitting = [rows for rows in heights if rows <= most_rows]
    assume(fitting)
    tile_rows, tile_columns = draw(st.sampled_from(fitting)), draw(st.sampled_from(widths))
    folds_per_group = draw(st.integers(1, 4))
    if task.is_pooled:  # all timesteps of a tile
        folds_per_group = -(-layer.T * tile_rows // array.columns) if array.time_batching else 1
    windows = tile_columns * folds_per_group if array.psums_in_pads else 1
    limits = {
        q: most_filters(layer, array, storage, q, windows)
        for q in range(1, min(layer.group_channels, array.input_entries // layer.S) + 1)
    }
    fitting = [q for q, most in limits.items() if most > 0]
    assume(fitting)
    q = draw(st.sampled_from(fitting))
    sets = array.rows // layer.R
    filter_sets = draw(st.integers(1, sets))
    return ArrayMapping(
        filters_per_pe=draw(st.integers(1, limits[q])),
        channels_per_pe=q,
        filter_sets=filter_sets,
        channel_sets=draw(st.integers(1, sets // filter_sets)),
        tile_rows=tile_rows,
        tile_columns=tile_columns,
        folds_per_group=folds_per_group,
        kept=draw(st.integers(0, 2)),
        resident=0 if array.bypass else draw(st.integers(0, 1)),
    )


def storable(weights: np.ndarray, chosen: WeightFormat, fold_channels: int) -> np.ndarray:
    """Weights (M, C, R, S) that the format accepts, by channel folds."""
    if chosen.codes == "trits":
        return np.sign(weights)
    if chosen.positions != "group_index":
        return weights
    changed = weights.copy()
    for first in range(0, weights.shape[1], fold_channels):
        for kernels in changed[:, first : first + fold_channels]:
            lines = {"input_channel": np.moveaxis(kernels, 0, -1).reshape(-1, len(kernels)), "kernel": kernels}
            for line in lines.get(chosen.group_axis or "", kernels[None]):
                for group in groups(line.size, line.size, chosen.group):
                    for place in group[chosen.kept :]:
                        line[np.unravel_index(place, line.shape)] = 0
    return changed


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A layer with inputs of any density on a machine, cut in any way that it can be cut."""
    task, chosen = draw(layers(always_at_rest=False)), draw(machines(weight_formats=DECODED_FORMATS))
    task = draw(st.sampled_from((task, task, draw(with_a_pool(task)))))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = (task.timesteps, *task.shape.input_shape)
    values = random.integers(1, 2**task.input_bits, shape)
    values[random.random(shape) >= draw(st.sampled_from((0.4, 0.15, 1.0, 0.6, 0.0)))] = 0
    neurons = task.shape.M, task.shape.P // task.pool[0], task.shape.Q // task.pool[1]
    outputs = random.random((task.timesteps, *neurons)) < 0.3
    mapping = draw(mappings(chosen, task))
    task = replace(task, weights=storable(task.weights, weight_format(chosen.formats.weights), mapping.fold_channels))
    return Case(
        chosen,
        task,
        mapping,
        values.astype(draw(st.sampled_from((np.uint8, np.uint16)))),
        outputs.astype(np.uint8),
        (
            not chosen.dataflow.weights_bypass_global_buffer and draw(st.booleans()),
            draw(st.booleans()),
            draw(st.booleans()) and task.neuron.fires,
        ),
    )
