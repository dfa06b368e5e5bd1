"""The spike formats of a window of timesteps, slowly: a row is a list of timesteps, each a list of its neurons' values;
memory is a string of bits, least significant first."""

from __future__ import annotations

from tests.reference.formats import ceil_log2, digits, in_words, number_of

Row = list[list[int]]


def neurons_that_fire(row: Row) -> list[int]:
    """Those with a spike in any timestep."""
    return [neuron for neuron in range(len(row[0])) if any(timestep[neuron] for timestep in row)]


def encode(name: str, row: Row, input_bits: int) -> str:
    """The bits of a row."""
    timesteps, neurons = len(row), len(row[0])
    if name == "firing_words":
        firing = neurons_that_fire(row)
        mask = "".join("1" if neuron in firing else "0" for neuron in range(neurons))
        return mask + "".join(digits(timestep[neuron], input_bits) for neuron in firing for timestep in row)
    bits = ""
    for timestep, values in enumerate(row):
        for neuron, value in enumerate(values):
            if value != 0:
                entry = digits(neuron, ceil_log2(neurons)) + digits(timestep, ceil_log2(timesteps))
                bits += (entry + (digits(value, input_bits) if input_bits > 1 else "")) or "0"
    return bits


def entries(name: str, row: Row) -> int:
    """Neurons that fire, or spikes."""
    return len(neurons_that_fire(row)) if name == "firing_words" else sum(value != 0 for t in row for value in t)


def pointer_bits(name: str, rows: list[Row]) -> int:
    """Bits that tell where rows begin: a pointer a row, or an offset a row and one more."""
    width = ceil_log2(sum(entries(name, row) for row in rows) + 1)
    return width * (len(rows) if name == "firing_words" else len(rows) + 1)


def decode(name: str, bits: str, stored: int, timesteps: int, neurons: int, input_bits: int) -> Row:
    """The row that begins with these bits."""
    row = [[0] * neurons for _ in range(timesteps)]
    if name == "firing_words":
        words = in_words(bits[neurons:], timesteps * input_bits)
        for word, neuron in enumerate(neuron for neuron in range(neurons) if bits[neuron] == "1"):
            for timestep, value in enumerate(in_words(words[word], input_bits)):
                row[timestep][neuron] = number_of(value)
        return row
    id_bits, tick_bits = ceil_log2(neurons), ceil_log2(timesteps)
    width = max(1, id_bits + tick_bits + (input_bits if input_bits > 1 else 0))
    for entry in in_words(bits, width)[:stored]:
        value = number_of(entry[id_bits + tick_bits :]) if input_bits > 1 else 1
        row[number_of(entry[id_bits : id_bits + tick_bits])][number_of(entry[:id_bits])] = value
    return row
