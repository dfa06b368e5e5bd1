"""Runs the RTL on a sample and reads back what it did."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.rtl.harness.build import BuildError
from tests.rtl.harness.bundles import CHUNK_BITS
from tests.rtl.harness.cut import Tile
from tests.rtl.harness.program import Program
from tests.rtl.harness.simulator import EncodedSpikes, SpikeLayout, decode_spikes, spike_format

COUNTERS = (
    "cycles.accumulate",
    "cycles.update",
    "cycles.encode",
    "spikes.write",
    "spikes.read",
    "outputs.write",
    "outputs.read",
    "dispatcher.broadcast",
    "weights.write",
    "weights.read",
    "directory.write",
    "directory.read",
    "fifo.push",
    "fifo.pop",
    "potentials.read",
    "potentials.write",
    "accumulator.add",
    "decoder.dropped",
    "decoder.gated",
    "neuron.compare",
    "busy",
)
"""In the order of counters.sv."""


@dataclass(frozen=True, eq=False)
class RtlResult:
    """What the RTL did with a sample.

    cycles: int64 (passes,). outputs: uint8 (T, M, P, Q) spikes. counts: by name, see COUNTERS.
    """

    cycles: np.ndarray
    outputs: np.ndarray
    counts: dict[str, int]


def run(programs: Sequence[Program], binary: Path) -> list[RtlResult]:
    """Simulate the RTL, one program after the other in one go; `binary` is built for the programs' machine."""
    with tempfile.TemporaryDirectory() as work:
        commands, results = Path(work) / "commands", Path(work) / "results"
        np.concatenate([program.commands for program in programs]).tofile(commands)
        done = subprocess.run([binary, commands, results], capture_output=True, text=True, check=False)
        if done.returncode:
            raise BuildError(f"the simulated RTL failed: {done.stdout[-2000:]}{done.stderr[-2000:]}")
        words = np.fromfile(results, np.uint32)
    found = []
    at = 0
    before = np.zeros(len(COUNTERS), np.int64)
    for program in programs:
        cycles, outputs, at = _read(program, words, at)
        counts = words[at : at + 2 * len(COUNTERS)].view(np.uint64).astype(np.int64)
        at += 2 * len(COUNTERS)
        found.append(RtlResult(cycles, outputs, dict(zip(COUNTERS, (counts - before).tolist(), strict=True))))
        before = counts
    return found


def _read(program: Program, words: np.ndarray, at: int) -> tuple[np.ndarray, np.ndarray, int]:
    """A program's cycles and outputs from the results, from word `at` on, and the word after them."""
    task, machine = program.task, program.machine
    chunk = -(-machine.buffers.outputs.width_bits // CHUNK_BITS)
    outputs = np.full((task.timesteps, *task.shape.output_shape), 255, np.uint8)
    cycles = []
    for current in program.passes:
        cycles.append(int(words[at]))
        taken = int(words[at + 1]) * chunk
        at += 2
        if current.last:
            tile = current.tile
            spikes = _spikes(program, tile, words[at : at + taken].reshape(-1, chunk))
            first = tile.own.first * machine.dataflow.pes_per_group
            outputs[
                current.timestep,
                first : first + len(spikes),
                tile.rows.first : tile.rows.end,
                tile.columns.first : tile.columns.end,
            ] = spikes
        at += taken
    return np.array(cycles), outputs, at


def _spikes(program: Program, tile: Tile, words: np.ndarray) -> np.ndarray:
    """Output words of a tile, (words, chunk), as spikes: uint8 (channels, rows, columns)."""
    machine, width = program.machine, program.machine.buffers.outputs.width_bits
    pes_per_group = machine.dataflow.pes_per_group
    channels = min(tile.own.end * pes_per_group, program.task.shape.M) - tile.own.first * pes_per_group
    size = (channels, tile.rows.size, tile.columns.size)
    positions = channels * tile.rows.size * tile.columns.size
    chosen = spike_format(machine.formats.spikes)
    layout = chosen.layout(positions, 1, width)
    stored = words.view(np.uint8).reshape(len(words), 4 * words.shape[1])
    bits = np.unpackbits(stored, axis=1, bitorder="little")[:, :width]
    stream = np.packbits(bits.ravel(), bitorder="little")
    if not layout.explicit:
        entries = positions
        assert len(words) == layout.words(positions)
    else:
        entries = _stored_entries(bits.ravel(), layout, len(words))
    values = decode_spikes(EncodedSpikes(layout, positions, stream, entries))
    return values.astype(np.uint8).reshape(size)


def _stored_entries(bits: np.ndarray, layout: SpikeLayout, words: int) -> int:
    """Entries of AER words: addresses ascend, and what is left of the last word is 0."""
    most = words // layout.words_per_entry * layout.entries_per_word
    before = -1
    for entry in range(most):
        word = entry // layout.entries_per_word * layout.words_per_entry
        first = word * layout.word_bits + entry % layout.entries_per_word * layout.entry_bits
        address = int("0" + "".join(map(str, bits[first : first + layout.address_bits][::-1])), 2)
        if address <= before:
            return entry
        before = address
    return most
