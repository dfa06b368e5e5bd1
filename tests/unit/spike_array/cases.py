"""Generated cases for the spike array: small layers, odd machines, buffers that force every kind of tile."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from spikecycle.simulator.dataflows.layer import LayerTask
from spikecycle.simulator.dataflows.spike_array import SpikeArrayMachine
from spikecycle.simulator.replay import LayerReplay, replay_layer
from spikecycle.traces import LayerShape, Neuron
from tests.reference.neuron import Cell

WEIGHT_FORMATS = ("uncompressed", "ubm", "bitmask", "cp", "rle", "uop", "csr")
DECODED_FORMATS = (*WEIGHT_FORMATS, "rlc", "n_of_m", "trits")
"""With those that need a decoder which not every machine has."""
CODEBOOK_FORMATS = ("codebook", "eie")
NEURON_UNIT = {
    "late_reset": True, "start_potentials": True, "leaks_per_channel": True, "potential_outputs": True,
    "two_states": True, "parameters_per_neuron": True, "pools_currents": True,
}  # fmt: skip
"""A neuron unit that does all that there are keys for."""


@dataclass(frozen=True)
class Case:
    """A layer, one sample's inputs (T, C, H, W), a machine, and whether weights, inputs and outputs are on chip."""

    machine: SpikeArrayMachine
    task: LayerTask
    inputs: np.ndarray
    on_chip: tuple[bool, bool, bool] = (False, False, False)


def buffer(words: int, width_bits: int, **others: int) -> dict[str, Any]:
    """A buffer of exactly so many words."""
    return {"size_kib": words * width_bits / 8192, "width_bits": width_bits, **others}


def machine(**changes: Any) -> SpikeArrayMachine:
    """A machine with room for everything; `changes` replace keys, "buffers__weights" being buffers.weights.

    Fibers start at words, unless `changes` say otherwise.
    """
    data: dict[str, Any] = {
        "name": "generated",
        "describes": "a test",
        "sources": {},
        "technology": {"node_nm": 45.0, "clock_mhz": 500},
        "dataflow": {
            "kind": "spike_array",
            "pes": 2,
            "partition": "channel",
            "fifo_depth": 2,
            "lanes": 2,
            "decoder": {"mask_bits_per_cycle": 4, "coordinates_per_cycle": 2, "runs_per_cycle": 1},
            "zero_weights": "skip",
            "update": "dense",
            "neuron_unit": NEURON_UNIT,
            "update_lanes": 1,
            "flags_per_cycle": 4,
            "broadcast_um": 1000,
        },
        "buffers": {
            "spikes": buffer(4096, 16),
            "weights": buffer(4096, 16),
            "directory": buffer(4096, 24),
            "potentials": buffer(4096, 24, banks=2, ports=2),
            "outputs": buffer(4096, 16),
        },
        "dram": {"bandwidth_gbit_per_s": 64, "burst_bits": 64, "latency_ns": 50.0, "energy_pj_per_bit": 10.0},
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
    data["dataflow"].setdefault("fiber_alignment_bits", data["buffers"]["weights"]["width_bits"])
    return SpikeArrayMachine.model_validate(data)


def layer(
    shape: LayerShape,
    weights: np.ndarray,
    timesteps: int = 1,
    input_bits: int = 1,
    weight_bits: int = 4,
    bias: np.ndarray | None = None,
    neuron: Neuron | None = None,
) -> LayerTask:
    """A layer called "generated"."""
    return LayerTask(
        name="generated",
        shape=shape,
        timesteps=timesteps,
        input_bits=input_bits,
        weight_bits=weight_bits,
        weights=np.ascontiguousarray(weights, dtype=np.int32).reshape(shape.weight_shape),
        bias=np.zeros(shape.M, np.int32) if bias is None else bias.astype(np.int32),
        neuron=neuron or Neuron("if", np.full(shape.M, 5, np.int32), potential_bits=12),
    )


@st.composite
def shapes(draw: st.DrawFn) -> LayerShape:
    """Convolutions with C <= 4, M <= 6, maps up to 6 x 6, kernels up to 3 x 3, and linear layers."""
    if draw(st.integers(0, 5)) == 0:
        return LayerShape.linear(draw(st.integers(1, 8)), draw(st.integers(1, 8)))
    groups = draw(st.sampled_from((1, 1, 1, 2)))
    padding = draw(st.integers(0, 2)), draw(st.integers(0, 2))
    height, width = draw(st.sampled_from((6, 5, 4, 3, 2, 1))), draw(st.sampled_from((6, 5, 4, 3, 2, 1)))
    return LayerShape(
        "conv2d",
        C=groups * draw(st.sampled_from(range(4 // groups, 0, -1))),
        H=height,
        W=width,
        M=groups * draw(st.sampled_from(range(6 // groups, 0, -1))),
        R=draw(st.sampled_from(range(min(3, height + 2 * padding[0]), 0, -1))),
        S=draw(st.sampled_from(range(min(3, width + 2 * padding[1]), 0, -1))),
        stride=(draw(st.sampled_from((1, 1, 2, 3, 4))), draw(st.sampled_from((1, 1, 2, 3)))),
        padding=padding,
        groups=groups,
    )


@st.composite
def neurons(draw: st.DrawFn, shape: tuple[int, int, int], random: np.random.Generator, reset_value: int) -> Neuron:
    """All that `NEURON_UNIT` can do: late resets, start potentials, neurons that never fire and such with a synaptic
    current, leaks and thresholds for all, per channel or per neuron."""
    kind = draw(st.sampled_from(("lif", "if", "readout", "synaptic")))
    leak = draw(st.sampled_from(((3, 2), (0, 0), (1, 1), (15, 4)))) if kind != "if" else (1, 0)
    bits = draw(st.sampled_from((12, 8, 5)))
    values: dict[str, Any] = {"potential_bits": bits, "leak_numerator": leak[0], "leak_shift": leak[1]}
    if kind != "readout":
        values["threshold"] = random.integers(1, 12, draw(st.sampled_from((shape[:1], shape))))
        values["reset"] = draw(st.sampled_from(("hard", "soft")))
        values["reset_value"] = reset_value
        values["reset_timing"] = draw(st.sampled_from(("same", "next")))
    sizes = st.sampled_from(((), (), shape[:1], shape))
    size = draw(sizes) if kind != "if" else ()
    if size:
        values["leak_numerator"] = random.integers(0, (1 << leak[1]) + 1, size)
    if kind == "synaptic" or (kind == "readout" and draw(st.booleans())):
        shift = draw(st.sampled_from((0, 1, 3, 15)))
        values["current_leak_shift"], values["current_bits"] = shift, draw(st.sampled_from((4, 9, 13)))
        values["current_leak_numerator"] = random.integers(0, (1 << shift) + 1, draw(sizes) or (1,))
    starts = draw(st.sampled_from(((), (), (1,), shape[:1], shape)))
    if starts:
        values["start_potential"] = random.integers(-9, 1 if kind != "readout" else 9, starts)
    return Neuron(kind, **values)


@st.composite
def layers(draw: st.DrawFn, always_at_rest: bool) -> LayerTask:
    """Layers with few or many zero weights, biases, all neurons, inputs of 1 to 3 bits, 1 to 3 timesteps.

    always_at_rest: neurons without input stay at rest mostly, as a sparse update needs it.
    """
    shape = draw(shapes())
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    weight_bits = draw(st.sampled_from((4, 2, 3, 6)))
    limit = 2 ** (weight_bits - 1)
    weights = random.integers(-limit, limit, shape.weight_shape)
    weights[random.random(shape.weight_shape) < draw(st.sampled_from((0.3, 0.0, 0.8, 0.5, 0.97)))] = 0
    unrest = random.random() < (0.05 if always_at_rest else 0.3)
    neuron = draw(neurons(shape.output_shape, random, -3 if unrest else 0))
    bias = random.integers(-4, 5, shape.M) if unrest else None
    input_bits = draw(st.sampled_from((1, 1, 2, 3)))
    return layer(shape, weights, draw(st.sampled_from((2, 1, 3))), input_bits, weight_bits, bias, neuron)


@st.composite
def machines(draw: st.DrawFn, update: str, task: LayerTask) -> SpikeArrayMachine:
    """Machines of 1 to 4 PEs; most have a buffer so small that the layer is cut in tiles, or does not fit."""
    tight = draw(
        st.sampled_from(("none", "weights", "spikes", "potentials", "weights", "outputs", "directory", "spikes", "all"))
    )

    def words(name: str, needed: int, fewest: int = 1) -> int:
        share = draw(st.sampled_from((3, 2, 5, 1)))
        return max(fewest, needed // share) if tight in (name, "all") else 4096

    partition, pes = draw(st.sampled_from(("channel", "space"))), draw(st.sampled_from((4, 3, 2, 1)))
    pe_rows = draw(st.sampled_from([rows for rows in range(1, pes + 1) if pes % rows == 0]))
    banks = draw(st.integers(1, 4))
    access = draw(st.sampled_from(("word", "word", "row"))) if update == "dense" else "word"
    spike_bits, weight_bits = draw(st.sampled_from((16, 8, 16, 3, 1))), draw(st.sampled_from((16, 8, 32, 5, 64)))
    alignment = draw(st.sampled_from([bits for bits in (8, 4, weight_bits, 1, 16, 2) if weight_bits % bits == 0]))
    output_bits = draw(st.sampled_from((8, 16, 4, 1)))
    shape, fibers = task.shape, task.shape.C * task.shape.stride[0] * task.shape.stride[1]
    pe_weights = task.weights.size // (pes if partition == "channel" else 1) * (task.weight_bits + 1) // weight_bits
    return machine(
        dataflow__pes=pes,
        dataflow__partition=partition,
        dataflow__pe_rows=pe_rows if partition == "space" else None,
        dataflow__pe_columns=pes // pe_rows if partition == "space" else None,
        dataflow__fifo_depth=draw(st.integers(1, 4)),
        dataflow__lanes=draw(st.sampled_from((1, 2, 3, 6, 9))),
        dataflow__decoder__mask_bits_per_cycle=draw(st.integers(1, 8)),
        dataflow__decoder__coordinates_per_cycle=draw(st.integers(1, 3)),
        dataflow__decoder__runs_per_cycle=draw(st.integers(1, 3)),
        dataflow__decoder__groups_per_cycle=draw(st.integers(1, 2)),
        dataflow__decoder__code_words_per_cycle=draw(st.integers(1, 2)),
        dataflow__decoder__trit_bytes_per_cycle=1,
        dataflow__decoder__table_lookups_per_cycle=draw(st.integers(1, 3)),
        dataflow__fiber_alignment_bits=alignment,
        dataflow__zero_weights=draw(st.sampled_from(("gate", "skip"))),
        dataflow__update=update,
        dataflow__potential_access=access,
        dataflow__update_lanes=banks if access == "row" else draw(st.integers(1, banks)),
        dataflow__flags_per_cycle=draw(st.integers(1, 8)),
        buffers__spikes=buffer(words("spikes", 2 * shape.input_count * task.input_bits // spike_bits, 4), spike_bits),
        buffers__weights=buffer(words("weights", 2 * (pe_weights + fibers * alignment // weight_bits), 3), weight_bits),
        buffers__directory=buffer(words("directory", 3 * fibers, 2), draw(st.sampled_from((24, 24, 10)))),
        buffers__potentials=buffer(
            words("potentials", shape.output_count, 3), 24, banks=banks, ports=draw(st.integers(1, 2))
        ),
        buffers__outputs=buffer(words("outputs", 2 * shape.output_count // output_bits, 2), output_bits),
        formats__weights__format=draw(st.sampled_from((*DECODED_FORMATS, *CODEBOOK_FORMATS))),
        formats__weights__index_bits=draw(st.sampled_from((4, 3, 2))),
        formats__weights__run_bits=draw(st.integers(1, 3)),
        formats__weights__kept=draw(st.integers(1, 2)),
        formats__weights__group=draw(st.integers(2, 4)),
        formats__weights__group_axis="output_channel",
        formats__spikes__format=draw(st.sampled_from(("bitmap", "aer", "run_length"))),
        formats__spikes__run_bits=draw(st.integers(1, 4)),
        residency__activations=draw(st.sampled_from(("dram", "dram", "chip"))),
    )


def mostly_storable(weights: np.ndarray, chosen: SpikeArrayMachine) -> np.ndarray:
    """Weights (M, C / groups, R, S) that the machine's format accepts, unless tiles cut groups elsewhere."""
    if chosen.formats.weights.format == "trits":
        return np.sign(weights)
    if chosen.formats.weights.format in CODEBOOK_FORMATS:
        most = 2 ** ((chosen.formats.weights.index_bits or 4) - 1)
        return np.clip(weights, -most, most - 1)
    if chosen.formats.weights.format != "n_of_m":
        return weights
    kept, group = chosen.formats.weights.kept, chosen.formats.weights.group
    assert kept and group
    channels = np.arange(len(weights)) // chosen.dataflow.pes_per_group
    return weights * (channels % group < kept)[:, None, None, None]


@st.composite
def with_a_pool(draw: st.DrawFn, task: LayerTask) -> LayerTask:
    """A layer whose neurons, others than before, take the largest of windows; as it is where its map has one place."""
    shape = task.shape
    if shape.P * shape.Q == 1:
        return task
    window = draw(st.integers(1, min(3, shape.P))), draw(st.integers(1, min(3, shape.Q)))
    size = (shape.M, shape.P // window[0], shape.Q // window[1])
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return replace(task, pool=window, neuron=draw(neurons(size, random, task.neuron.reset_value)))


def replayed(task: LayerTask, inputs: np.ndarray) -> LayerReplay:
    """What a layer does: with a pool, its sums first, then the largest of each window, then its neurons one by one."""
    if not task.is_pooled:
        return replay_layer(task, inputs, track_active=True)
    sums = Neuron("readout", potential_bits=32, leak_numerator=0)  # forgets what was before
    currents = replay_layer(replace(task, neuron=sums, pool=(1, 1)), inputs).outputs
    rows, columns = (size // window for size, window in zip(currents.shape[2:], task.pool, strict=True))
    windows = currents[:, :, : rows * task.pool[0], : columns * task.pool[1]]
    pooled = windows.reshape(*currents.shape[:2], rows, task.pool[0], columns, task.pool[1]).max(axis=(3, 5))
    cells = {place: Cell(task.neuron, *place, set()) for place in np.ndindex(pooled.shape[1:])}
    outputs = np.zeros_like(pooled)
    for t, *place in np.ndindex(pooled.shape):
        outputs[(t, *place)] = cells[tuple(place)].step(int(pooled[(t, *place)]))
    return LayerReplay(outputs.astype(np.uint8) if task.neuron.fires else outputs, None, outputs[-1])


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A layer with inputs of any density on a machine."""
    update = draw(st.sampled_from(("dense", "sparse")))
    task = draw(layers(always_at_rest=update == "sparse"))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = (task.timesteps, task.shape.C, task.shape.H, task.shape.W)
    values = random.integers(1, 2**task.input_bits, shape)
    values[random.random(shape) >= draw(st.sampled_from((0.4, 0.15, 1.0, 0.6, 0.3, 0.0)))] = 0
    chosen = draw(machines(update, task))
    if draw(st.integers(0, 4)) > 0:
        task = replace(task, weights=mostly_storable(task.weights, chosen))
    can_pool = update == "dense" and chosen.dataflow.partition == "channel"
    if draw(st.sampled_from((False, True) if can_pool else (False,) * 9 + (True,))):
        task = draw(with_a_pool(task))
    kept = st.booleans() if chosen.residency.activations == "chip" else st.just(False)
    on_chip = draw(st.tuples(st.booleans(), kept, kept if task.neuron.fires else st.just(False)))
    return Case(chosen, task, values.astype(draw(st.sampled_from((np.uint8, np.uint16)))), on_chip)
