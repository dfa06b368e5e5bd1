"""The rule that chooses a mapping, from MICROARCHITECTURE.md, sections 1, 2, 3 and 9: every candidate in turn."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Any

from tests.reference import formats
from tests.reference.row_stationary_cut import (
    Cut,
    activation_bits,
    leaves_zeros_out,
    parameter_bits,
    state_bits,
    width_of,
)


@dataclass(frozen=True)
class Candidate:
    """A mapping; the names are those of the text."""

    p: int
    q: int
    filter_sets: int
    channel_sets: int
    h: int
    w: int
    G: int
    kept: str
    resident: int

    # as the twin calls them
    @property
    def filters_per_pe(self) -> int:
        """p."""
        return self.p

    @property
    def channels_per_pe(self) -> int:
        """q."""
        return self.q


class Chooser:
    """A layer on a machine and the rule."""

    def __init__(self, machine: Any, task: Any, weight_format: Any) -> None:
        self.machine, self.task, self.format = machine, task, weight_format
        shape = task.shape
        self.T, self.C, self.M, self.P, self.Q = task.timesteps, shape.C, shape.M, shape.P, shape.Q
        self.C1, self.M1, self.groups = shape.C // shape.groups, shape.M // shape.groups, shape.groups
        self.in_pads = machine.dataflow.psums_wait_in == "psum_pad"
        self.bypass = machine.dataflow.weights_bypass_global_buffer
        self.batching = machine.dataflow.time_batching
        self.potentials_in_dram = machine.dataflow.potentials_wait_in == "dram"
        self.potentials_read_back = machine.dataflow.potentials_read_back
        self.stored_bits = activation_bits(machine, task)
        self.output_bits = task.neuron.potential_bits if task.neuron.kind == "readout" else 1
        self.state_bits = state_bits(task.neuron)
        self.word = machine.buffers.global_buffer.width_bits
        self.ports = machine.buffers.global_buffer.banks * machine.buffers.global_buffer.ports
        self.words_held = machine.buffers.global_buffer.capacity_bits // self.word
        if machine.residency.activations == "chip":
            self.words_held //= 2
        self.entries = {
            pad: buffer.capacity_bits // buffer.width_bits
            for pad, buffer in machine.buffer_items().items()
            if pad != "global_buffer"
        }
        largest = 2**task.input_bits - 1
        self.psum_bits = width_of(max(sum(abs(int(w)) for w in m.ravel()) for m in task.weights) * largest)
        q = max([1] + [q for q in range(1, self.C1 + 1) if q * shape.S <= self.entries["input_pad"]])
        one_pass = width_of(q * shape.S * 2 ** (task.weight_bits - 1) * largest)
        self.pad_psum_bits = self.psum_bits if self.in_pads else min(self.psum_bits, one_pass)

    def choose(self) -> Candidate | None:
        """The first of those with the least objective that fit; of those that keep all weights, if they are to stay."""
        fitting = [each for each in self.candidates() if self.space(each)["total"] <= self.words_held]
        if self.machine.residency.weights == "resident" and any(each.resident for each in fitting):
            fitting = [each for each in fitting if each.resident]
        best, least = None, float("inf")
        for candidate in fitting:
            cost = self.objective(candidate)
            if cost < least:
                best, least = candidate, cost
        return best

    def candidates(self) -> list[Candidate]:
        """All of them, in order of preference."""
        shape, rows = self.task.shape, self.machine.dataflow.rows
        found = []
        perfect = self.machine.dataflow.tile_factors == "perfect"
        cuts = divisors if perfect else ceilings
        widths, heights = (self.window_cuts(cuts, *axis) for axis in ((self.Q, 1), (self.P, 0)))
        tiles = [(w, h, G) for w in widths for h in heights for G in cuts(ceil(self.T * h / self.columns))]
        if self.task.pool != (1, 1):  # a time group has all timesteps
            tiles = [(w, h, G) for w, h, G in tiles if ceil(self.T * h / self.columns) == G]
        if not self.batching:
            tiles = [(w, h, 1) for w in widths for h in heights if h <= self.columns]
        if self.in_pads:
            order = list(dict.fromkeys(w * G for w, _, G in tiles))
            tiles = sorted(tiles, key=lambda tile: order.index(tile[0] * tile[2]))
        for resident in (0,) if self.bypass else (0, 1):
            for kept in ("tile", "group", "pass") if self.batching else ("group",):
                for filter_sets in range(1, min(rows // shape.R, self.M1) + 1):
                    for q in range(1, self.C1 + 1):
                        if q * shape.S > self.entries["input_pad"]:
                            continue
                        channel_sets = min(rows // shape.R // filter_sets, ceil(self.C1 / q))
                        for w, h, G in tiles:
                            fitting = [p for p in range(1, self.M1 + 1) if self.fits_pads(p, q, w, G)]
                            if not fitting:
                                continue
                            folds = ceil(self.M1 / (filter_sets * max(fitting)))
                            p = ceil(self.M1 / (filter_sets * folds))
                            if perfect:
                                p, channel_sets = self.even_folds(filter_sets, q, fitting)
                                if not p * channel_sets:
                                    continue
                            found.append(Candidate(p, q, filter_sets, channel_sets, h, w, G, kept, resident))
        return found

    def window_cuts(self, cuts: Any, size: int, axis: int) -> list[int]:
        """Rows or columns of a tile: whole windows of the pool, or all."""
        window = self.task.pool[axis]
        if window == 1:
            return list(cuts(size))
        found = [n * window for n in cuts(size // window) if n * window < size]
        perfect = self.machine.dataflow.tile_factors == "perfect"
        return [size] + [n for n in found if not perfect or size % n == 0]

    def even_folds(self, filter_sets: int, q: int, fitting: list[int]) -> tuple[int, int]:
        """The largest p and channel sets for which no fold is smaller than another; 0 where there are none."""
        logical_sets = self.machine.dataflow.rows // self.task.shape.R
        even = [p for p in fitting if self.M1 % (filter_sets * p) == 0]
        sets = [n for n in range(1, logical_sets // filter_sets + 1) if self.C1 % (n * q) == 0]
        return max(even, default=0), max(sets, default=0)

    @property
    def columns(self) -> int:
        """Columns of PEs."""
        return int(self.machine.dataflow.columns)

    def fits_pads(self, p: int, q: int, w: int, G: int) -> bool:
        """Whether p filters and q channels fit."""
        buffers, taps = self.machine.buffers, q * self.task.shape.S
        masked = self.format.positions == "mask"
        packed = self.format.values == "packed" or leaves_zeros_out(self.machine, self.format)
        tag = formats.ceil_log2(p) if packed and not masked else 0
        weights = taps * p * ceil((self.task.weight_bits + tag) / buffers.weight_pad.width_bits)
        masks = taps * ceil(p / buffers.weight_pad.width_bits) if masked else 0
        psums = p * (w * G if self.in_pads else 1) * ceil(self.pad_psum_bits / buffers.psum_pad.width_bits)
        inputs = taps * ceil(self.task.input_bits / buffers.input_pad.width_bits)
        return (
            inputs <= self.entries["input_pad"]
            and weights + masks <= self.entries["weight_pad"]
            and psums <= self.entries["psum_pad"]
        )

    def words(self, values: int, bits: int) -> int:
        """Words of values that do not straddle words."""
        return ceil(values / (self.word // bits))

    def sizes(self, k: Candidate) -> dict[str, int]:
        """The short names of section 9."""
        shape = self.task.shape
        fold_size = self.columns if self.batching else k.h
        F = ceil(self.T * k.h / fold_size)
        channels = min(self.C1, k.q * k.channel_sets)
        in_columns = min(shape.W, (k.w - 1) * shape.stride[1] + shape.S)
        return {
            "tiles": ceil(self.P / k.h) * ceil(self.Q / k.w),
            "F": F,
            "g": ceil(F / k.G),
            "f": self.groups * ceil(self.M1 / (k.p * k.filter_sets)),
            "c": ceil(self.C1 / (k.q * k.channel_sets)),
            "in rows": min(shape.H, (k.h - 1) * shape.stride[0] + shape.R),
            "in columns": in_columns,
            "fold words": ceil(channels * in_columns * self.task.input_bits / self.word),
            "fold size": fold_size,
            "group pairs": min(k.G * fold_size, self.T * k.h),
        }

    def space(self, k: Candidate) -> dict[str, int]:
        """Words of the global buffer by use, and their total."""
        n = self.sizes(k)
        fold_rows = min(n["fold size"], self.T * k.h) * self.task.shape.R
        timesteps = self.T
        if k.kept == "group":
            timesteps = min(self.T, ceil((n["group pairs"] - 1) / k.h) + 1)
        down, right = self.task.pool
        rows = n["group pairs"] if down == 1 else n["group pairs"] // k.h * (k.h // down)
        parts = {
            "inputs": timesteps * n["in rows"] * n["c"] * n["fold words"],
            "next inputs": fold_rows * n["fold words"],
            "psums": k.filter_sets * n["group pairs"] * self.words(k.w * k.p, self.psum_bits),
            "outputs": 2 * k.filter_sets * rows * self.words(k.w // right * k.p, self.output_bits),
            "potentials": 0,
            "weights": 0,
        }
        if k.kept == "pass":
            parts["inputs"] = fold_rows * n["fold words"]
        if n["group pairs"] < self.T * k.h and not self.potentials_in_dram:
            words = sum(self.words(k.w // right * k.p, bits) for bits in self.state_bits)
            parts["potentials"] = k.filter_sets * (k.h // down) * words
            if k.kept == "group":
                parts["potentials"] *= n["f"]
        if not self.bypass:
            words = [ceil(bits / self.word) for bits in self.fold_bits(k)]
            parts["weights"] = sum(words) if k.resident else max(words)
        return parts | {"total": sum(parts.values())}

    def fold_bits(self, k: Candidate) -> list[int]:
        """Encoded bits of every filter and channel fold."""
        cut = Cut(self.machine, self.task, k, self.format)
        return [
            cut.stream_bits([m for filters in fold for m in filters], channel_fold)
            for fold in cut.filter_folds()
            for channel_fold in range(len(cut.channel_folds()))
        ]

    def objective(self, k: Candidate) -> float:
        """What is made least."""
        n, dataflow, shape = self.sizes(k), self.machine.dataflow, self.task.shape
        tiles, F, g, f, c = n["tiles"], n["F"], n["g"], n["f"], n["c"]
        o = 1 if self.in_pads else c
        fills = tiles * g
        if f * c == 1:
            fills = 1
        elif c == 1 and (k.kept != "group" or g == 1):
            fills = tiles
        encoded = sum(self.fold_bits(k))
        filled = fills * encoded
        loaded = encoded if k.resident else filled
        timesteps_a_fold = ceil(self.columns / k.h) + 1 if self.batching else 1
        rows_a_fold = min(n["fold size"] * shape.R, timesteps_a_fold * n["in rows"])
        extra_timesteps = g - 1 if self.batching else 0
        delivered = tiles * F * rows_a_fold * f * c
        rows_loaded = {
            "tile": tiles * self.T * n["in rows"] * self.groups * c,
            "group": tiles * (self.T + extra_timesteps) * n["in rows"] * self.groups * c,
            "pass": delivered,
        }[k.kept]
        down, right = self.task.pool
        height, width = k.h // down, k.w // right  # of neurons
        outputs = self.T * self.M * (self.P // down) * (self.Q // right)
        dram = loaded + rows_loaded // c * self.C1 * n["in columns"] * self.stored_bits["inputs"]
        dram += outputs * self.stored_bits["outputs"]
        waiting_rows = 2 * tiles * (g - 1) * height
        if self.potentials_in_dram:
            ways = 2 if self.potentials_read_back else 1
            dram += waiting_rows * ways // 2 * width * self.M * sum(self.state_bits)
        dram += tiles * g * height * width * self.M * parameter_bits(self.task.neuron)
        psums, bits = self.words(k.w * k.p, self.psum_bits), self.words(width * k.p, self.output_bits)
        words = (rows_loaded + delivered) * n["fold words"]
        words += tiles * self.T * f * k.filter_sets * (2 * o * k.h * psums + 2 * height * bits)
        potentials = sum(self.words(width * k.p, each) for each in self.state_bits)
        words += 0 if self.potentials_in_dram else waiting_rows * f * k.filter_sets * potentials
        if not self.bypass:
            words += (loaded + filled) // self.word
        sets = k.channel_sets if self.in_pads else ceil(self.C1 / k.q)
        chain = self.T * self.M * self.P * self.Q * sets * shape.R * self.psum_bits
        energy = 200 * dram + 6 * words * self.word + 2 * chain
        cycles = max(tiles * F * f * k.w * k.p * (c * k.q * shape.S + o), words // self.ports)
        updates = tiles * self.T * height * width * self.M * (down * right + len(self.state_bits) - 1)
        cycles += updates // dataflow.update_lanes + filled // dataflow.weight_bus_bits
        return {"energy": float(energy), "cycles": float(cycles), "edp": float(energy) * float(cycles)}[
            dataflow.objective
        ]


def divisors(size: int) -> list[int]:
    """All k that divide the size, from the largest down."""
    return [k for k in range(size, 0, -1) if size % k == 0]


def ceilings(size: int) -> list[int]:
    """All ⌈size / k⌉, from the largest down."""
    return list(dict.fromkeys(ceil(size / k) for k in range(1, size + 1)))
