"""What a twin says of a stage and one sample: the figures that its dataflow has to give, whatever they are made of.

Every dataflow `name` has a twin `tests/reference/name.py` with one function

    expected(machine, stage, network, sample) -> Expected

sample: the values of all tensors of the network by name, integers (T, C, H, W), delays not applied.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from spikecycle.traces import Source

Sample = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Expected:
    """cycles: of all work. breakdown: the same by category. counts: by the name of the counter. reads, writes: bits
    between DRAM and chip by operand. What is 0 may be left out."""

    cycles: int
    breakdown: Mapping[str, int] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    reads: Mapping[str, int] = field(default_factory=dict)
    writes: Mapping[str, int] = field(default_factory=dict)


def of_records(records: Iterable[Any], counts: Mapping[str, int]) -> Expected:
    """The sum over what an array's twin wrote down pass by pass."""
    breakdown: Counter[str] = Counter()
    loads: Counter[str] = Counter()
    stores: Counter[str] = Counter()
    for record in records:
        breakdown.update(record.breakdown)
        loads.update(record.loads)
        stores.update(record.stores)
    return Expected(sum(breakdown.values()), breakdown, counts, loads, stores)


def arriving(source: Source, sample: Sample) -> np.ndarray:
    """What one input of an operator brings, (T, C, H, W): with a delay of 1 what was there a timestep earlier."""
    values = sample[source.tensor]
    if source.delay == 0:
        return values
    return np.stack([np.zeros_like(values[0]), *values[:-1]])
