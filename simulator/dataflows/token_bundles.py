"""Token-time bundles: spiking transformers on a dense, a sparse and an attention core.

Bishop (ISCA 2025). Spikes of a feature (a column of the im2col matrix) are bundled: `bundle_tokens` neighbouring tokens
(output positions) by `bundle_timesteps` timesteps. A bundle in which nothing spikes is not stored, and where possible
not computed. A PE takes a bundle with a weight in one cycle: it has an accumulator for each place of the bundle, and
adds where there is a spike (select-accumulate).

Convolutions and linear operators: the *stratifier* sends a feature to the dense core if at least
`dense_from_percent` of its bundles are active, else to the sparse core. Both work side by side, and the operator takes
as long as the slower.

- Dense core, an output-stationary systolic array of `dense_rows` bundles by `dense_columns` output channels: a tile of
  r bundles and c channels takes 2 r + c + K - 2 cycles for the K dense features, active or not.
- Sparse core, with a network that keeps all of its PEs busy: active bundles of sparse features x output channels /
  `sparse_pes`.

Attention (products of two tensors): AND-accumulate on `attention_pes` PEs. A bundle of tokens of an operand (all
features of a head) is left out if it has fewer than `prune_below` features in which its bundle is active, and always
if it has none: error-constrained pruning, which the paper does below 6 (below 10 on DVS gestures) with networks trained
for it; 0 or 1 leaves the product exact. What is left of rows x inner x columns of a head and timestep is shared out to
the PEs.

**Assumed**, as the sizes of bundles and cores are not public: all of them (`hwconfigs/bishop.yaml`). Assumed as well:
values of several bits are as many timesteps as they have bits; in an attention product they count as they are; groups
and heads follow each other; weights are loaded once, and operands as active bundles with a bit for every bundle.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal, NamedTuple, cast

import numpy as np
from pydantic import Field

from spikecycle.simulator.activity import Activity, Counter
from spikecycle.simulator.array_types import Bools, Frames, Int64, UInt64
from spikecycle.simulator.dataflows.rule import OperatorRun, RuleMachine, rule
from spikecycle.simulator.dataflows.rule_memory import groups_need, some_rows
from spikecycle.simulator.machine.parts import LogicUnit
from spikecycle.simulator.machine.schema import DataflowParameters, Dram, PositiveInt
from spikecycle.simulator.workload.words import column_ones
from spikecycle.traces import AttentionProduct, TensorSpec
from spikecycle.traces.frames import block_timesteps, blocks, frame_shape

GROUP_BYTES = 1000
"""Of what is found of a group."""
ACCUMULATOR_BITS = 16
"""Width of a sum: assumed."""


class TokenBundlesParameters(DataflowParameters):
    """The section `dataflow`."""

    kind: Literal["token_bundles"]
    bundle_tokens: PositiveInt
    bundle_timesteps: PositiveInt
    dense_rows: PositiveInt
    """Bundles that the dense core has at once."""
    dense_columns: PositiveInt
    """Output channels that the dense core has at once."""
    dense_from_percent: Annotated[int, Field(ge=0, le=101)]
    """Share of active bundles from which a feature is dense; 101: none is."""
    sparse_pes: PositiveInt
    attention_pes: PositiveInt
    prune_below: Annotated[int, Field(ge=0, le=10**6)]
    """Active features below which a bundle of tokens is left out of attention."""
    update_lanes: PositiveInt
    """Neurons that are updated at once."""


class TokenBundlesMachine(RuleMachine):
    """A machine of three cores."""

    dataflow: TokenBundlesParameters
    dram: Dram

    @property
    def pe_count(self) -> int:
        """PEs of all cores."""
        parameters = self.dataflow
        return parameters.dense_rows * parameters.dense_columns + parameters.sparse_pes + parameters.attention_pes

    def units(self) -> tuple[LogicUnit, ...]:
        """An adder for every place of a bundle in PEs of both cores, one per PE of the attention core."""
        parameters = self.dataflow
        places = parameters.bundle_tokens * parameters.bundle_timesteps
        adders = (self.pe_count - parameters.attention_pes) * places + parameters.attention_pes
        return (LogicUnit("pe", "add", bits=ACCUMULATOR_BITS, count=adders),)

    def unmodelled(self) -> tuple[str, ...]:
        """What has no count."""
        return ("stratifier", "networks of the sparse core", "buffers", "neuron units")


ADD = Counter(
    "pe.add", "pe", "potentials", "add", "logic", "operations", "a weight is added where there is a spike",
    bits=ACCUMULATOR_BITS,
)  # fmt: skip
ATTEND = Counter(
    "attention.add", "pe", "potentials", "add", "logic", "operations", "a product of two elements is added",
    bits=ACCUMULATOR_BITS,
)  # fmt: skip
DENSE = Counter("features.dense", "stratifier", "spikes", "send", "none", "features", "features of the dense core")
BUNDLES = Counter(
    "bundles.active", "bundles", "spikes", "store", "none", "bundles", "bundles in which something spikes"
)

TOKEN_BUNDLES = rule(
    "token_bundles",
    machine=TokenBundlesMachine,
    summary="bundles of tokens and timesteps on dense, sparse and attention cores (Bishop)",
    free=("add", "concatenate", "pool"),
    demands=(
        "groups", "dilation", "a delayed input", "several inputs", "a signed input", "a neuron of two states",
        "a neuron that does not fire", "a leak per neuron", "a threshold per neuron", "a start potential",
        "a reset in the next timestep", "an input without weights",
    ),
    counters=(ADD, ATTEND, DENSE, BUNDLES),
    memory=lambda machine, sizes: (
        some_rows(sizes, machine.dataflow.bundle_timesteps),
        groups_need(sizes, GROUP_BYTES),
    ),
)  # fmt: skip


class Bundled(NamedTuple):
    """One group of a synapse. active: int64 (K,), active bundles of every feature. bundles: of a feature, in all."""

    active: Int64
    bundles: int


def bundle(planes: UInt64, parameters: TokenBundlesParameters, fan_in: int) -> Bundled:
    """Bundles of packed rows, uint64 (T, tokens, ceil(K / 64))."""
    of_timesteps = together(planes, parameters.bundle_timesteps)
    words = together(of_timesteps.swapaxes(0, 1), parameters.bundle_tokens)
    active = np.zeros(fan_in, np.int64)
    column_ones(np.ascontiguousarray(words).reshape(-1, words.shape[-1]), active)
    return Bundled(active, words.shape[0] * words.shape[1])


def together(rows: UInt64, size: int) -> UInt64:
    """Bits that are set in any of `size` rows of (n, ...) that follow each other, uint64 (ceil(n / size), ...)."""
    found = rows[::size].copy()
    for place in range(1, min(size, len(rows))):
        some = rows[place::size]
        found[: len(some)] |= some
    return found


def dense_cycles(parameters: TokenBundlesParameters, bundles: int, features: int, channels: int) -> int:
    """Cycles of the dense core, tile by tile."""
    if features == 0:
        return 0
    row_sizes = [min(parameters.dense_rows, bundles - r) for r in range(0, bundles, parameters.dense_rows)]
    column_tiles = -(-channels // parameters.dense_columns)
    rows = 2 * sum(row_sizes) * column_tiles
    return rows + len(row_sizes) * (channels + column_tiles * (features - 2))


@TOKEN_BUNDLES.runs("conv1d", "conv2d", "linear")
def synapses(machine: TokenBundlesMachine, run: OperatorRun) -> Activity:
    """Both cores, group after group."""
    parameters = machine.dataflow
    work = run.workload
    channels = work.output_channels // work.groups
    places = parameters.bundle_tokens * parameters.bundle_timesteps
    cycles = busy = dense_features = active_bundles = stored_bits = 0
    blocks_of_planes = work.plane_blocks(parameters.bundle_timesteps)
    found = [[bundle(planes, parameters, work.fan_in) for planes in block] for block in blocks_of_planes]
    for of_blocks in zip(*found, strict=True):
        bundled = Bundled(sum(part.active for part in of_blocks), sum(part.bundles for part in of_blocks))
        is_dense = 100 * bundled.active >= parameters.dense_from_percent * bundled.bundles
        features = int(is_dense.sum())
        sparse = int(bundled.active[~is_dense].sum()) * channels
        dense = dense_cycles(parameters, bundled.bundles, features, channels)
        cycles += max(dense, -(-sparse // parameters.sparse_pes))
        busy += features * bundled.bundles * channels + sparse
        dense_features += features
        active_bundles += int(bundled.active.sum())
        stored_bits += bundled.bundles * work.fan_in + places * int(bundled.active.sum())
    return Activity.total(
        {"compute": cycles},
        reads={"weights": work.weights.size * work.weight_bits, "spikes": stored_bits},
        counts={ADD.name: work.im2col_ones * channels, DENSE.name: dense_features, BUNDLES.name: active_bundles},
        busy={"pe": busy},
    )


def kept_tokens(frames: Frames, heads: int, parameters: TokenBundlesParameters) -> tuple[Bools, int]:
    """Tokens that take part in attention: bool (T, heads, tokens), and the active bundles of the operand.

    frames: (T, C, H, W); tokens are positions.
    """
    kept, active = [], 0
    timesteps = block_timesteps(math.prod(frame_shape(frames)), parameters.bundle_timesteps)
    for values in blocks(frames, timesteps):
        spikes = (values != 0).reshape(len(values), heads, values.shape[1] // heads, -1)
        times = np.arange(0, len(values), parameters.bundle_timesteps)
        starts = np.arange(0, spikes.shape[-1], parameters.bundle_tokens)
        bundles = np.logical_or.reduceat(np.logical_or.reduceat(spikes, times, axis=0), starts, axis=3)
        by_bundle = bundles.sum(axis=2) >= max(1, parameters.prune_below)
        by_time = np.repeat(by_bundle, parameters.bundle_timesteps, axis=0)[: len(values)]
        kept.append(np.repeat(by_time, parameters.bundle_tokens, axis=2)[..., : spikes.shape[-1]])
        active += int(bundles.sum())
    return np.concatenate(kept), active


@TOKEN_BUNDLES.runs("attention")
def attention(machine: TokenBundlesMachine, run: OperatorRun) -> Activity:
    """What is left of the products of all heads and timesteps."""
    parameters = machine.dataflow
    operator = cast(AttentionProduct, run.operator)
    rows, inner, columns = operator.matrix_shapes([run.input_spec(0), run.input_spec(1)])
    (left, left_bundles), (right, right_bundles) = (
        kept_tokens(run.input_frames(index), operator.heads, parameters) for index in (0, 1)
    )
    # tokens of the left operand are rows, or the inner dimension if it is transposed; of the right one the reverse
    products = np.ones(left.shape[:2], np.int64)
    products *= rows if operator.transpose_left else left.sum(axis=2)
    products *= right.sum(axis=2) if operator.transpose_right else columns
    if operator.transpose_left and not operator.transpose_right:
        products *= (left & right).sum(axis=2)
    elif operator.transpose_left:
        products *= left.sum(axis=2)
    elif not operator.transpose_right:
        products *= right.sum(axis=2)
    else:
        products *= inner
    total = int(products.sum())
    places = parameters.bundle_tokens * parameters.bundle_timesteps
    stored = sum(
        _bundle_bits(run.timesteps, run.input_spec(index), active, places, parameters)
        for index, active in enumerate((left_bundles, right_bundles))
    )
    return Activity.total(
        {"compute": int((-(-products // parameters.attention_pes)).sum())},
        reads={"spikes": stored},
        writes={"outputs": run.outputs * run.timesteps * operator.output.bits},
        counts={ATTEND.name: total, BUNDLES.name: left_bundles + right_bundles},
        busy={"pe": total},
    )


def _bundle_bits(timesteps: int, spec: TensorSpec, active: int, places: int, parameters: TokenBundlesParameters) -> int:
    """Bits of an operand in memory: a bit for every bundle, and the active ones."""
    channels, height, width = spec.shape
    bundles = -(-timesteps // parameters.bundle_timesteps) * channels * -(-height * width // parameters.bundle_tokens)
    return bundles + active * places * spec.bits


@TOKEN_BUNDLES.runs("neuron")
def neurons(machine: TokenBundlesMachine, run: OperatorRun) -> Activity:
    """Neurons are updated some at once, and store what they send."""
    cycles = run.timesteps * -(-run.outputs // machine.dataflow.update_lanes)
    bits = run.outputs * run.timesteps * run.operator.output.bits
    return Activity.total({"compute": cycles}, writes={"outputs": bits})
