"""What a memory costs, by what it is made of: SRAM, flip-flops, or a cache of two SRAMs."""

from __future__ import annotations

import math
from dataclasses import dataclass

from spikecycle.simulator.energy.sram import SramEstimate, SramModel
from spikecycle.simulator.energy.table import EnergyTable
from spikecycle.simulator.errors import MachineError
from spikecycle.simulator.machine.parts import Memory
from spikecycle.simulator.machine.schema import Logic, Technology
from spikecycle.simulator.units import BITS_PER_BYTE, BITS_PER_KIB, um2_to_mm2

DEEPEST_REGISTER_FILE_WORDS = 32
"""Deepest FIFO of flip-flops that was synthesized; deeper ones cost more a word than the model says."""


@dataclass(frozen=True)
class MemoryEstimate:
    """One instance of a memory, all its banks together.

    read_pj, write_pj: one access, pJ. access_ns: from address to data; None where it is not known. flip_flops: clocked
    in it. extrapolated: whether it lies beyond what its figures were made for.
    """

    read_pj: float
    write_pj: float
    leakage_mw: float
    area_mm2: float
    access_ns: float | None
    flip_flops: int
    extrapolated: bool


def estimate_memory(memory: Memory, technology: Technology, logic: Logic, table: EnergyTable) -> MemoryEstimate:
    """One instance of `memory`; raises MachineError where there are no figures for it."""
    if memory.kind == "sram":
        return _of_sram(_sram(memory, technology, memory.size_kib, memory.width_bits))
    if memory.kind == "cache":
        return _cache(memory, technology)
    return _registers(memory, logic, table)


def _sram(memory: Memory, technology: Technology, size_kib: float, width_bits: int) -> SramEstimate:
    model = SramModel.load(technology.sram_cell, technology.temperature_k, memory.ports)
    return model.estimate(technology.node_nm, size_kib, width_bits, memory.banks)


def _of_sram(estimate: SramEstimate) -> MemoryEstimate:
    return MemoryEstimate(
        read_pj=estimate.read_pj,
        write_pj=estimate.write_pj,
        leakage_mw=estimate.leakage_mw,
        area_mm2=estimate.area_mm2,
        access_ns=estimate.access_ns,
        flip_flops=0,
        extrapolated=estimate.extrapolated,
    )


def _registers(memory: Memory, logic: Logic, table: EnergyTable) -> MemoryEstimate:
    """Flip-flops with a multiplexer to read: each access moves a word, whatever the number of words."""
    bits = math.floor(memory.size_kib * BITS_PER_KIB)
    words = bits // memory.width_bits
    cells_um2 = table.area_um2("register_read", 1) * bits
    return MemoryEstimate(
        read_pj=table.action_pj("register_read", memory.width_bits),
        write_pj=table.action_pj("register_write", memory.width_bits),
        leakage_mw=table.leakage_mw(cells_um2, logic.devices),
        area_mm2=um2_to_mm2(cells_um2 / logic.utilization),
        access_ns=None,
        flip_flops=bits,
        extrapolated=words > DEEPEST_REGISTER_FILE_WORDS,
    )


def _cache(memory: Memory, technology: Technology) -> MemoryEstimate:
    """Tags first, then one way of the data: an access reads a tag of every way, and reads or writes one word."""
    sets = math.floor(memory.size_kib * BITS_PER_KIB) // (memory.line_bits * memory.ways)
    offset_bits = math.ceil(math.log2(max(1, sets * memory.line_bits // BITS_PER_BYTE)))
    tag_bits = 1 + max(0, memory.address_bits - offset_bits)  # 1: whether the line is valid
    tags_width = tag_bits * memory.ways
    if sets < 1:
        raise MachineError(f"buffers.{memory.name}: a cache holds at least one line a way")
    data = _sram(memory, technology, memory.size_kib, memory.width_bits)
    tags = _sram(memory, technology, sets * tags_width / BITS_PER_KIB, tags_width)
    return MemoryEstimate(
        read_pj=tags.read_pj + data.read_pj,
        write_pj=tags.read_pj + data.write_pj,
        leakage_mw=tags.leakage_mw + data.leakage_mw,
        area_mm2=tags.area_mm2 + data.area_mm2,
        access_ns=tags.access_ns + data.access_ns,
        flip_flops=0,
        extrapolated=tags.extrapolated or data.extrapolated,
    )
