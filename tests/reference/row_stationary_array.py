"""The row-stationary array, written from MICROARCHITECTURE.md as literally as it goes: every window, tap and weight of
every PE, with real numbers in the pads, chains and the global buffer, so that the sums it ends with show that the
mapping computes the layer. Slow.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from tests.reference import formats
from tests.reference.row_stationary_cut import Cut
from tests.reference.spike_array import Record


@dataclass
class Pe:
    """One PE during a pass: weights[c][s] = [(weight, fiber is stored) for its filters], rows[c] = the values of an
    input row by column; columns that are not there are zeros."""

    weights: dict[int, list[list[tuple[int, bool]]]]
    rows: dict[int, dict[int, int]]
    filters: int
    taps_cycles: int = 0
    psums: list[list[int]] = field(default_factory=list)  # window, filter


@dataclass
class RowStationary(Cut):
    """The array at work."""

    counts: Counter[str] = field(default_factory=Counter)
    records: list[Record] = field(default_factory=list)
    useful_cycles: int = 0
    operations: int = 0
    sums: dict[tuple[int, int, int, int], int] = field(default_factory=dict)  # (t, m, row, column): all of a timestep
    partial: dict[tuple[int, int, int, int], int] = field(default_factory=dict)
    most_input_words: int = 0
    most_new_input_words: int = 0
    waiting: dict[tuple[int, int, int, int, int], list[list[int]]] = field(default_factory=dict)  # psums in pads
    weights_there: bool = False  # what is on chip already: section 11
    inputs_there: bool = False
    outputs_stay: bool = False

    def input_columns(self) -> range:
        """Input columns of the tile."""
        first = max(0, self.columns.start * self.shape.stride[1] - self.shape.padding_left)
        last = (self.columns.stop - 1) * self.shape.stride[1] - self.shape.padding_left + self.shape.S
        return range(first, max(first, min(self.shape.W, last)))

    # ---- the order of section 2 --------------------------------------------------------------------------------

    def run(self, inputs: Any, outputs: Any) -> list[Record]:
        """Replay a sample: inputs (T, C, H, W), output spikes (T, M, P, Q)."""
        self.inputs, self.outputs = inputs, outputs
        self.resident: set[tuple[int, int]] = set()
        self.weights_in_pads: tuple[int, int] | None = None
        tile = 0
        for q0 in range(0, self.shape.Q, self.mapping.tile_columns):
            self.columns = range(q0, min(q0 + self.mapping.tile_columns, self.shape.Q))
            for p0 in range(0, self.shape.P, self.mapping.tile_rows):
                self.rows = range(p0, min(p0 + self.mapping.tile_rows, self.shape.P))
                self.run_tile(tile)
                tile += 1
        return self.records

    def run_tile(self, tile: int) -> None:
        """All timesteps of a tile."""
        self.pairs = [(t, row) for t in range(self.task.timesteps) for row in self.rows]
        size = self.column_fold_size()
        column_folds = [self.pairs[k : k + size] for k in range(0, len(self.pairs), size)]
        group_size = self.mapping.folds_per_group
        groups = [range(g, min(g + group_size, len(column_folds))) for g in range(0, len(column_folds), group_size)]
        filter_folds = range(len(self.filter_folds()))
        kept = ("tile", "group", "pass")[self.mapping.kept]
        if kept == "group":
            order = [(f, g) for g in groups for f in filter_folds]
        else:
            order = [(f, g) for f in filter_folds for g in groups]
        loaded: set[tuple[int, int, int]] = set()
        unit: Any = None
        for f, group in order:
            channel_group = self.filter_folds()[f][0][0] // self.group_filters
            for k in range(len(self.channel_folds())):
                for fold in group:
                    now = (channel_group, group.start if kept == "group" else 0)
                    if kept == "pass" or now != unit:
                        loaded, unit = set(), now
                    record = Record((tile, f, k, fold))
                    self.run_pass(record, f, k, column_folds[fold], channel_group, loaded)
                    if k == len(self.channel_folds()) - 1 and fold == group[-1]:
                        self.update(record, f, [pair for x in group for pair in column_folds[x]])
                    self.records.append(record)

    # ---- section 4 ---------------------------------------------------------------------------------------------

    def run_pass(
        self, record: Record, f: int, k: int, pairs: list[tuple[int, int]], channel_group: int, loaded: set[Any]
    ) -> None:
        """One pass."""
        words = self.load_and_fill(record, f, k)
        words += self.load_inputs(record, k, pairs, channel_group, loaded)
        delivered, delivered_words = self.deliver(f, k, pairs, channel_group)
        words += delivered_words
        slowest = (0, 0)
        filter_sets, channel_sets = self.filter_folds()[f], self.channel_folds()[k]
        hands_over = not self.psums_in_pads or k == len(self.channel_folds()) - 1
        # array rows that take part: psums of earlier channel folds may wait in more of them than work now
        in_chain = self.channel_folds()[0] if self.psums_in_pads else channel_sets
        again = k > 0 and not self.psums_in_pads
        for t, row in pairs:
            for j, filters in enumerate(filter_sets):
                if not filters:
                    continue
                chain = []
                for i in range(len(channel_sets)):
                    if not in_chain[i]:
                        continue
                    for r in range(self.shape.R):
                        pe = self.pe(delivered, f, k, j, i, r, t, row, channel_group)
                        place = (j, i, r, t, row)
                        if k > 0 and self.psums_in_pads:
                            pe.psums = self.waiting.pop(place)
                        self.work(pe)
                        hand_over = len(self.columns) * len(filters) if hands_over else 0
                        if channel_sets[i] or hands_over:
                            slowest = max(slowest, (pe.taps_cycles + hand_over, pe.taps_cycles))
                        chain.append(pe)
                        if not hands_over:
                            self.waiting[place] = pe.psums
                            self.check_psum_pad()
                if hands_over:
                    self.reduce(chain, filters, t, row, again)
        for filters in filter_sets if hands_over else []:
            per_pair = ceil(len(self.columns) * len(filters) / (self.word // self.psum_bits))
            self.counts["global_buffer.psums.write"] += per_pair * len(pairs)
            words += per_pair * len(pairs)
            if again:
                self.counts["global_buffer.psums.read"] += per_pair * len(pairs)
                words += per_pair * len(pairs)
        sets_in_use = sum(1 for channels in in_chain if channels) if hands_over else 0
        record.breakdown["compute"] = slowest[1]
        record.breakdown["reduction"] = slowest[0] - slowest[1] + self.shape.R * sets_in_use
        record.breakdown["global_buffer"] += max(0, ceil(words / self.words_per_cycle) - slowest[0])

    def load_and_fill(self, record: Record, f: int, k: int) -> int:
        """Weights into the pads, if others are there."""
        if self.weights_in_pads == (f, k):
            return 0
        self.weights_in_pads = (f, k)
        filter_sets = self.filter_folds()[f]
        bits = self.stream_bits([m for filters in filter_sets for m in filters], k)
        from_dram = not self.weights_there and not (self.mapping.resident and (f, k) in self.resident)
        self.resident.add((f, k))
        words = 0
        if from_dram:
            record.loads["weights"] += bits
            self.counts["dram_wire.weights"] += bits
        if not self.parameters.weights_bypass_global_buffer:
            self.counts["global_buffer.weights.read"] += ceil(bits / self.word)
            words += ceil(bits / self.word)
            if from_dram:
                self.counts["global_buffer.weights.write"] += ceil(bits / self.word)
                words += ceil(bits / self.word)
        self.counts["trunk.weights"] += bits
        self.counts["branch.weights"] += bits
        columns_in_use = min(self.column_fold_size(), len(self.pairs))
        for filters in filter_sets:
            for channels in self.channel_folds()[k]:
                for c in channels:
                    for r in range(self.shape.R):
                        for s in range(self.shape.S):
                            self.counts["weight_pad.write"] += columns_in_use * self.tap_entries(filters, k, c, r, s)
        record.breakdown["weight_fill"] = ceil(bits / self.parameters.weight_bus_bits)
        return words

    def rows_needed(self, pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """(t, y) that some pair needs, each once."""
        needed = []
        for t, row in pairs:
            for r in range(self.shape.R):
                y = row * self.shape.stride[0] + r - self.shape.padding_top
                if 0 <= y < self.shape.H and (t, y) not in needed:
                    needed.append((t, y))
        return needed

    def load_inputs(
        self, record: Record, k: int, pairs: list[tuple[int, int]], channel_group: int, loaded: set[Any]
    ) -> int:
        """Input rows that are not in the global buffer yet."""
        columns = self.input_columns()
        channels = [c for members in self.channel_folds()[k] for c in members]
        words = 0
        for t, y in self.rows_needed(pairs):
            if self.inputs_there or (t, y, k) in loaded or not columns:
                continue
            loaded.add((t, y, k))
            words += ceil(len(channels) * len(columns) * self.task.input_bits / self.word)
            for c in channels:
                row = self.inputs[t, channel_group * self.group_channels + c, y]
                bits = self.dram_input_row_bits([int(row[x]) for x in columns], len(row), self.stored_bits["inputs"])
                record.loads["spikes"] += bits
                self.counts["dram_wire.spikes"] += bits
        self.counts["global_buffer.spikes.write"] += words
        self.most_new_input_words = max(self.most_new_input_words, words)
        size = [sum(map(len, fold)) * len(columns) * self.task.input_bits for fold in self.channel_folds()]
        self.most_input_words = max(self.most_input_words, sum(ceil(size[fold] / self.word) for _, _, fold in loaded))
        return words

    def deliver(
        self, f: int, k: int, pairs: list[tuple[int, int]], channel_group: int
    ) -> tuple[dict[tuple[int, int, int, int, int], dict[int, int]], int]:
        """Input rows to PEs: rows by (filter set, channel, filter row, timestep, y), and words."""
        delivered: dict[tuple[int, int, int, int, int], dict[int, int]] = {}
        channels = [c for members in self.channel_folds()[k] for c in members]
        columns, bits = self.input_columns(), self.task.input_bits
        words = 0
        for t, y in self.rows_needed(pairs):
            touched = set()
            all_words = set()
            for n, c in enumerate(channels):
                places = range(n * len(columns) * bits, (n + 1) * len(columns) * bits)
                all_words |= {bit // self.word for bit in places}
                row = {x: int(self.inputs[t, channel_group * self.group_channels + c, y, x]) for x in columns}
                receiving_rows = 0
                for j in range(self.mapping.filter_sets):
                    for r in range(self.shape.R):
                        fits = any(
                            t == pair_t and y == o * self.shape.stride[0] + r - self.shape.padding_top
                            for pair_t, o in pairs
                        )
                        if fits and self.takes(f, j, c, r):
                            delivered[j, c, r, t, y] = row
                            receiving_rows += 1
                self.counts["branch.spikes"] += receiving_rows * len(row) * bits
                self.counts["input_pad.write"] += receiving_rows * len(row) * self.entries_per_input
                if receiving_rows:
                    touched |= {bit // self.word for bit in places}
                    self.counts["trunk.spikes"] += len(row) * bits
            self.counts["global_buffer.spikes.read"] += len(touched)
            words += len(touched)
            if self.zeros.inputs_at_global_buffer == "gate":
                self.counts["global_buffer.spikes.gated"] += len(all_words - touched)
                words += len(all_words - touched)
        return delivered, words

    def pe(self, delivered: Any, f: int, k: int, j: int, i: int, r: int, t: int, row: int, channel_group: int) -> Pe:
        """A PE with its pads filled; counts what it could do with these operands."""
        filters = self.filter_folds()[f][j]
        stored = {m: formats.is_stored(self.fiber(m, k), self.weight_format) for m in filters}
        weights = {
            c: [[(int(self.task.weights[m, c, r, s]), stored[m]) for m in filters] for s in range(self.shape.S)]
            for c in self.channel_folds()[k][i]
        }
        y = row * self.shape.stride[0] + r - self.shape.padding_top
        return Pe(weights, {c: delivered.get((j, c, r, t, y), {}) for c in weights}, len(filters))

    def work(self, pe: Pe) -> None:
        """All windows of a PE."""
        inputs_mode, weights_mode = self.zeros.inputs_at_input_pad, self.zeros.weights_at_weight_pad
        pad = self.machine.buffers.weight_pad.width_bits
        if not pe.psums:
            pe.psums = [[0] * pe.filters for _ in self.columns]
        for psums, column in zip(pe.psums, self.columns, strict=True):
            for c, taps in pe.weights.items():
                for s, weights in enumerate(taps):
                    x = column * self.shape.stride[1] + s - self.shape.padding_left
                    value = pe.rows[c].get(x, 0)
                    if value == 0 and inputs_mode == "skip":
                        continue
                    applied_weights = range(pe.filters)
                    if weights_mode == "skip" and self.tells_positions:
                        applied_weights = [n for n in applied_weights if weights[n][0] != 0]
                    elif weights_mode == "skip":
                        applied_weights = [n for n in applied_weights if weights[n][1]]
                    if len(applied_weights) > 0 or weights_mode != "skip":
                        self.counts["input_pad.read"] += self.entries_per_input
                        self.counts["pe_wire.spikes"] += self.task.input_bits
                    for n in applied_weights:
                        pe.taps_cycles += 1
                        gated_by_input = value == 0 and inputs_mode != "none"
                        gated_by_weight = weights[n][0] == 0 and weights_mode != "none"
                        if gated_by_input or gated_by_weight:
                            self.counts["accumulator.gated"] += 1
                        else:
                            psums[n] += weights[n][0] * value
                            self.accumulate()
                        self.useful_cycles += value != 0 and weights[n][0] != 0
                        self.operations += bin(value).count("1") if weights[n][0] != 0 else 0
                    self.counts["weight_pad.gated"] += len(applied_weights)
                    if value == 0 and inputs_mode != "none":
                        continue
                    if self.masked and (self.packed or weights_mode != "none"):
                        self.counts["weight_pad.read"] += ceil(pe.filters / pad)
                    for weight, is_stored in weights:
                        told = self.packed or (self.masked and weights_mode != "none")
                        if weight != 0 or (not told and is_stored):
                            self.counts["weight_pad.read"] += self.entries_per_weight
                            self.counts["weight_pad.gated"] -= 1
                            self.counts["pe_wire.weights"] += self.task.weight_bits

    def check_psum_pad(self) -> None:
        """All psums that wait in one PE fit its pad."""
        pad = self.machine.buffers.psum_pad
        held: Counter[tuple[int, int, int, int]] = Counter()
        for (j, i, r, t, row), psums in self.waiting.items():
            column = self.pairs.index((t, row)) % self.column_fold_size()
            held[j, i, r, column] += sum(len(of_window) for of_window in psums) * self.entries_per_psum
        assert max(held.values()) * pad.width_bits <= pad.capacity_bits

    def accumulate(self) -> None:
        """One accumulate: psum read, added to, written."""
        self.counts["psum_pad.read"] += self.entries_per_psum
        self.counts["psum_pad.write"] += self.entries_per_psum
        self.counts["pe_wire.potentials"] += 2 * self.pad_psum_bits
        self.counts["accumulator.add"] += 1
        self.counts["accumulator.multiply"] += self.task.input_bits > 1

    def reduce(self, chain: list[Pe], filters: list[int], t: int, row: int, again: bool) -> None:
        """Psums of a column up the chain and to the global buffer; `again` if it holds some already."""
        for window, column in enumerate(self.columns):
            for n, m in enumerate(filters):
                place = (t, m, row, column)
                total = 0
                if again:
                    total = self.partial[place]
                    self.counts["trunk.potentials"] += self.psum_bits
                    self.counts["branch.potentials"] += self.psum_bits
                for number, pe in enumerate(chain):
                    self.counts["psum_pad.read"] += self.entries_per_psum
                    self.counts["pe_wire.potentials"] += self.pad_psum_bits
                    self.counts["chain.add"] += number > 0 or again
                    self.counts["chain_wire.potentials"] += self.psum_bits if number > 0 else 0
                    assert abs(pe.psums[window][n]) < 2 ** (self.pad_psum_bits - 1)
                    total += pe.psums[window][n]
                assert abs(total) < 2 ** (self.psum_bits - 1)
                self.partial[place] = total
                self.counts["trunk.potentials"] += self.psum_bits
                self.counts["branch.potentials"] += self.psum_bits

    # ---- section 5 ---------------------------------------------------------------------------------------------

    def update(self, record: Record, f: int, pairs: list[tuple[int, int]]) -> None:
        """The neurons of a filter fold and time group."""
        (down, right), words, updates = self.window, 0, 0
        columns = range(self.columns.start // right, self.columns.stop // right)  # of neurons, and their rows
        rows = range(self.rows.start // down, self.rows.stop // down)
        for filters in self.filter_folds()[f]:
            neurons = len(columns) * len(filters)
            for t, row in pairs:
                places = [(t, m, row, column) for m in filters for column in self.columns]
                self.sums |= {place: self.partial.pop(place) for place in places}
                if row // down not in rows:
                    continue
                words += (psum_words := ceil(neurons * right / (self.word // self.psum_bits)))
                self.counts["global_buffer.psums.read"] += psum_words
                if row % down < down - 1:
                    continue  # the window has more rows
                updates += neurons
                output_words = ceil(neurons / self.outputs_per_word)
                words += output_words * (1 if self.outputs_stay else 2)
                self.counts["global_buffer.outputs.write"] += output_words
                self.counts["global_buffer.outputs.read"] += 0 if self.outputs_stay else output_words
                for m in filters:
                    spikes = [int(self.outputs[t, m, row // down, column]) for column in columns]
                    bits = self.dram_output_row_bits(spikes) if spikes and not self.outputs_stay else 0
                    record.stores["outputs"] += bits
                    self.counts["dram_wire.outputs"] += bits
                    self.counts["neuron.add"] += len(columns) * (1 + (self.task.bias[m] != 0))
            for row in rows:
                timesteps = [t for t, pair_row in pairs if pair_row == row * down]
                if not timesteps:
                    continue
                potential_words = sum(ceil(neurons / (self.word // bits)) for bits in self.state_bits)
                taken_up, kept = timesteps[0] > 0, timesteps[-1] < self.task.timesteps - 1
                starts = self.start_in_dram and not taken_up
                loaded, stored = self.parameter_bits + starts * self.task.neuron.potential_bits, 0
                if self.parameters.potentials_wait_in == "dram":
                    loaded += sum(self.state_bits) * (taken_up and self.parameters.potentials_read_back)
                    stored += sum(self.state_bits) * kept
                    taken_up = kept = False
                record.loads["potentials"] += neurons * loaded
                record.stores["potentials"] += neurons * stored
                self.counts["dram_wire.potentials"] += neurons * (loaded + stored)
                self.counts["global_buffer.potentials.read"] += taken_up * potential_words
                self.counts["global_buffer.potentials.write"] += kept * potential_words
                words += (taken_up + kept) * potential_words
        self.counts["neuron.compare"] += 0 if self.reads_out else updates
        self.counts["neuron.leak"] += updates * self.leaks
        states = len(self.state_bits)
        if states == 2:
            self.counts["neuron.current_leak"] += updates * self.current_leaks
            self.counts["neuron.add"] += updates
        if down * right > 1:
            self.counts["neuron.pool"] += updates * (down * right - 1)
        cycles = ceil(updates * (down * right + states - 1) / self.parameters.update_lanes) + 2
        record.breakdown["update"] = cycles
        record.breakdown["global_buffer"] += max(0, ceil(words / self.words_per_cycle) - cycles)
