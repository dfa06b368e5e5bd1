"""What a machine is built of, as pricing sees it: memories, and units of logic.

A dataflow's machine lists its parts (`Machine.memories`, `Machine.units`); what an action of a part costs, and what
the part takes of area, leakage and clock, is for `spikecycle.simulator.pricing` to say.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

MemoryKind = Literal["sram", "register_file", "fifo", "cache"]
"""sram: compiled macro. register_file, fifo: flip-flops. cache: SRAM of data and SRAM of tags."""
UnitKind = Literal["arithmetic", "control", "register"]
"""arithmetic: computes on operands. control: decides, addresses, decodes, routes. register: holds state."""


@dataclass(frozen=True)
class Memory:
    """An on-chip memory, `instances` times.

    name: key of the buffer in the machine file. size_kib, width_bits, banks, ports: of one instance; a bank of 1 port
    does one read or write a cycle, one of 2 ports a read and a write. ways, line_bits, address_bits: of a cache only.
    """

    name: str
    kind: MemoryKind
    size_kib: float
    width_bits: int
    banks: int = 1
    ports: int = 1
    instances: int = 1
    ways: int = 1
    line_bits: int = 0
    address_bits: int = 0


@dataclass(frozen=True)
class LogicUnit:
    """Logic in the array, `count` times.

    component: what reports call it. action: an action of the energy table for arithmetic, else an entry of the table's
    section `control`. bits: width of the operands (arithmetic). sizes: what area and registers grow with (others), by
    the names of the table's entry, e.g. (("lanes", 4), ("mask_bits", 32)).
    """

    component: str
    action: str
    bits: int = 1
    count: int = 1
    kind: UnitKind = "arithmetic"
    sizes: tuple[tuple[str, int], ...] = ()
