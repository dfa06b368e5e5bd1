"""What the RTL covers, and the parameters that make it a given machine."""

from __future__ import annotations

from dataclasses import asdict, astuple, dataclass, replace

from tests.rtl.harness.bundles import NotCoveredError, constants
from tests.rtl.harness.simulator import LayerTask, NeuronUnit, SpikeArrayMachine

FORMATS = {
    "uncompressed": "UNCOMPRESSED",
    "ubm": "UBM",
    "bitmask": "BITMASK",
    "cp": "COORDINATES",
    "csr": "COORDINATES",
    "rle": "RUNS",
    "uop": "UOP",
}


SPIKE_FORMATS = ("bitmap", "aer")
MOST_PES = 256
"""Their numbers have 8 bits at the port that loads memories."""
MOST_BANKS = 255
"""What is counted per PE and cycle has 8 bits."""
MOST_LANES = 64
"""More would be covered up to 255, but take the compiler minutes per machine (255 lanes: four)."""
MOST_UPDATES = 1024
"""Neurons updated in a cycle: as many writes into the map of output spikes, which Verilator unrolls (build.UNROLL)."""
MOST_SEARCHED_BITS = 1024
"""Bits searched for ones in a cycle. Wider machines would be covered, but take very long to build."""


@dataclass(frozen=True)
class Capacities:
    """Sizes of registers and buffers that the text leaves to the layer: rows of the fiber table, words of the longest
    fiber, tap rows and tap columns of a fiber, local channels of a tile, neurons of a tile."""

    fibers: int = 1
    fiber_words: int = 2
    tap_rows: int = 1
    tap_columns: int = 1
    channels: int = 1
    tile_neurons: int = 1

    def at_least(self, other: Capacities) -> Capacities:
        """What serves both."""
        return Capacities(*map(max, astuple(self), astuple(other)))

    def rounded(self) -> Capacities:
        """Powers of two, all but the taps."""
        powers = {name: 1 << (value - 1).bit_length() for name, value in asdict(self).items()}
        return replace(self, **{name: powers[name] for name in powers if not name.startswith("tap")})


def check_machine(machine: SpikeArrayMachine) -> None:
    """NotCoveredError, naming machine and key, for a machine that the RTL cannot be made into."""
    flow, buffers = machine.dataflow, machine.buffers
    where = f"machine {machine.name!r}"
    for key, chosen, known in (
        ("formats.weights.format", machine.formats.weights.format, tuple(FORMATS)),
        ("formats.spikes.format", machine.formats.spikes.format, SPIKE_FORMATS),
    ):
        if chosen not in known:
            raise NotCoveredError(f"{where}: {key}: the RTL has {', '.join(known)}, found {chosen}")
    if flow.potential_access != "word":
        raise NotCoveredError(f"{where}: dataflow.potential_access: the RTL has word, found {flow.potential_access}")
    if machine.formats.per_operator:
        raise NotCoveredError(f"{where}: formats.per_operator: the RTL has one weight format for all layers")
    load = constants()["LOAD_BITS"]
    places = 1 << constants()["PLACE_BITS"]
    limits = {
        "dataflow.pes": (flow.pes, MOST_PES),
        "dataflow.lanes": (flow.lanes, MOST_LANES),
        "dataflow.pes x dataflow.update_lanes": (
            flow.pes * (flow.update_lanes if flow.update == "dense" else 1),
            MOST_UPDATES,
        ),
        "dataflow.decoder.mask_bits_per_cycle": (flow.decoder.mask_bits_per_cycle, MOST_SEARCHED_BITS),
        "dataflow.flags_per_cycle": (flow.flags_per_cycle, MOST_SEARCHED_BITS),
        "dataflow.fifo_depth": (flow.fifo_depth, places),
        "buffers.spikes.width_bits": (buffers.spikes.width_bits, load),
        "buffers.weights.width_bits": (buffers.weights.width_bits, load),
        "buffers.directory.width_bits": (buffers.directory.width_bits, load),
        "buffers.potentials.width_bits": (buffers.potentials.width_bits, load // 2),
        "buffers.potentials.banks": (buffers.potentials.banks, MOST_BANKS),
    }
    for name in type(buffers).model_fields:
        words = _words(machine, name)
        if words < 1:
            raise NotCoveredError(f"{where}: buffers.{name}.size_kib: the RTL needs room for a word, found none")
        limits[f"buffers.{name}.size_kib, words"] = words, places
    units = _words(machine, "weights") * (buffers.weights.width_bits // flow.fiber_alignment_bits)
    limits["buffers.weights.size_kib, units of dataflow.fiber_alignment_bits"] = units, 1 << constants()["UNIT_BITS"]
    _check_most(where, limits)


def check_layer(task: LayerTask) -> None:
    """NotCoveredError, naming the attribute, for a layer that the RTL's registers cannot describe, or whose neurons its
    neuron unit does not have (`dataflow.neuron_unit`)."""
    shape = task.shape
    beyond = NeuronUnit().refusal(task.neuron)
    if beyond:
        raise NotCoveredError(f"layer {task.name!r}: neuron: {beyond}; the RTL has none of its keys")
    if task.is_pooled:
        raise NotCoveredError(f"layer {task.name!r}: pool: the RTL has no pool of currents")
    coordinate = (1 << constants()["COORDINATE_BITS"]) - 1
    _check_most(
        f"layer {task.name!r}",
        {
            "weight_bits": (task.weight_bits, constants()["VALUE_BITS"]),
            "input_bits": (task.input_bits, constants()["INPUT_BITS"]),
            "C": (shape.C, coordinate),
            "M": (shape.M, coordinate),
            "H": (shape.H + shape.sides[0] + shape.sides[1], coordinate),
            "W": (shape.W + shape.sides[2] + shape.sides[3], coordinate),
            "R": (shape.R, 255),
            "S": (shape.S, 255),
            "stride": (max(shape.stride), 255),
            "groups x strides": (shape.groups * shape.stride[0] * shape.stride[1], coordinate),
        },
    )


def _check_most(where: str, limits: dict[str, tuple[int, int]]) -> None:
    for name, (found, most) in limits.items():
        if found > most:
            raise NotCoveredError(f"{where}: {name}: the RTL covers at most {most}, found {found}")


def _words(machine: SpikeArrayMachine, name: str) -> int:
    """Whole words of a buffer."""
    buffer = getattr(machine.buffers, name)
    return int(buffer.capacity_bits // buffer.width_bits)


def parameters(machine: SpikeArrayMachine, capacities: Capacities) -> dict[str, int | str]:
    """The parameters of the RTL's top module."""
    check_machine(machine)
    flow, buffers = machine.dataflow, machine.buffers

    def bit(value: bool) -> str:
        return f"1'b{int(value)}"

    return {
        "PES": flow.pes,
        "FORMAT": constants()[FORMATS[machine.formats.weights.format]],
        "SKIP": bit(flow.zero_weights == "skip"),
        "LANES": flow.lanes,
        "MASK_BITS": flow.decoder.mask_bits_per_cycle,
        "COORDINATES": flow.decoder.coordinates_per_cycle,
        "RUNS": flow.decoder.runs_per_cycle,
        "RUN_BITS": machine.formats.weights.run_bits,
        "FIFO_DEPTH": flow.fifo_depth,
        "ALIGNMENT_BITS": flow.fiber_alignment_bits,
        "SPARSE": bit(flow.update == "sparse"),
        "UPDATE_LANES": flow.update_lanes,
        "FLAGS": flow.flags_per_cycle,
        "AER": bit(machine.formats.spikes.format == "aer"),
        "SPIKE_BITS": buffers.spikes.width_bits,
        "SPIKE_WORDS": _words(machine, "spikes"),
        "WEIGHT_BITS": buffers.weights.width_bits,
        "WEIGHT_WORDS": _words(machine, "weights"),
        "DIRECTORY_BITS": buffers.directory.width_bits,
        "DIRECTORY_WORDS": _words(machine, "directory"),
        "POTENTIAL_BITS": buffers.potentials.width_bits,
        "POTENTIAL_WORDS": _words(machine, "potentials"),
        "BANKS": buffers.potentials.banks,
        "PORTS": buffers.potentials.ports,
        "OUTPUT_BITS": buffers.outputs.width_bits,
        "OUTPUT_WORDS": _words(machine, "outputs"),
        "FIBER_WORDS": capacities.fiber_words,
        "TAP_ROWS": capacities.tap_rows,
        "TAP_COLUMNS": capacities.tap_columns,
        "FIBERS": capacities.fibers,
        "CHANNELS": capacities.channels,
        "TILE_NEURONS": capacities.tile_neurons,
    }


def clear_cycles(machine: SpikeArrayMachine, capacities: Capacities) -> int:
    """Cycles of reset in which every potential, flag and spike bit is cleared."""
    buffers, flow = machine.buffers, machine.dataflow
    potentials = buffers.potentials.capacity_bits // buffers.potentials.width_bits
    return max(
        -(-potentials // buffers.potentials.banks),
        -(-potentials // flow.flags_per_cycle),
        -(-capacities.tile_neurons // buffers.outputs.width_bits),
        4,
    )
