"""Product sparsity: a row of spikes that contains another row's starts from that row's partial sums.

The rule of Prosperity (Wei et al., HPCA 2025, sections V to VII, and its public simulator), which adds one spike's row
of weights to all output channels of a tile per cycle:

1. *Tiles.* The rows of the im2col matrix (position after position, its timesteps side by side) are cut into tiles of
   256 rows x 16 columns of the fan-in, the last ones smaller, and output channels into tiles of 128. A tile's cycles
   count once for each tile of output channels, however wide.
2. *Bit sparsity* (`sparsity: bit`): a cycle per spike of the tile.
3. *Product sparsity* (`sparsity: product`): a row of two spikes or more looks for its prefix among all rows of the
   tile whose spikes are a subset of its own, equal rows only if they come earlier: that of the most spikes. Spikes of
   the prefix are not added again. A row that has none left takes one cycle. Meanwhile prefixes are prepared: a cycle
   per row of two spikes or more, and one per 8 rows of the tile, rounded down. An operator takes the sum of additions
   over its tiles or that of preparation, whichever is more.
4. *Traffic.* Spikes: floor(rows x columns / (R x S)) bits of each tile, again for each tile of output channels unless
   all of them fit in a tile's buffer; none where the last population before (in order of execution) left them in the
   buffer. Weights of 8 bits: all for each tile of rows, unless they fit in a weight tile's buffer or K is no more than
   its 16 rows. Nothing is written.
5. *Stall*: floor(first / 1024) + max(0, floor((traffic - first) / 1024) - cycles), where the first load is one tile of
   weights and (unless they are in the buffer) one of spikes, here not divided by R x S.
6. *Neurons* take 2 cycles per timestep for every 32 of them (for each state of those that have two, which is ours: the
   study has one). Their output bits stay in the buffer where they are fewer
   than a tile of spikes has, and are written otherwise. Right after a synapse only the last tile's neurons delay the
   network: ceil(floor(256 x 128 / T) / 32) x 2 x T cycles at most; right after attention, at least those and as many as
   attention does not cover.
7. *Products of two tensors* (attention): each timestep and head is a product by itself by rules 1 to 5, the binary
   operand being the spikes (the left, if both are), the other the weights of 8 bits. Where both operands are spikes,
   weights are in the buffer with them; where one is a product itself, its values stay on chip if they fit in a weight
   tile's buffer, and otherwise are read, after the result's shape in bits was written.

Rules 4 to 6 are the study's `memory: published`; with `scheduled`, traffic is left to the machine's overlap policy. A
value of several bits is run bit plane by bit plane; groups are operators of their own. Additions, pooling and
concatenation cost nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Literal, NamedTuple, cast

import numpy as np
from pydantic import Field

from spikecycle.simulator.activity import OPERANDS, OUTPUTS, SPIKES, WEIGHTS, Activity, Counter, Moves, Work
from spikecycle.simulator.array_types import Integers, UInt64
from spikecycle.simulator.dataflows.memory import LayerSizes
from spikecycle.simulator.dataflows.neuron_unit import NEURON_DEMANDS
from spikecycle.simulator.dataflows.row_tiles import MOST_COLUMNS, TilesByPosition, packed, tile_work
from spikecycle.simulator.dataflows.rule import OperatorRun, RuleMachine, rule
from spikecycle.simulator.dataflows.rule_memory import groups_need, rows_bytes, some_rows
from spikecycle.simulator.machine.schema import DataflowParameters, Dram, PositiveInt
from spikecycle.simulator.memory import Need
from spikecycle.simulator.units import channel_cycles_per_bit
from spikecycle.simulator.workload import SynapseWorkload
from spikecycle.traces import AttentionProduct, Population, Synapse
from spikecycle.traces.frames import blocks
from spikecycle.traces.operators.extras import SYNAPTIC_CURRENTS

GROUP_BYTES = 500
"""Of what is found of a group."""
WHOLE_BYTES = 2**24
"""Of im2col rows that are made at once, so that rows of all timesteps of a position are there for its tiles."""
UPDATE_CYCLES = 2
"""Cycles of one update of a group of neurons."""


class ProductSparsityParameters(DataflowParameters):
    """The section `dataflow`."""

    kind: Literal["product_sparsity"]
    sparsity: Literal["bit", "product"]
    """Whether prefixes are looked for."""
    tile_rows: PositiveInt
    """Rows of the im2col matrix of a tile."""
    tile_columns: Annotated[int, Field(ge=1, le=MOST_COLUMNS)]
    """Fan-in of a tile."""
    tile_outputs: PositiveInt
    """Adders, one output channel each."""
    update_lanes: PositiveInt
    """Neurons that are updated at once."""
    weight_bits: PositiveInt
    """Bits of a weight in memory."""
    memory: Literal["published", "scheduled"]
    """Whether stalls are counted by rules 4 to 6, or left to the machine's overlap policy."""


class ProductSparsityMachine(RuleMachine):
    """A machine that reuses partial sums of rows."""

    dataflow: ProductSparsityParameters
    dram: Dram

    @property
    def pe_count(self) -> int:
        """Adders."""
        return self.dataflow.tile_outputs

    @property
    def spike_tile_bits(self) -> int:
        """Spikes of a tile."""
        return self.dataflow.tile_rows * self.dataflow.tile_columns

    @property
    def weight_tile_bits(self) -> int:
        """Bits of the weights of a tile."""
        return self.dataflow.tile_columns * self.dataflow.tile_outputs * self.dataflow.weight_bits


ADD = Counter(
    "adders.add", "adders", "spikes", "add", "none", "cycles", "all adders add a spike's weights, or copy a row"
)
PREPARE = Counter(
    "detector.prepare", "detector", "spikes", "prepare", "none", "cycles", "prefixes of rows are looked for"
)


def _memory(machine: ProductSparsityMachine, sizes: LayerSizes) -> Iterator[Need]:
    """Rows of spikes, and those that wait for a tile (`TilesByPosition`)."""
    waiting = min(sizes.timesteps, 3 * machine.dataflow.tile_rows)  # two in tiles of several positions, one in its own
    yield some_rows(sizes, whole_bytes=WHOLE_BYTES)
    yield Need(2 * waiting * rows_bytes(sizes), "im2col rows that wait for a tile (P x Q x C x R x S)", is_kept=False)
    yield groups_need(sizes, GROUP_BYTES)


PRODUCT_SPARSITY = rule(
    "product_sparsity",
    machine=ProductSparsityMachine,
    summary="spikes added one by one, partial sums of equal parts of rows reused (Prosperity)",
    free=("add", "concatenate", "pool"),
    demands=("groups", "dilation", "a delayed input", "several inputs", "an input without weights", *NEURON_DEMANDS),
    accounts_for={SYNAPTIC_CURRENTS},
    counters=(ADD, PREPARE),
    overlaps=("counted", "roofline", "step_barrier", "layer_pipeline"),
    memory=_memory,
)


@dataclass(frozen=True)
class MatrixWork:
    """One product of spikes with weights.

    adds, prepare: cycles. weight_bits, spike_bits: read from DRAM. first_bits: loaded before work starts.
    """

    adds: int
    prepare: int
    weight_bits: int
    spike_bits: int
    first_bits: int

    @property
    def compute(self) -> int:
        """Cycles without stalls."""
        return max(self.adds, self.prepare)

    def stalls(self, cycles_per_bit: Fraction) -> tuple[int, int]:
        """(fill, traffic): cycles of the first load, and those of the rest that the work does not cover."""
        rest = (self.weight_bits + self.spike_bits - self.first_bits) * cycles_per_bit
        return int(self.first_bits * cycles_per_bit), max(0, rest.numerator // rest.denominator - self.compute)


class TileSums(NamedTuple):
    """Cycles of additions and of preparation of all tiles, for one tile of output channels."""

    adds: int
    prepare: int

    @classmethod
    def of(cls, machine: ProductSparsityMachine, matrices: Iterable[UInt64], columns: int) -> TileSums:
        """Of matrices as `tile_work` takes them, packed along the `columns` and cut into tiles one by one."""
        tiles = machine.dataflow
        adds = prepare = 0
        for rows in matrices:
            if tiles.sparsity == "bit":
                adds += int(np.bitwise_count(rows).sum(dtype=np.int64))
                continue
            found = tile_work(rows, columns, tiles.tile_rows, tiles.tile_columns)
            adds, prepare = adds + found[0], prepare + found[1]
        return cls(adds, prepare)


def matrix_work(
    machine: ProductSparsityMachine,
    planes: Sequence[UInt64],
    columns: int,
    outputs: int,
    *,
    spikes_are_there: bool = False,
    weights_are_there: bool = False,
) -> MatrixWork:
    """One product whose spikes are all at hand. planes: uint64 (rows, words) of each bit plane; see `product_work`."""
    sums = TileSums.of(machine, planes, columns)
    return product_work(
        machine, sums, (len(planes[0]), columns, outputs), bits=len(planes),
        spikes_are_there=spikes_are_there, weights_are_there=weights_are_there,
    )  # fmt: skip


def product_work(
    machine: ProductSparsityMachine,
    sums: TileSums,
    sizes: tuple[int, int, int],
    *,
    bits: int = 1,
    taps: int = 1,
    spikes_are_there: bool = False,
    weights_are_there: bool = False,
) -> MatrixWork:
    """One product by rules 1 to 5.

    sums: of all bit planes, of which there are `bits`. sizes: rows and columns of the spikes, and output channels.
    taps: places of a window, R x S. spikes_are_there, weights_are_there: in the buffer already.
    """
    rows_in_all, columns, outputs = sizes
    tiles = machine.dataflow
    row_tiles, column_tiles = _tile_sizes(rows_in_all, tiles.tile_rows), _tile_sizes(columns, tiles.tile_columns)
    output_tiles = -(-outputs // tiles.tile_outputs)
    spike_bits = weight_bits = first_bits = 0
    if not spikes_are_there:
        once = rows_in_all * columns <= machine.spike_tile_bits
        spike_bits = sum(
            tall * wide * (rows * width // taps) for rows, tall in row_tiles for width, wide in column_tiles
        )
        spike_bits *= bits * (1 if once else output_tiles)
        first_bits += min(tiles.tile_rows, rows_in_all) * min(tiles.tile_columns, columns)
    if not weights_are_there:
        all_bits = columns * outputs * tiles.weight_bits
        once = all_bits <= machine.weight_tile_bits or columns <= tiles.tile_columns
        weight_bits = all_bits * (1 if once else -(-rows_in_all // tiles.tile_rows))
        first_bits += min(tiles.tile_columns, columns) * min(tiles.tile_outputs, outputs) * tiles.weight_bits
    return MatrixWork(sums.adds * output_tiles, sums.prepare * output_tiles, weight_bits, spike_bits, first_bits)


def _tile_sizes(length: int, size: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """A length cut into tiles of a size: (size, how many), of the whole ones and of the last, if it is smaller."""
    whole, rest = divmod(length, size)
    return (size, whole), (rest, int(rest > 0))


def _activity(machine: ProductSparsityMachine, products: list[MatrixWork], written: int = 0) -> Activity:
    """Products one after the other."""
    adds, prepare = sum(p.adds for p in products), sum(p.prepare for p in products)
    compute = sum(product.compute for product in products)
    causes = {"compute": compute, "dram_fill": 0, "dram_traffic": 0}
    if machine.dataflow.memory == "published":
        per_bit = channel_cycles_per_bit(machine.dram.bandwidth_gbit_per_s, machine.technology.clock_mhz)
        for product in products:
            fill, traffic = product.stalls(per_bit)
            causes["dram_fill"] += fill
            causes["dram_traffic"] += traffic
    loads, stores = np.zeros((2, len(OPERANDS)), np.int64), np.zeros((2, len(OPERANDS)), np.int64)
    weight_bits, spike_bits = sum(p.weight_bits for p in products), sum(p.spike_bits for p in products)
    # The first row has no cycles and loads what a policy may expose (roofline: first_row).
    first = min(products[0].first_bits, weight_bits + spike_bits) if products else 0
    loads[0, WEIGHTS] = min(first, weight_bits)
    loads[0, SPIKES] = first - loads[0, WEIGHTS]
    loads[1, WEIGHTS], loads[1, SPIKES] = weight_bits - loads[0, WEIGHTS], spike_bits - loads[0, SPIKES]
    stores[1, OUTPUTS] = written
    rows = np.array([[0] * len(causes), list(causes.values())], np.int64)
    return Activity.of(Work.of(tuple(causes), rows), Moves(loads, stores), {ADD.name: adds, PREPARE.name: prepare})


def _last_to_fire(run: OperatorRun) -> Population | AttentionProduct | None:
    """The last population or attention before the operator, in order of execution."""
    before: list[Population | AttentionProduct] = []
    for operator in run.network.operators:
        if operator is run.operator:
            break
        if isinstance(operator, Population | AttentionProduct):
            before.append(operator)
    return before[-1] if before else None


def _spikes_are_in_buffer(machine: ProductSparsityMachine, run: OperatorRun) -> bool:
    """Whether the last population left its spikes in the buffer: the study looks no further back."""
    last = _last_to_fire(run)
    return isinstance(last, Population) and last.output.count * run.timesteps < machine.spike_tile_bits


@PRODUCT_SPARSITY.runs("conv1d", "conv2d", "linear")
def synapses(machine: ProductSparsityMachine, run: OperatorRun) -> Activity:
    """Cycles and traffic of an operator with weights: a product per group."""
    work = run.workload
    shape, bits = work.shape, work.input_bits
    there = _spikes_are_in_buffer(machine, run)
    sizes = run.timesteps * work.positions, work.fan_in, work.output_channels // work.groups
    products = [
        product_work(machine, sums, sizes, bits=bits, taps=shape.R * shape.S, spikes_are_there=there)
        for sums in _sums_of_groups(machine, work)
    ]
    return _activity(machine, products)


def _sums_of_groups(machine: ProductSparsityMachine, work: SynapseWorkload) -> list[TileSums]:
    """Of every group: the rows of a position lie side by side, bit plane by bit plane."""
    if machine.dataflow.sparsity == "bit":
        return [TileSums(int(ones), 0) for ones in work.tap_counts.reshape(work.groups, -1).sum(axis=1)]
    cutters = [
        [TilesByPosition(work.T, machine.dataflow.tile_rows) for _ in range(work.input_bits)]
        for _ in range(work.groups)
    ]
    found = [TileSums(0, 0)] * work.groups

    def add(group: int, rows: UInt64) -> None:
        more = TileSums.of(machine, [rows], work.fan_in)
        found[group] = TileSums(found[group].adds + more.adds, found[group].prepare + more.prepare)

    for block in work.plane_blocks(whole_bytes=WHOLE_BYTES):
        for group, of_group in enumerate(cutters):
            for bit, cutter in enumerate(of_group):
                add(group, cutter.add(block[group, bit :: work.input_bits]))
    for group, of_group in enumerate(cutters):
        for cutter in of_group:
            rest = cutter.rest()
            if rest is not None:
                add(group, rest)
    return found


@PRODUCT_SPARSITY.runs("attention")
def attention(machine: ProductSparsityMachine, run: OperatorRun) -> Activity:
    """Cycles and traffic of a product of two tensors: one product per timestep and head."""
    operator = cast(AttentionProduct, run.operator)
    sources = [run.input_spec(0), run.input_spec(1)]
    rows, terms, columns = operator.matrix_shapes(sources)
    made = {each.output.name for each in run.network.operators if isinstance(each, AttentionProduct)}
    is_product = any(source.tensor in made for source in operator.inputs)
    there = _spikes_are_in_buffer(machine, run)
    bits, index, outputs, transposed = sources[0].bits, 0, columns, operator.transpose_left
    if sources[1].bits < bits:
        bits, index, outputs, rows, transposed = sources[1].bits, 1, rows, columns, not operator.transpose_right
    fits = terms * outputs * machine.dataflow.weight_bits < machine.weight_tile_bits
    products = []
    for values in blocks(run.input_frames(index)):
        for matrix in matrices(values, operator.heads, transposed).reshape(-1, rows, terms):
            planes = [packed(np.abs(matrix) >> bit & 1) for bit in range(bits)]
            products.append(
                matrix_work(
                    machine, planes, terms, outputs,
                    spikes_are_there=there, weights_are_there=fits if is_product else there,
                )
            )  # fmt: skip
    written = 0 if fits or not is_product else len(products) * rows * outputs
    return _activity(machine, products, written=written)


def matrices(values: Integers, heads: int, transposed: bool) -> Integers:
    """A tensor (T, C, H, W) as matrices (T, heads, positions, channels of a head), or their transposes."""
    timesteps, channels = values.shape[:2]
    by_channel = values.reshape(timesteps, heads, channels // heads, -1)
    return by_channel if transposed else by_channel.swapaxes(2, 3)


@PRODUCT_SPARSITY.runs("neuron")
def neurons(machine: ProductSparsityMachine, run: OperatorRun) -> Activity:
    """Cycles of a population, those that hide behind the operator before marked, and its output bits."""
    unit = machine.dataflow
    cycles = -(-run.outputs // unit.update_lanes) * run.timesteps * UPDATE_CYCLES * run.states
    bits = run.outputs * run.timesteps
    written = 0 if bits < machine.spike_tile_bits else bits
    hidden, stall = 0, 0
    if unit.memory == "published":
        hidden = cycles - _exposed(machine, run, cycles)
        per_bit = channel_cycles_per_bit(machine.dram.bandwidth_gbit_per_s, machine.technology.clock_mhz)
        stall = max(0, int(written * per_bit) - cycles)
    rows = np.array([[hidden, 0], [cycles - hidden, stall]], np.int64)
    moves = np.zeros((2, len(OPERANDS)), np.int64)
    stores = moves.copy()
    stores[1, OUTPUTS] = written
    work = Work.of(("compute", "dram_traffic"), rows, places={"hidden": np.array([1, 0])})
    return Activity.of(work, Moves(moves, stores), {})


def _exposed(machine: ProductSparsityMachine, run: OperatorRun, cycles: int) -> int:
    """Cycles of a population for which the network waits (rule 6)."""
    before = None
    attended: list[AttentionProduct] = []
    for operator in run.network.operators:
        if operator is run.operator:
            break
        if isinstance(operator, AttentionProduct):
            attended = [*attended, operator] if isinstance(before, AttentionProduct) else [operator]
        if isinstance(operator, AttentionProduct | Population | Synapse):
            before = operator
    unit = machine.dataflow
    last = (
        -(-(unit.tile_rows * unit.tile_outputs // run.timesteps) // unit.update_lanes) * run.timesteps * UPDATE_CYCLES
    )
    if isinstance(before, Synapse):
        return min(last, cycles)
    if isinstance(before, AttentionProduct):
        covered = 0
        for each in attended:
            activity = cast(Activity, attention(machine, OperatorRun(each, run.network, run.sample)))
            covered += int(activity.work.cycles.sum())
        return min(cycles, max(last, cycles - covered))
    return cycles
