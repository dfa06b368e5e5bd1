"""The result of a simulation: one object that every output (table, JSON, Python) is a view of.

What a key calls `per_inference` is the mean of the samples that were simulated; what it calls `sum` is their sum.
Documented key by key in RESULT.md, which is generated from the descriptions here (a test keeps them in step).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from spikecycle.simulator.data_frames import to_pandas, to_polars
from spikecycle.simulator.errors import UsageError
from spikecycle.simulator.notebook import one_line, to_html
from spikecycle.simulator.records import Record, records
from spikecycle.wording import printable

if TYPE_CHECKING:
    import polars

RESULT_VERSION = 2

RecordKind = Literal["layer", "category", "cause", "component", "counter"]


def of_version(data: Any, version: int, what: str) -> Any:
    """The keys of a document as they are; UsageError, in one line, if they are those of another version of it."""
    found = data.get("version", version) if isinstance(data, dict) else version
    if found != version:
        shown = " ".join(printable(str(found)[:20]).split())
        raise UsageError(
            f"this {what} has version {shown}, this program reads version {version}: run the command again"
        )
    return data


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class StorageResult(_Part):
    """A layer's weights in the machine's format."""

    weights: int = Field(description="weights of the layer, zeros included")
    zero_weights: int = Field(description="weights that are zero")
    payload_bits: int = Field(description="bits of the values stored by the format")
    metadata_bits: int = Field(
        description="bits of the format's masks, coordinates, runs or offsets, of all fibers: those that the machine "
        "does not store, as they hold only zeros, are counted, and offsets whose place its directory takes"
    )
    directory_bits: int = Field(description="bits of the machine's directory that tells where fibers start")
    stored_bits: int = Field(
        description="bits in memory: payload and metadata of what the machine stores, which can be less than the "
        "format's own, its directory, and the padding of words"
    )


class CounterResult(_Part):
    """One count and what it cost."""

    name: str = Field(description="name of the counter")
    component: str = Field(description="buffer or unit that acts")
    operand: str = Field(description="what it acts on: weights, spikes, potentials or outputs")
    action: str = Field(description="read, write, add, ...")
    resource: str = Field(description="priced as sram (memories), logic, control, crossbar, clock, wire, dram or none")
    unit: str = Field(description="what is counted")
    sum_count: int = Field(description="how often, summed over samples")
    sum_energy_pj: float = Field(description="energy of all of them, pJ")


class SpikeRaster(_Part):
    """Which neurons of a layer put out a value that is not zero, and when, in one sample."""

    sample: int = Field(description="index of the sample, the first that was simulated")
    neurons: list[int] = Field(
        description="neurons that are shown, by their index in the layer's output (channel, row, column): all of them, "
        "or some of them, evenly spaced"
    )
    rows: list[str] = Field(
        description="a text for each of these neurons, with a character per timestep: 1 where its output is not zero, "
        "else 0; the first timesteps where there are very many"
    )


class LayerResult(_Part):
    """One layer."""

    name: str = Field(description="layer name in the trace")
    operator: str = Field(description="conv1d, conv2d or linear; of other stages, the kinds of their operators")
    shape: dict[str, int | list[int]] = Field(
        description="C, H, W, M, P, Q, R, S, groups, stride, padding, dilation; of a stage without weights M, P, Q"
    )
    tiling: dict[str, int] = Field(description="how the layer was cut on this machine")
    storage: StorageResult = Field(
        description="the layer's weights in the machine's format; bits are 0 where weight_format is null"
    )
    cycles_per_inference: float = Field(description="mean cycles of a sample, from the layer's start to its end")
    energy_per_inference_pj: float = Field(description="mean energy of a sample, pJ")
    synaptic_operations_per_inference: float = Field(
        description="mean number of weights (not zero) applied because of a spike"
    )
    utilization: float = Field(description="PE-cycles with useful work / (PEs x cycles)")
    input_density: float = Field(description="share of inputs that are non-zero")
    inferences_with_weights_on_chip: int = Field(
        description="inferences, of those simulated, that found the weights on chip (machine key residency.weights)"
    )
    tensors_on_chip: dict[str, int] = Field(
        description="tensors that stayed on chip, neither loaded nor stored (machine key residency.activations), and "
        "in how many of the inferences that were simulated"
    )
    sum_cycles: int = Field(description="cycles, summed over samples")
    sum_cycle_breakdown: dict[str, int] = Field(description="the same cycles by category; they sum to `sum_cycles`")
    sum_energy_pj: float = Field(description="all counters + leakage, summed over samples, pJ")
    sum_leakage_pj: float = Field(
        description="leakage of memories and, where modelled, of logic x time, all samples, pJ"
    )
    sum_synaptic_operations: int = Field(
        description="weights (not zero) applied because of a spike, summed over samples"
    )
    sum_dense_synaptic_operations: int = Field(
        description="every weight at every timestep, spike or not, summed over samples"
    )
    sum_input_spikes: int = Field(description="non-zero inputs, summed over samples and timesteps")
    sum_output_spikes: int = Field(description="output spikes, summed over samples and timesteps")
    sum_dram_read_bits: dict[str, int] = Field(
        description="bits read from DRAM by operand, whole bursts, summed over samples"
    )
    sum_dram_write_bits: dict[str, int] = Field(
        description="bits written to DRAM by operand, whole bursts, summed over samples"
    )
    sum_busy_cycles: dict[str, int] = Field(
        description="cycles, summed over samples, in which each resource (array, core, DRAM channel) worked"
    )
    output_neurons: int = Field(default=0, description="values that the layer puts out in one timestep")
    sum_input_spikes_by_timestep: list[int] = Field(
        default_factory=list, description="non-zero inputs in each timestep, summed over samples"
    )
    sum_input_currents: int = Field(
        default=0,
        description="of the non-zero inputs, those of tensors that carry currents (sums of weights), no spikes",
    )
    sum_output_spikes_by_timestep: list[int] = Field(
        default_factory=list, description="non-zero outputs in each timestep, summed over samples"
    )
    raster: SpikeRaster | None = Field(
        default=None, description="spikes of one sample, neuron by neuron; null in results of older programs"
    )
    sum_busy_cycles_by_pe: list[int] = Field(
        default_factory=list,
        description="cycles, summed over samples, in which each PE served spikes; empty where the dataflow does not "
        "tell PEs apart",
    )
    sum_accesses_by_bank: dict[str, list[int]] = Field(
        default_factory=dict,
        description="reads and writes of each bank by memory, summed over samples and over the memory's instances; "
        "without memories of which the dataflow does not say in which bank a word lies",
    )
    counters: list[CounterResult] = Field(description="every count with its energy")

    @property
    def takes_only_currents(self) -> bool:
        """Whether no input is a spike: what neurons take that are a layer of their own."""
        return self.sum_input_spikes == self.sum_input_currents > 0


class VerificationResult(_Part):
    """Outcome of recomputing what a layer puts out."""

    layer: str = Field(description="layer name")
    recorded: bool = Field(description="whether the trace has recorded outputs to compare with")
    spikes_compared: int = Field(description="values compared, zeros included (samples x T x M x P x Q)")
    mismatches: int = Field(description="values that differ; 0 is exact")
    first_mismatch: list[int] | None = Field(description="sample, t, m, p, q of the first that differs")


class BufferArea(_Part):
    """One buffer in silicon."""

    buffer: str = Field(description="key in the machine file")
    kind: str = Field(default="sram", description="what it is made of: sram, register_file, fifo or cache")
    instances: int = Field(description="how many of it")
    size_kib: float = Field(default=0.0, description="size of one instance, KiB; 0 in results of older programs")
    width_bits: int = Field(default=0, description="width of a word, bits; 0 in results of older programs")
    banks: int = Field(default=1, description="banks of one instance, each with its ports")
    ports: int = Field(default=1, description="1: one read or write a cycle of a bank, 2: one read and one write")
    area_mm2: float = Field(description="area of all instances, mm2")
    leakage_mw: float = Field(description="leakage of all instances, mW")
    read_pj: float = Field(description="energy of one read of one instance, pJ")
    write_pj: float = Field(description="energy of one write of one instance, pJ")
    access_ns: float | None = Field(description="access time of one instance, ns; null where it is not known")
    extrapolated: bool = Field(description="whether size or width lies outside the CACTI table (fitted law)")


class LogicArea(_Part):
    """The logic of one component in silicon."""

    component: str = Field(description="what the logic belongs to")
    kind: str = Field(description="arithmetic, control, or register")
    area_mm2: float = Field(description="area of all of it, the space between its cells included, mm2")
    leakage_mw: float = Field(description="leakage of all of it, mW; 0 where it is not modelled")
    flip_flops: int = Field(description="clocked flip-flops in it; 0 where the clock is not modelled")


class SlowBuffer(_Part):
    """A buffer that cannot do what every count assumes of it: an access in a cycle."""

    buffer: str = Field(description="key in the machine file")
    access_ns: float = Field(description="access time of one instance, ns")
    period_ns: float = Field(description="a cycle of the machine's clock, ns")


class Assumptions(_Part):
    """What the numbers rest on, stated with every result."""

    dram_pj_per_bit: float | None = Field(description="energy of a DRAM bit, pJ; null without DRAM")
    sram_cell: str = Field(description="CACTI cell type")
    temperature_k: int = Field(description="temperature for leakage, K")
    node_nm: float = Field(description="process node, nm")
    energy_table: str = Field(description="energy table of logic")
    clock_gating: str = Field(description="clock gating of logic: none, enable or unit")
    glitch_factor: float = Field(description="energy of control over its energy without glitches")
    utilization: float = Field(description="area of cells over the area that logic takes")
    logic_devices: str = Field(description="devices of logic, for its leakage")
    operation: str = Field(description="what counts as one operation")
    ideal_memory: bool = Field(
        default=False, description="whether DRAM had no latency and infinite bandwidth (simulate --ideal-memory)"
    )
    residency: dict[str, object] = Field(
        description="what stays on chip: weights (inference, batch, resident), batch, activations (dram, chip)"
    )
    free_operators: list[str] = Field(
        description="operators of the network that cost nothing on this dataflow: they are not modelled"
    )


class PluginFile(_Part):
    """A plugin file that a result rests on."""

    file: str = Field(description="name of the file")
    sha256: str = Field(description="SHA-256 of its content")


class RunResult(_Part):
    """A network on a machine."""

    version: int = Field(default=RESULT_VERSION, description="version of this document")
    spikecycle: str = Field(description="version of the program")
    trace: str = Field(description="name of the trace")
    trace_sha256: str = Field(description="SHA-256 of the trace file")
    machine_file: str = Field(description="machine file, or the name of a shipped one; empty for one made in Python")
    machine_overrides: dict[str, object] = Field(
        description="keys of the machine file that were replaced (options --set, --format, --residency), with their "
        "values"
    )
    machine_sha256: str = Field(
        description="fingerprint of the whole machine, overrides applied: SHA-256 of `machine` as JSON with sorted "
        "keys and without blanks"
    )
    base_machine_sha256: str | None = Field(
        description="the same of the machine without overrides; null where the file is no valid machine by itself"
    )
    plugins: list[PluginFile] = Field(
        default=[], description="plugin files (--plugin) of the dataflow, formats or overlap policy that were used"
    )
    dataflow: str = Field(description="dataflow of the machine")
    weight_format: str | None = Field(description="format of the weights; null where the machine has none")
    spike_format: str | None = Field(description="format of the spikes; null where the machine has none")
    overlap: str = Field(description="policy by which work and memory overlap")
    samples: list[int] = Field(description="indices of the samples that were simulated")
    timesteps: int = Field(description="timesteps per sample")
    clock_mhz: int | float = Field(description="clock, MHz")
    pes: int = Field(description="processing elements")
    peak_additions_per_cycle: int = Field(
        default=0, description="adders of the array: synaptic operations per cycle at most; 0 where not known"
    )
    cycles_per_inference: float = Field(description="mean cycles of a sample")
    seconds_per_inference: float = Field(description="mean time of a sample, s")
    energy_per_inference_pj: float = Field(description="mean energy of a sample, pJ")
    edp_per_inference_js: float = Field(description="mean energy x mean time of a sample, J s")
    synaptic_operations_per_inference: float = Field(
        description="mean number of weights (not zero) applied because of a spike"
    )
    utilization: float = Field(description="PE-cycles with useful work / (PEs x cycles)")
    area_mm2: float = Field(description="area of memories and logic, mm2")
    logic_area_mm2: float = Field(description="logic part of it, mm2")
    cycles_per_sample: list[int] = Field(description="cycles of each sample")
    sum_cycles: int = Field(description="cycles of all samples together")
    sum_cycle_breakdown: dict[str, int] = Field(
        description="cycles of all samples by category; where stages overlap, along the critical path"
    )
    sum_energy_pj: float = Field(description="energy of all layers and samples, pJ")
    sum_energy_by_component_pj: dict[str, float] = Field(description="the same by component, leakage included")
    sum_synaptic_operations: int = Field(description="weights (not zero) applied because of a spike, all samples")
    sum_dense_synaptic_operations: int = Field(description="every weight at every timestep, all samples")
    layers: list[LayerResult] = Field(description="layers in order")
    buffers: list[BufferArea] = Field(description="the buffers in silicon")
    logic: list[LogicArea] = Field(description="the logic in silicon, by component")
    too_slow: list[SlowBuffer] = Field(
        description="buffers slower than the clock: the machine cannot run as simulated unless this is empty"
    )
    not_modelled: list[str] = Field(description="what costs nothing in this result, though it would in hardware")
    area_leaves_out: list[str] = Field(description="what is on the chip, but not in the area")
    verification: list[VerificationResult] | None = Field(description="per layer, where verification was asked for")
    assumptions: Assumptions = Field(description="what the numbers rest on")
    machine: dict[str, object] = Field(description="the whole machine, overrides applied")
    provenance: dict[str, object] = Field(description="the trace's own provenance")

    @model_validator(mode="before")
    @classmethod
    def _is_of_this_version(cls, data: Any) -> Any:
        return of_version(data, RESULT_VERSION, "result of spikecycle simulate")

    @property
    def prices_energy(self) -> bool:
        """Whether the machine prices energy: one that prices none adds up 0, which is no energy but an unknown one."""
        return bool(self.sum_energy_pj)

    @property
    def models_area(self) -> bool:
        """Whether the machine models an area: 0 is an unknown one."""
        return bool(self.area_mm2)

    def __repr__(self) -> str:
        return f"<RunResult: {one_line(self)}>"

    __str__ = __repr__

    def _repr_html_(self) -> str:
        """For notebooks: totals, layers and categories as tables that need nothing else."""
        return to_html(self)

    def to_records(self, by: RecordKind = "layer") -> list[Record]:
        """Flat rows for Polars, pandas or a CSV file: `polars.DataFrame(result.to_records("counter"))`.

        by: one row per "layer", per "category" of cycles (or "cause", the same) and layer, per "component" that takes
        energy and layer, or per "counter" and layer. Values are means per inference, as the keys say, with their unit.
        Every row names trace, machine, overrides and fingerprint, so that rows of several results can lie in one table.
        """
        return records(self, by)

    def to_polars(self, by: RecordKind = "layer") -> polars.DataFrame:
        """The rows of `to_records` as a data frame of Polars; UsageError, saying what to do, where it is not there."""
        return to_polars(records(self, by))

    def to_pandas(self, by: RecordKind = "layer") -> Any:
        """The rows of `to_records` as a data frame of pandas; UsageError, saying what to do, where it is not there."""
        return to_pandas(records(self, by))
