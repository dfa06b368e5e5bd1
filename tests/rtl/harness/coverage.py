"""What the RTL covers, and the parameters that make it a given machine."""

from __future__ import annotations

from dataclasses import dataclass

from tests.rtl.harness.bundles import constants
from tests.rtl.harness.simulator import LayerTask, SpikeArrayMachine

FORMATS = {
    "uncompressed": "UNCOMPRESSED",
    "ubm": "UBM",
    "bitmask": "BITMASK",
    "cp": "COORDINATES",
    "csr": "COORDINATES",
    "rle": "RUNS",
    "uop": "UOP",
}


class NotCoveredError(Exception):
    """The RTL is narrower than the machine or the layer; the message names the parameter."""


@dataclass(frozen=True)
class Capacities:
    """Sizes of registers and buffers that the text leaves to the layer: rows of the fiber table, words of the longest
    fiber, local channels of a tile, neurons of a tile."""

    fibers: int
    fiber_words: int
    channels: int
    tile_neurons: int

    def at_least(self, other: Capacities) -> Capacities:
        """What serves both."""
        return Capacities(*(max(pair) for pair in zip(_values(self), _values(other), strict=True)))

    def rounded(self) -> Capacities:
        """Powers of two."""
        return Capacities(*(1 << (value - 1).bit_length() for value in _values(self)))


def _values(capacities: Capacities) -> tuple[int, int, int, int]:
    return capacities.fibers, capacities.fiber_words, capacities.channels, capacities.tile_neurons


def check_machine(machine: SpikeArrayMachine) -> None:
    """NotCoveredError, naming the key, for a machine that the RTL cannot be made into."""
    flow, buffers = machine.dataflow, machine.buffers
    if machine.formats.weights.format not in FORMATS:
        raise NotCoveredError(f"formats.weights.format: the RTL has no decoder of {machine.formats.weights.format}")
    load = constants()["LOAD_BITS"]
    _check_most(
        {
            "dataflow.pes": (flow.pes, 255),
            "dataflow.lanes": (flow.lanes, 255),
            "dataflow.update_lanes": (flow.update_lanes, 255),
            "buffers.spikes.width_bits": (buffers.spikes.width_bits, load),
            "buffers.weights.width_bits": (buffers.weights.width_bits, load),
            "buffers.directory.width_bits": (buffers.directory.width_bits, load),
            "buffers.potentials.width_bits": (buffers.potentials.width_bits, load // 2),
            "buffers.potentials.banks": (buffers.potentials.banks, 255),
        }
    )


def check_layer(task: LayerTask) -> None:
    """NotCoveredError, naming the attribute, for a layer that the RTL's registers cannot describe."""
    shape = task.shape
    coordinate = (1 << constants()["COORDINATE_BITS"]) - 1
    _check_most(
        {
            "weight_bits": (task.weight_bits, constants()["VALUE_BITS"]),
            "input_bits": (task.input_bits, constants()["INPUT_BITS"]),
            "C": (shape.C, coordinate),
            "M": (shape.M, coordinate),
            "H": (shape.H + 2 * shape.padding[0], coordinate),
            "W": (shape.W + 2 * shape.padding[1], coordinate),
            "R": (shape.R, 255),
            "S": (shape.S, 255),
            "stride": (max(shape.stride), 255),
        }
    )


def _check_most(limits: dict[str, tuple[int, int]]) -> None:
    for name, (found, most) in limits.items():
        if found > most:
            raise NotCoveredError(f"{name}: the RTL covers at most {most}, found {found}")


def parameters(machine: SpikeArrayMachine, capacities: Capacities) -> dict[str, int | str]:
    """The parameters of the RTL's top module."""
    check_machine(machine)
    flow, buffers = machine.dataflow, machine.buffers

    def words(name: str) -> int:
        buffer = getattr(buffers, name)
        return int(buffer.capacity_bits // buffer.width_bits)

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
        "SPIKE_WORDS": words("spikes"),
        "WEIGHT_BITS": buffers.weights.width_bits,
        "WEIGHT_WORDS": words("weights"),
        "DIRECTORY_BITS": buffers.directory.width_bits,
        "DIRECTORY_WORDS": words("directory"),
        "POTENTIAL_BITS": buffers.potentials.width_bits,
        "POTENTIAL_WORDS": words("potentials"),
        "BANKS": buffers.potentials.banks,
        "PORTS": buffers.potentials.ports,
        "OUTPUT_BITS": buffers.outputs.width_bits,
        "OUTPUT_WORDS": words("outputs"),
        "FIBER_WORDS": capacities.fiber_words,
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
