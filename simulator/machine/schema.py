"""The sections that every machine file has. A dataflow adds its own parameters and names its buffers."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, model_validator

from spikecycle.simulator.machine.parts import LogicUnit, Memory, MemoryKind
from spikecycle.simulator.units import kib_to_bits

if TYPE_CHECKING:
    from spikecycle.traces import Neuron

LARGEST_INT = 10**6
"""Of any count, width or rate in a machine file: far beyond hardware, and products of a few still fit 64 bits."""
LARGEST_FLOAT = 10**9
"""Of any size, time or energy in a machine file: 1 TiB in KiB, 1 s in ns."""

PositiveInt = Annotated[int, Field(ge=1, le=LARGEST_INT)]
PositiveFloat = Annotated[float, Field(gt=0, le=LARGEST_FLOAT, allow_inf_nan=False)]


def _in_thousandths(value: float) -> float:
    if (Fraction(repr(value)) * 1000).denominator != 1:
        raise ValueError(f"at most three decimals are possible, found {value!r}")
    return int(value) if value % 1 == 0 else value


Rate = Annotated[float, Field(ge=0.001, le=LARGEST_INT, allow_inf_nan=False), AfterValidator(_in_thousandths)]
"""A frequency or bandwidth: decimal, in steps of a thousandth, so that cycles that follow from it are exact."""
NonNegativeFloat = Annotated[float, Field(ge=0, le=LARGEST_FLOAT, allow_inf_nan=False)]


def _one_line(text: str) -> str:
    if not text or not text.isprintable():
        raise ValueError("one line of text is needed")
    return text


Name = Annotated[str, Field(max_length=120), AfterValidator(_one_line)]
"""What messages and reports call something."""


class Section(BaseModel):
    """A part of a machine file: unknown keys, wrong types, NaN and infinities are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Technology(Section):
    """Process and clock."""

    node_nm: PositiveFloat
    """Process node, nm."""
    clock_mhz: Rate
    """Clock of array and buffers, MHz."""
    sram_cell: str = "itrs-lstp"
    """CACTI cell type of every SRAM; leakage depends on it by orders of magnitude."""
    temperature_k: PositiveInt = 300
    """Junction temperature for leakage, K."""


class Logic(Section):
    """How logic is built; what it costs is in the energy table."""

    clock_gating: Literal["none", "enable", "unit"] = "enable"
    """None: every flip-flop is clocked in every cycle. Enable: those with an enable only when it is set. Unit: besides,
    a unit is clocked only while it works."""
    glitch_factor: Annotated[float, Field(ge=1, le=10)] = 1.4
    """Energy of control over its energy if every net changed at most once a cycle."""
    utilization: Annotated[float, Field(gt=0, le=1)] = 0.7
    """Area of cells over the area that they are placed in."""
    devices: str = "lstp"
    """Devices that logic is made of, for its leakage: an entry of the energy table's leakage."""


class Buffer(Section):
    """One on-chip memory (per instance: a buffer inside a PE is given for one PE)."""

    size_kib: PositiveFloat
    """Capacity of one instance, KiB."""
    width_bits: Annotated[int, Field(ge=1, le=4096)]
    """Bits of one access."""
    banks: Annotated[int, Field(ge=1, le=1024)] = 1
    """Independently addressed banks; word address a lies in bank a mod banks."""
    ports: Literal[1, 2] = 1
    """Ports of a bank: 1 = one read or write a cycle, 2 = one read and one write a cycle."""
    kind: MemoryKind = "sram"
    """What it is made of, which decides how it is priced."""
    bank_wires: Literal["shared", "local"] = "shared"
    """Shared: one memory, whose wires reach every bank, at every access. Local: each bank is a memory of its own beside
    what uses it, whose wires the dataflow counts."""
    ways: Annotated[int, Field(ge=1, le=64)] = 1
    """Lines that a cache looks at together (kind: cache)."""
    line_bits: Annotated[int, Field(ge=1, le=LARGEST_INT)] | None = None
    """Bits that a tag of a cache stands for (kind: cache)."""
    address_bits: Annotated[int, Field(ge=1, le=64)] = 32
    """Bits of the address of a byte, of which a cache keeps the upper ones as tag (kind: cache)."""

    @model_validator(mode="after")
    def _lines_are_a_caches(self) -> Buffer:
        if (self.kind == "cache") != (self.line_bits is not None):
            raise ValueError("line_bits goes with kind: cache, and only with it")
        if self.line_bits is not None and self.line_bits * self.ways > self.capacity_bits:
            raise ValueError(f"a cache holds at least one line a way, found {self.ways} x {self.line_bits} bits")
        return self

    @property
    def capacity_bits(self) -> int:
        """Whole bits of one instance."""
        return kib_to_bits(self.size_kib)

    @property
    def words(self) -> int:
        """Whole words of one instance."""
        return self.capacity_bits // self.width_bits


class Dram(Section):
    """Off-chip memory: one channel; a transfer moves whole bursts."""

    bandwidth_gbit_per_s: Rate
    """Peak bandwidth, 10^9 bits per second."""
    burst_bits: PositiveInt
    """Smallest transfer, bits."""
    latency_ns: NonNegativeFloat
    """From request to first data, ns; hidden behind earlier transfers."""
    energy_pj_per_bit: PositiveFloat
    """Energy of one bit moved, I/O included, pJ; of a bit written too, unless that is given apart."""
    write_energy_pj_per_bit: PositiveFloat | None = None
    """Energy of one bit written, where it is another than that of a bit read, pJ."""
    row_bits: PositiveInt | None = None
    """Bits of an open row (page) of all chips together: without it, rows are not modelled."""
    activate_pj: NonNegativeFloat | None = None
    """Energy to open and close a row, pJ."""
    row_miss_ns: NonNegativeFloat | None = None
    """Time that the channel is held up by opening a row, ns: without it, row misses take no time."""
    turnaround_ns: NonNegativeFloat | None = None
    """Time that the channel is held up by changing from reads to writes or back, ns: without it, none."""
    background_mw: NonNegativeFloat | None = None
    """Power of the memory that does nothing (standby, refresh, clock), mW: without it, it is not modelled."""

    def ideal(self) -> Dram:
        """The same memory without latency and with infinite bandwidth, which no machine file can ask for: it moves the
        same bits for the same energy, in no time."""
        no_time = {"latency_ns": 0.0, "row_miss_ns": None, "turnaround_ns": None}
        return self.model_copy(update={"bandwidth_gbit_per_s": math.inf, **no_time})

    @property
    def is_ideal(self) -> bool:
        """Whether it moves bits in no time (`ideal`)."""
        return math.isinf(self.bandwidth_gbit_per_s)

    @model_validator(mode="after")
    def _activations_are_of_rows(self) -> Dram:
        if (self.row_bits is None) != (self.activate_pj is None):
            raise ValueError("row_bits and activate_pj go together")
        if self.row_miss_ns is not None and self.row_bits is None:
            raise ValueError("row_miss_ns goes with row_bits")
        return self


AUTO = "auto"
"""In place of a weight format's name: the best one, operator by operator."""

WeightAxis = Literal["output_channel", "input_channel", "kernel", "fan_in"]
LeastOf = Literal["energy", "cycles", "edp"]


RunBits = Annotated[int, Field(ge=1, le=16)]
IndexBits = Annotated[int, Field(ge=1, le=12)]
GroupSize = Annotated[int, Field(ge=1, le=64)]


class WeightFormatChoice(Section):
    """How weights are stored. Keys that the format does not have are of no effect; null leaves it its own."""

    format: str
    """A weight format's name, or "auto"."""
    auto_by: LeastOf = "energy"
    """What "auto" makes least, operator by operator: energy, cycles, or energy x cycles."""
    run_bits: RunBits = 5
    """Bits of a run of zeros (rle)."""
    index_bits: IndexBits | None = None
    """Bits of an index into the codebook (codebook, eie)."""
    kept: GroupSize | None = None
    """Weights that a group stores: the N of N:M (n_of_m)."""
    group: GroupSize | None = None
    """Weights of a group: the M of N:M (n_of_m)."""
    group_axis: WeightAxis | None = None
    """What the weights of a group are neighbours along (n_of_m)."""


class SpikeFormatChoice(Section):
    """How spikes are stored. Keys that the format does not have are of no effect."""

    format: str
    run_bits: RunBits = 5
    """Bits of a run of silent positions (run_length)."""


def _named(choice: Any) -> Any:
    """A bare name is short for {format: name}."""
    return {"format": choice} if isinstance(choice, str) else choice


class OperatorWeightFormat(Section):
    """How the weights of one operator are stored; keys as in `WeightFormatChoice`, null: as the machine's."""

    format: str
    auto_by: LeastOf | None = None
    run_bits: RunBits | None = None
    index_bits: IndexBits | None = None
    kept: GroupSize | None = None
    group: GroupSize | None = None
    group_axis: WeightAxis | None = None


class OperatorFormats(Section):
    """The formats of one operator, in place of the machine's."""

    weights: Annotated[OperatorWeightFormat, BeforeValidator(_named)]


class Formats(Section):
    """Formats by operand. Spikes have one for all: what one operator writes, another reads."""

    weights: WeightFormatChoice
    spikes: SpikeFormatChoice
    per_operator: dict[str, OperatorFormats] = {}
    """Formats of single operators (layers), by the operator's name."""

    def weights_of(self, operator: str) -> WeightFormatChoice:
        """How the weights of an operator are stored."""
        own = self.per_operator.get(operator)
        return (
            self.weights if own is None else self.weights.model_copy(update=own.weights.model_dump(exclude_none=True))
        )


class Residency(Section):
    """What stays on chip between inferences and between stages; see `spikecycle.simulator.residency`."""

    weights: Literal["inference", "batch", "resident"] = "inference"
    """Weights are loaded in every inference, once in every batch of inferences, or were loaded before the first."""
    batch: PositiveInt = 1
    """Inferences of a batch (weights: batch)."""
    activations: Literal["dram", "chip"] = "dram"
    """Tensors between stages go through DRAM, or stay on chip where they fit."""

    @model_validator(mode="after")
    def _batch_has_a_size(self) -> Residency:
        if (self.weights == "batch") != (self.batch > 1):
            raise ValueError("weights: batch and a batch of at least 2 inferences go together")
        if self.weights == "batch" and self.activations == "chip":
            raise ValueError(
                "weights: batch runs a stage for all inferences of a batch before the next stage, so that activations "
                "cannot stay on chip: it needs activations: dram"
            )
        return self


class Energy(Section):
    """What an action costs."""

    table: str
    """Energy table of hwconfigs/energy, by name."""
    on_chip_power_mw: PositiveFloat | None = None
    """Published power of the chip, DRAM apart, mW: then on-chip energy is this power x time, in place of the prices of
    what the chip does, and of its leakage."""


class DataflowParameters(Section):
    """Parameters of a dataflow; each dataflow derives its own."""

    kind: str

    def refusal(self, neuron: Neuron) -> str:
        """What neurons need that the machine does not have, and the key that gives it; empty where there is nothing."""
        return ""


class Buffers(Section):
    """The buffers of a dataflow; each dataflow derives its own, one field a buffer."""


@dataclass(frozen=True)
class MachineOrigin:
    """Where a machine comes from: a file, and what was changed of it.

    file: its path, or the name of a shipped one. sha256: fingerprint of the machine as the file has it
    (`Machine.fingerprint`), None where the file is a machine only together with the overrides. overrides: values that
    replaced the file's, by the path of their key.
    """

    file: str
    sha256: str | None
    overrides: Mapping[str, Any]


class Machine(Section):
    """A machine. Each dataflow derives one with its own `dataflow` and `buffers` sections.

    `sources` maps a key or a prefix of keys ("buffers.weights") to where its numbers come from; "assumed: ..." says so.
    """

    name: Name
    """What results call the machine."""
    describes: str
    """What it is, and after what; its first sentence is on lists."""
    sources: dict[str, str]
    """Where the numbers of a key, or of all keys that begin so, come from."""
    technology: Technology
    """Process and clock."""
    logic: Logic = Logic()
    """How logic is built."""
    dataflow: DataflowParameters
    """Which dataflow runs on it, and its parameters."""
    buffers: Buffers
    """On-chip memories."""
    dram: Dram | None = None
    """Off-chip memory, where the dataflow moves anything from or to it."""
    formats: Formats | None = None
    """How weights and spikes are stored."""
    energy: Energy
    """What actions cost."""
    residency: Residency = Residency()
    """What stays on chip."""
    overlap: dict[str, Any] = Field(default_factory=dict)
    """Policy by which work and memory overlap, and its options (`spikecycle.simulator.schedule`); the dataflow's first
    policy unless given."""
    _origin: MachineOrigin | None = PrivateAttr(default=None)

    def __eq__(self, other: object) -> bool:
        """Whether all keys are equal, wherever the machines come from."""
        return type(other) is type(self) and isinstance(other, Machine) and self.model_dump() == other.model_dump()

    @property
    def origin(self) -> MachineOrigin:
        """The file it was read from and the changes since; of a machine made in Python, itself without changes."""
        return self._origin or MachineOrigin("", self.fingerprint(), {})

    def came_from(self, origin: MachineOrigin) -> Self:
        """The same machine with its origin told."""
        copy = self.model_copy()
        copy._origin = origin
        return copy

    def fingerprint(self) -> str:
        """SHA-256, in hexadecimal, of all keys with their values, as JSON with sorted keys and without blanks."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def pe_count(self) -> int:
        """Processing elements in the array."""
        raise AssertionError("a dataflow's machine says how many PEs it has")

    def instances(self, buffer: str) -> int:
        """How many of `buffer` the machine has: 1, or one per PE."""
        raise AssertionError(f"a dataflow's machine says how many instances of {buffer} it has")

    def memories(self) -> tuple[Memory, ...]:
        """The on-chip memories, in the order of the file format."""
        return tuple(self._memory(key, buffer) for key, buffer in self.buffer_items().items())

    def _memory(self, key: str, buffer: Buffer) -> Memory:
        apart = buffer.banks if buffer.bank_wires == "local" else 1
        return Memory(
            name=key,
            kind=buffer.kind,
            size_kib=buffer.size_kib / apart,
            width_bits=buffer.width_bits,
            banks=buffer.banks // apart,
            ports=buffer.ports,
            instances=self.instances(key) * apart,
            ways=buffer.ways,
            line_bits=buffer.line_bits or 0,
            address_bits=buffer.address_bits if buffer.kind == "cache" else 0,
        )

    def units(self) -> tuple[LogicUnit, ...]:
        """The logic of the whole array, for area, leakage and clock."""
        raise AssertionError("a dataflow's machine lists its logic")

    def unmodelled(self) -> tuple[str, ...]:
        """What the dataflow does that is neither counted nor in the area, in words; whatever is priced is not here."""
        return ()

    def buffer_items(self) -> dict[str, Buffer]:
        """The buffers by key, in the order of the file format."""
        return {key: getattr(self.buffers, key) for key in type(self.buffers).model_fields}
