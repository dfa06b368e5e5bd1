"""Patterns and corrections: slices of spikes are replaced by patterns whose products are known (Phi, ISCA 2025).

MICROARCHITECTURE.md beside this file has the rules. `patterns` calibrates, `kernels` replaces and counts cycles.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Annotated, Literal, NamedTuple, cast

import numpy as np
from pydantic import Field

from spikecycle.simulator.activity import Activity, Counter
from spikecycle.simulator.array_types import UInt16
from spikecycle.simulator.dataflows.memory import LayerSizes
from spikecycle.simulator.dataflows.pattern_correction.clustering import SLICE_BITS
from spikecycle.simulator.dataflows.pattern_correction.kernels import (
    KnownSlices,
    LevelLimits,
    ReplaceRoom,
    replace_slices,
)
from spikecycle.simulator.dataflows.pattern_correction.patterns import Patterns, patterns_of
from spikecycle.simulator.dataflows.pattern_correction.slices import KINDS, PER_WORD, CountRoom, SeenSlices, slices_of
from spikecycle.simulator.dataflows.rule import OperatorRun, RuleMachine, rule
from spikecycle.simulator.dataflows.rule_memory import rows_bytes, some_rows, timesteps_together
from spikecycle.simulator.dataflows.stage import Network, Stage, StageSample
from spikecycle.simulator.errors import UsageError
from spikecycle.simulator.machine.parts import LogicUnit
from spikecycle.simulator.machine.schema import DataflowParameters, Dram, PositiveInt, Section
from spikecycle.simulator.memory import Need
from spikecycle.simulator.replay import SampleTensors
from spikecycle.simulator.workload import SynapseWorkload
from spikecycle.simulator.workload.im2col import WORD_BITS
from spikecycle.traces import Synapse, Trace, TraceError, open_trace

__all__ = ["PATTERN_CORRECTION", "PatternCorrectionMachine"]

SUM_BITS = 16
"""Width of a sum: assumed, as products of 16 8-bit weights have 12 bits."""


class PatternCalibration(Section):
    """Where patterns come from."""

    trace: str | None = None
    """A trace of the same network with spikes of a training split; the simulated one if there is none."""
    samples: PositiveInt
    """Of its samples, how many are used, from the first."""
    patterns: Annotated[int, Field(ge=1, le=4096)]
    """Patterns of a slice, at most."""
    iterations: PositiveInt
    """Of k-means."""
    seed: Annotated[int, Field(ge=0, le=2**32 - 1)]


class PatternCorrectionParameters(DataflowParameters):
    """The section `dataflow`."""

    kind: Literal["pattern_correction"]
    tile_rows: PositiveInt
    """Rows of a tile."""
    lanes: PositiveInt
    """Output channels of a tile."""
    channels: PositiveInt
    """Patterns, and corrections, that a level takes in a cycle."""
    ids_per_cycle: PositiveInt
    """Slices that level 1 looks at in a cycle."""
    product_bits: PositiveInt
    """Of a product of a pattern and the weights of an output channel."""
    update_lanes: PositiveInt
    """Neurons that are updated at once."""
    calibration: PatternCalibration


class PatternCorrectionMachine(RuleMachine):
    """A machine that knows the products of patterns."""

    dataflow: PatternCorrectionParameters
    dram: Dram

    @property
    def pe_count(self) -> int:
        """Adders of both levels."""
        return 2 * self.dataflow.channels * self.dataflow.lanes

    def units(self) -> tuple[LogicUnit, ...]:
        """The adders of both levels."""
        return (LogicUnit("pe", "add", bits=SUM_BITS, count=self.pe_count),)

    def unmodelled(self) -> tuple[str, ...]:
        """What has no count."""
        return ("pattern matchers", "packers", "buffers", "neuron units")


ADD_PATTERN = Counter(
    "pattern.add", "pe", "potentials", "add", "logic", "operations", "the product of a pattern is added to a sum",
    bits=SUM_BITS,
)  # fmt: skip
ADD_CORRECTION = Counter(
    "correction.add", "pe", "potentials", "add", "logic", "operations", "a weight is added to a sum, or taken off",
    bits=SUM_BITS,
)  # fmt: skip
WITH_PATTERN = Counter(
    "slices.pattern", "slices", "spikes", "match", "none", "slices", "slices that a pattern replaces"
)
CORRECTED = Counter("slices.correction", "slices", "spikes", "match", "none", "bits", "bits that differ from patterns")

KEPT_BYTES = 2**24
"""Of slices of training samples of one operator that are kept for their run, and of what is known to replace slices."""
KNOWN_BYTES, PATTERN_BYTES, PLACE_BYTES = 6, 24, 40
"""Of a slice whose match is known, of a pattern, of a place."""


def _memory(machine: PatternCorrectionMachine, sizes: LayerSizes) -> Iterator[Need]:
    """Rows of spikes, and those of training samples that are kept; which slices there are at every place, of which all
    may differ."""
    shape, chosen = sizes.shape, machine.dataflow.calibration
    positions = shape.P * shape.Q
    planes = _planes_of_tiles(machine.dataflow.tile_rows, positions)
    together = timesteps_together(sizes, planes) * sizes.input_bits * positions
    whole, rest = divmod(shape.fan_in, SLICE_BITS)
    rows = chosen.samples * sizes.timesteps * sizes.input_bits * positions
    most = shape.groups * (whole * min(KINDS, rows) + (min(1 << rest, rows) if rest else 0))
    places = shape.groups * -(-shape.fan_in // WORD_BITS) * PER_WORD
    yield some_rows(sizes, planes)
    yield Need(min(KEPT_BYTES, chosen.samples * sizes.timesteps * rows_bytes(sizes)), "slices of training samples")
    yield Need(min(KEPT_BYTES, KNOWN_BYTES * most), f"known slices at {places} places")
    counted = SeenSlices.bytes_each(rows) * (2 * most + places * min(KINDS, together))
    yield Need(counted, f"slices that may be seen at {places} places (C x R x S)", is_kept=False)
    patterns = min(most, chosen.patterns * places)
    yield Need(PATTERN_BYTES * patterns + PLACE_BYTES * places, f"patterns of {places} places")


PATTERN_CORRECTION = rule(
    "pattern_correction",
    machine=PatternCorrectionMachine,
    summary="slices of spikes as patterns with known products, and corrections (Phi)",
    free=("add", "concatenate", "pool"),
    demands=(
        "groups", "dilation", "a delayed input", "several inputs", "a neuron of two states",
        "a neuron that does not fire", "a leak per neuron", "a threshold per neuron", "a start potential",
        "a reset in the next timestep", "an input without weights",
    ),
    counters=(ADD_PATTERN, ADD_CORRECTION, WITH_PATTERN, CORRECTED),
    memory=_memory,
)  # fmt: skip


class Calibrated(NamedTuple):
    """What calibration leaves: the patterns of an operator, and what they replace in the training samples.

    slices: by sample, some timesteps at a time, of samples that are simulated as well: taken out by their run.
    """

    patterns: Patterns
    known: KnownSlices
    slices: dict[int, list[UInt16]]


@PATTERN_CORRECTION.prepares("conv1d", "conv2d", "linear")
def calibrate(machine: PatternCorrectionMachine, operator: Synapse, network: Network) -> Calibrated:
    """The patterns of every group of an operator."""
    chosen = machine.dataflow.calibration
    groups = operator.shape.groups
    seen, room = SeenSlices.none(groups * -(-operator.shape.fan_in // SLICE_BITS)), CountRoom.empty()
    kept: dict[int, list[UInt16]] = {}
    left = KEPT_BYTES if chosen.trace is None else 0
    with ExitStack() as opened:
        trace = cast(Trace, network)
        if chosen.trace is not None:
            trace = opened.enter_context(_training_trace(chosen.trace))
        for sample, work in enumerate(_training_samples(trace, operator, chosen)):
            left -= work.T * work.im2col_bytes
            of_sample = kept.setdefault(sample, []) if left >= 0 else None
            for slices in _slice_blocks(work, machine.dataflow.tile_rows):
                seen = seen.plus(slices, room)
                if of_sample is not None:
                    of_sample.append(slices)
    patterns = patterns_of(seen, chosen.patterns, chosen.iterations, chosen.seed, groups)
    return Calibrated(patterns, KnownSlices.of(seen, patterns, chosen.patterns, KEPT_BYTES), kept)


def _training_trace(named: str) -> Trace:
    """The trace that patterns are calibrated on; UsageError, naming the key, where it cannot be opened."""
    try:
        return open_trace(named)
    except TraceError as error:
        raise UsageError(f"dataflow.calibration.trace: {error}") from error


def _training_samples(trace: Trace, operator: Synapse, chosen: PatternCalibration) -> Iterator[SynapseWorkload]:
    """The workloads of an operator in the training samples."""
    same = next((other for other in trace.operators if other.name == operator.name), None)
    if not isinstance(same, Synapse) or same.shape != operator.shape:
        raise UsageError(
            f"dataflow.calibration.trace: {chosen.trace} has no operator {operator.name!r} of the shape that it has in "
            "the trace that is simulated"
        )
    for sample in range(min(chosen.samples, trace.samples)):
        yield StageSample(Stage(same.name, (same,)), SampleTensors(trace, sample)).workload(same)


def _slice_blocks(work: SynapseWorkload, tile_rows: int) -> Iterator[UInt16]:
    """The slices of all rows of a sample, some timesteps at a time, whose rows are whole tiles but for the last."""
    return map(slices_of, work.plane_blocks(_planes_of_tiles(tile_rows, work.positions), word_major=True))


def _planes_of_tiles(tile_rows: int, positions: int) -> int:
    """Bit planes whose rows are whole tiles."""
    return tile_rows // math.gcd(tile_rows, positions)


@PATTERN_CORRECTION.runs("conv1d", "conv2d", "linear")
def synapses(machine: PatternCorrectionMachine, run: OperatorRun) -> Activity:
    """Patterns, corrections and cycles, group after group."""
    parameters = machine.dataflow
    work = run.workload
    limits = LevelLimits(parameters.tile_rows, parameters.ids_per_cycle, parameters.channels)
    totals = np.zeros(4, np.int64)
    prepared: Calibrated = run.prepared
    room = ReplaceRoom.empty(parameters.calibration.patterns)
    kept = prepared.slices.pop(run.sample.tensors.sample, None)
    for slices in _slice_blocks(work, parameters.tile_rows) if kept is None else kept:
        replace_slices(slices, prepared.patterns, prepared.known, limits, room, totals)
    with_pattern, corrections, used, cycles = totals.tolist()
    channels = work.output_channels // work.groups
    row_tiles = -(-work.T * work.input_bits * work.positions // parameters.tile_rows)
    id_bits = max(1, (parameters.calibration.patterns - 1).bit_length())
    products = used * channels * parameters.product_bits
    adds = with_pattern * channels, corrections * channels
    return Activity.total(
        {"compute": cycles * -(-channels // parameters.lanes)},
        reads={
            "weights": row_tiles * work.weights.size * work.weight_bits + products,
            "spikes": work.input_values * work.input_bits + with_pattern * id_bits,
        },
        counts={
            ADD_PATTERN.name: adds[0],
            ADD_CORRECTION.name: adds[1],
            WITH_PATTERN.name: with_pattern,
            CORRECTED.name: corrections,
        },
        busy={"pe": sum(adds)},
    )


@PATTERN_CORRECTION.runs("neuron")
def neurons(machine: PatternCorrectionMachine, run: OperatorRun) -> Activity:
    """Neurons are updated some at once, and store what they send."""
    values = run.outputs * run.timesteps
    cycles = run.timesteps * -(-run.outputs // machine.dataflow.update_lanes)
    return Activity.total({"compute": cycles}, writes={"outputs": values * run.operator.output.bits})
