"""Values that files have no business to hold, and some that they have: numbers at edges, words of other things."""

from __future__ import annotations

from random import Random
from typing import Any

INTEGERS = (
    0, 1, -1, 2, 3, 7, 8, 16, 31, 32, 33, 63, 64, 65, 100, 127, 128, 255, 256, 1000, 1023, 4096, 65535, 65536, 10**6,
    2**24, 2**24 + 1, 2**28, 2**31 - 1, 2**31, 2**32, 2**53 + 1, 2**62, 2**63 - 1, 2**63, -(2**63), 2**64, 10**30,
)  # fmt: skip
REALS = (0.0, -0.0, 0.1, 0.5, 1.0, -1.5, 1e-320, 1e-9, 1e9, 1e38, 1e308, float("inf"), -float("inf"), float("nan"))
WORDS = (
    "", " ", "auto", "none", "all", "weights", "spikes", "rle", "bitmask", "csr", "uncompressed", "n_m", "spike_array",
    "row_stationary", "spike_serial", "systolic", "double_buffering", "roofline", "layer_pipeline", "digits", "nmnist",
    "resident", "batch", "chip", "dram", "inference", "lif", "if", "hard", "soft", "conv2d", "linear", "digits-8bit",
    "../../etc/passwd", "/dev/zero", "/dev/null", ".", "..", "/", "~", "a" * 121, "x" * 5000, "yes", "null", "1e3",
    "050", "2026-01-01", "12:30:45", "0x1F", "\u202egnp.exe", "\U0001f9e0", "é", "a\tb", "a\nb", "\x1b[2J", "%s%n",
    "{0}", "${HOME}", "__class__", "name", "kind", "-1", "nan", "inf", "None", "=", "=1", "a=b=c", ",", "0-", "0-9",
)  # fmt: skip


def integer(random: Random) -> int:
    """A whole number, small more often than not."""
    if random.random() < 0.4:
        return random.randint(0, 20)
    return random.choice(INTEGERS)


def value(random: Random, level: int = 0) -> Any:
    """Anything that a YAML or JSON file can hold."""
    kind = random.random()
    if kind < 0.35:
        return integer(random)
    if kind < 0.5:
        return random.choice(REALS)
    if kind < 0.75 or level > 2:
        return random.choice(WORDS)
    if kind < 0.85:
        return random.choice([True, False, None])
    if kind < 0.93:
        return [value(random, level + 1) for _ in range(random.choice([0, 1, 2, 5]))]
    return {random.choice(WORDS): value(random, level + 1) for _ in range(random.choice([0, 1, 2]))}


def number_near(random: Random, number: float) -> float:
    """A number that is changed, but not beyond recognition."""
    changed = random.choice(
        [number + 1, number - 1, number * 2, number * 3, number * 10, number * 1000, -number, number / 2, number / 7, 0]
    )
    return int(changed) if isinstance(number, int) and random.random() < 0.9 and abs(changed) < 2**70 else changed
