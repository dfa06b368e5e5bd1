"""Positions of run-length entries in a fiber: one after the other, or whole entries packed in code words."""

from __future__ import annotations

from spikecycle.simulator.formats.levels import FormatSpec
from spikecycle.simulator.jit import lean_kernel


@lean_kernel
def entries_per_code_word(spec: FormatSpec) -> int:
    """Entries that a code word holds beside its end bit."""
    return (spec.code_word_bits - 1) // (spec.run_bits + spec.value_bits)


@lean_kernel
def run_entry_first_bit(entry: int, spec: FormatSpec) -> int:
    """The first bit, in its fiber, of entry number `entry`, counted from 0."""
    entry_bits = spec.run_bits + spec.value_bits
    if spec.code_word_bits == 0:
        return entry * entry_bits
    per_word = entries_per_code_word(spec)
    return entry // per_word * spec.code_word_bits + entry % per_word * entry_bits
