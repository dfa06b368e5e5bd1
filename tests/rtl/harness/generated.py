"""Generated machines and layers: every parameter over its range, odd widths, buffers that force tiles and passes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np

from tests.rtl.harness.comparison import Sample
from tests.rtl.harness.coverage import NotCoveredError, check_machine
from tests.rtl.harness.cut import CannotMap
from tests.rtl.harness.program import Program, Programmer
from tests.rtl.harness.simulator import LayerShape, LayerTask, SpikeArrayMachine, buffer, layer, machine, neuron

Value = TypeVar("Value")
LAYERS_PER_MACHINE = 9
MOST_TRIES = 1000
SPREAD = 32
SEED = 20261124
NARROW_BITS = 32
"""Of a potential after saturation, a threshold and a reset value, at most."""
FORMATS = ("uncompressed", "bitmask", "rle", "cp", "bitmask", "rle", "cp", "uop", "ubm")

NASTY: tuple[dict[str, Any], ...] = tuple(
    {
        "dataflow__pes": pes,
        "dataflow__fifo_depth": 1,
        "dataflow__lanes": lanes,
        "dataflow__zero_weights": zeros,
        "dataflow__fiber_alignment_bits": 1,
        "buffers__weights": buffer(4096, width),
        "buffers__potentials": buffer(512, 24, banks=1, ports=1),
        "formats__weights__format": name,
        "formats__weights__run_bits": 1,
    }
    for name, pes, lanes, zeros, width in (
        ("uncompressed", 1, 4, "gate", 5),
        ("bitmask", 3, 2, "skip", 8),
        ("rle", 2, 8, "gate", 7),
        ("cp", 5, 3, "gate", 9),
    )
)
"""FIFO depth 1, one bank with one port, fibers that straddle narrow words at any bit."""


WIDE: tuple[dict[str, Any], ...] = tuple(
    {
        "dataflow__pes": pes,
        "dataflow__lanes": 3,
        "dataflow__update_lanes": banks,
        "buffers__weights": buffer(4096, 32),
        "buffers__potentials": buffer(512, bits, banks=banks, ports=ports),
        "formats__weights__format": name,
    }
    for name, pes, bits, banks, ports in (
        ("uncompressed", 2, 40, 2, 2),
        ("bitmask", 1, 33, 3, 1),
        ("cp", 3, 64, 1, 2),
        ("rle", 2, 144, 2, 1),
    )
)
"""Potential words wider than the 32 bits of a reset value and of a saturated potential."""


def machines() -> list[SpikeArrayMachine]:
    """The machines, the same ones every time."""
    random = np.random.default_rng(SEED)

    def spread(*values: Value) -> list[Value]:
        """Each value about equally often, in random order."""
        return [values[i % len(values)] for i in random.permutation(SPREAD)]

    columns: dict[str, list[Any]] = {
        "dataflow__pes": spread(1, 2, 3, 4, 5, 8, 12, 16),
        "dataflow__fifo_depth": spread(1, 2, 3, 4, 6, 8, 11, 16),
        "dataflow__lanes": spread(1, 2, 3, 4, 5, 8),
        "dataflow__zero_weights": spread("gate", "skip"),
        "dataflow__update": spread("dense", "dense", "sparse"),
        "dataflow__flags_per_cycle": spread(1, 4, 7, 16, 32),
        "dataflow__decoder__mask_bits_per_cycle": spread(1, 3, 8, 16, 32),
        "dataflow__decoder__coordinates_per_cycle": spread(1, 2, 4),
        "dataflow__decoder__runs_per_cycle": spread(1, 2, 3),
        "formats__weights__format": spread(*FORMATS),
        "formats__weights__run_bits": spread(1, 2, 3, 5),
        "formats__spikes__format": spread("bitmap", "aer"),
    }
    banks, ports, potential_bits = spread(1, 2, 3, 4, 5, 6, 7, 8), spread(1, 2), spread(24, 20, 32)
    update_share, partition = spread(1, 2, 3), spread("channel", "channel", "space")
    spike_bits, weight_bits = spread(16, 64, 8, 3, 1), spread(64, 32, 16, 24, 8, 128)
    output_bits = spread(128, 16, 5, 1)
    alignment_parts, directory_bits = spread(1, 2, 4, 8), spread(24, 32)
    # Buffers in bits, the small ones too small for most layers; potentials in words.
    weight_size, directory_words = spread(2**18, 2**12, 1500, 500), spread(512, 24, 96)
    spike_size, output_size = spread(2**16, 400, 1200), spread(2**16, 2**9, 2**11)
    potential_words = spread(4096, 256, 48, 90)

    found = []
    for i in range(SPREAD):
        changes = {key: values[i] for key, values in columns.items()}
        changes["dataflow__update_lanes"] = max(1, banks[i] // update_share[i])
        changes["dataflow__partition"] = partition[i]
        if partition[i] == "space":
            pes = changes["dataflow__pes"]
            rows = max(r for r in range(1, 5) if pes % r == 0)
            changes |= {"dataflow__pe_rows": rows, "dataflow__pe_columns": pes // rows}
        changes["dataflow__fiber_alignment_bits"] = weight_bits[i] // alignment_parts[i]
        changes["buffers__spikes"] = buffer(spike_size[i] // spike_bits[i], spike_bits[i])
        changes["buffers__weights"] = buffer(weight_size[i] // weight_bits[i], weight_bits[i])
        changes["buffers__directory"] = buffer(directory_words[i], directory_bits[i])
        changes["buffers__potentials"] = buffer(potential_words[i], potential_bits[i], banks=banks[i], ports=ports[i])
        changes["buffers__outputs"] = buffer(output_size[i] // output_bits[i], output_bits[i])
        found.append(machine(**changes, name=f"machine {i}"))
    found += [machine(**changes, name=f"nasty {i}") for i, changes in enumerate(NASTY)]
    return found + [machine(**changes, name=f"wide {i}") for i, changes in enumerate(WIDE)]


def samples(chosen: SpikeArrayMachine, number: int) -> list[tuple[Sample, Program]]:
    """Layers that the machine can map, with their programs; `number` is the machine's, for the seed.

    NotCoveredError for a machine that the RTL cannot be built for, or that can map hardly any such layer.
    """
    check_machine(chosen)
    found: list[tuple[Sample, Program]] = []
    random = np.random.default_rng([SEED, number])
    tries = 0
    while len(found) < LAYERS_PER_MACHINE:
        if tries == MOST_TRIES:
            raise NotCoveredError(f"machine {chosen.name!r}: {len(found)} of {tries} generated layers can be mapped")
        tries += 1
        task = _task(random, chosen)
        inputs = _inputs(random, task)
        try:
            program = Programmer(chosen, task).program(inputs)
        except CannotMap:
            continue
        name = f"{chosen.name}, layer {len(found)}"
        found.append((Sample.replayed(name, task, inputs), program))
    return found


def _pick(random: np.random.Generator, values: Sequence[Value]) -> Value:
    return values[int(random.integers(len(values)))]


def _shape(random: np.random.Generator) -> LayerShape:
    """Convolutions of up to 6 to 20 channels on maps of up to 8 x 8, and linear layers."""
    if random.random() < 0.15:
        return LayerShape.linear(int(random.integers(1, 60)), int(random.integers(1, 40)))
    groups = _pick(random, (1, 1, 1, 2, 3))
    padding = int(random.integers(3)), int(random.integers(3))
    height, width = int(random.integers(1, 9)), int(random.integers(1, 9))
    return LayerShape(
        "conv2d",
        C=groups * int(random.integers(1, 6 // groups + 1)),
        H=height,
        W=width,
        M=groups * int(random.integers(1, 20 // groups + 1)),
        R=int(random.integers(1, min(4, height + 2 * padding[0]) + 1)),
        S=int(random.integers(1, min(4, width + 2 * padding[1]) + 1)),
        stride=(_pick(random, (1, 1, 2, 3)), _pick(random, (1, 1, 2, 4))),
        padding=padding,
        groups=groups,
    )


def _task(random: np.random.Generator, chosen: SpikeArrayMachine) -> LayerTask:
    shape = _shape(random)
    if chosen.buffers.potentials.width_bits > NARROW_BITS:
        return _wide_task(random, shape)
    weight_bits = _pick(random, (2, 3, 4, 8, 5))
    limit = 1 << (weight_bits - 1)
    weights = random.integers(-limit, limit, shape.weight_shape)
    weights[random.random(shape.weight_shape) < _pick(random, (0.0, 0.3, 0.6, 0.9, 0.98))] = 0
    unrest = chosen.dataflow.update == "dense" and random.random() < 0.4
    kind = _pick(random, ("lif", "if"))
    leak = _pick(random, ((3, 2), (0, 0), (15, 4), (1, 3))) if kind == "lif" else (1, 0)
    chosen_neuron = neuron(
        kind,
        random.integers(1, 4 * limit, shape.M),
        potential_bits=_pick(random, (12, 16, 11)),
        leak_numerator=leak[0],
        leak_shift=leak[1],
        reset=_pick(random, ("hard", "soft")),
        reset_value=-3 if unrest else 0,
    )
    bias = random.integers(-limit, limit + 1, shape.M) if unrest else None
    input_bits = _pick(random, (1, 1, 1, 2, 3, 8))
    return layer(shape, weights, int(random.integers(1, 9)), input_bits, weight_bits, bias, chosen_neuron)


def _wide_task(random: np.random.Generator, shape: LayerShape) -> LayerTask:
    """Weights, inputs and potentials of up to the most bits; all neurons are reset to a value below 0."""
    weight_bits, input_bits, potential_bits = (
        _pick(random, (2, 8, 16)),
        _pick(random, (1, 8)),
        _pick(random, (32, 31, 20)),
    )
    limit = 1 << (weight_bits - 1)
    weights = random.integers(-limit, limit, shape.weight_shape)
    weights[random.random(shape.weight_shape) < _pick(random, (0.0, 0.5, 0.9))] = 0
    lowest = -(1 << (potential_bits - 1))
    leak = _pick(random, ((1, 4), (15, 4), (65535, 16), (65536, 16)))
    chosen_neuron = neuron(
        "lif",
        random.integers(1, min(limit << input_bits - 1, -lowest) + 1, shape.M),
        potential_bits=potential_bits,
        leak_numerator=leak[0],
        leak_shift=leak[1],
        reset="hard",
        reset_value=_pick(random, (-1, -12345, lowest)),
    )
    bias = random.integers(-limit, limit + 1, shape.M)
    return layer(shape, weights, int(random.integers(2, 9)), input_bits, weight_bits, bias, chosen_neuron)


def _inputs(random: np.random.Generator, task: LayerTask) -> np.ndarray:
    """Frames of any density, empty and full ones among them."""
    shape = (task.timesteps, task.shape.C, task.shape.H, task.shape.W)
    values = random.integers(1, 1 << task.input_bits, shape)
    for frame in values:
        frame[random.random(shape[1:]) >= _pick(random, (0.1, 0.3, 0.0, 1.0, 0.05, 0.6))] = 0
    return values.astype(np.uint8 if task.input_bits <= 8 else np.uint16)
