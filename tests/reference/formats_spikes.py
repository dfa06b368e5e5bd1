"""The spike formats of one timestep, slowly: a memory is a list of words, a word a string of bits, least significant
first."""

from __future__ import annotations

from tests.reference.formats import ceil_log2, digits, number_of


def entry_bits(name: str, positions: int, input_bits: int, run_bits: int = 5) -> int:
    """Bits of an entry: of a position for a bitmap, of an event for AER, of a run; never less than 1."""
    if name == "bitmap":
        return input_bits
    value_bits = input_bits if input_bits > 1 else 0
    return max(1, (run_bits if name == "run_length" else ceil_log2(max(positions, 1))) + value_bits)


def entries(name: str, values: list[int], input_bits: int, run_bits: int = 5) -> list[str]:
    """The entries of one timestep, each as a string of bits."""
    if name == "bitmap":
        return [digits(value, input_bits) for value in values]
    if name == "run_length":
        return runs(values, input_bits, run_bits)
    address_bits = ceil_log2(max(len(values), 1))
    found = []
    for position, value in enumerate(values):
        if value != 0:
            entry = digits(position, address_bits) + (digits(value, input_bits) if input_bits > 1 else "")
            found.append(entry or "0")
    return found


def runs(values: list[int], input_bits: int, run_bits: int) -> list[str]:
    """Runs of silent positions: binary spikes keep the longest run for positions without a spike behind them."""
    found, silent, most = [], 0, 2**run_bits - 1
    for value in values[: max((i for i, value in enumerate(values) if value), default=-1) + 1]:
        if input_bits == 1:
            if silent == most:
                found.append(digits(most, run_bits))
                silent = 0
            if value == 0:
                silent += 1
            else:
                found.append(digits(silent, run_bits))
                silent = 0
        elif value == 0 and silent < most:
            silent += 1
        else:
            found.append(digits(silent, run_bits) + digits(value, input_bits))
            silent = 0
    return found


def words(name: str, values: list[int], input_bits: int, word_bits: int, run_bits: int = 5) -> list[str]:
    """The words that hold them: whole entries to a word, or whole words to an entry."""
    memory: list[str] = []
    for entry in entries(name, values, input_bits, run_bits):
        if memory and len(memory[-1]) + len(entry) <= word_bits:
            memory[-1] += entry
        else:
            memory += [entry[i : i + word_bits] for i in range(0, len(entry), word_bits)]
            if len(entry) > word_bits:
                memory[-1] += "0" * (word_bits - len(memory[-1]))
    return [word + "0" * (word_bits - len(word)) for word in memory]


def decode(
    name: str, memory: list[str], stored: int, positions: int, input_bits: int, word_bits: int, run_bits: int = 5
) -> list[int]:
    """The values of the `stored` entries that the memory holds."""
    width = entry_bits(name, positions, input_bits, run_bits)
    if width <= word_bits:
        fitting = word_bits // width
        found = [word[i * width : (i + 1) * width] for word in memory for i in range(fitting)]
    else:
        taken = -(-width // word_bits)
        found = ["".join(memory[i : i + taken])[:width] for i in range(0, len(memory), taken)]
    if name == "bitmap":
        return [number_of(entry) for entry in found[:stored]]
    values = [0] * positions
    if name == "run_length":
        told: list[int] = []
        for entry in found[:stored]:
            run, value = number_of(entry[:run_bits]), number_of(entry[run_bits:]) if input_bits > 1 else 1
            told += [0] * run + ([] if input_bits == 1 and run == 2**run_bits - 1 else [value])
        return told + values[len(told) :]
    address_bits = ceil_log2(max(positions, 1))
    for entry in found[:stored]:
        values[number_of(entry[:address_bits])] = number_of(entry[address_bits:]) if input_bits > 1 else 1
    return values
