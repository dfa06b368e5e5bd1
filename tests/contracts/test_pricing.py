"""Pricing against figures worked out by hand: a small machine and table, counts written down, every pJ, mW and mm2.

The table is made for mental arithmetic. SRAM figures are those of CACTI 7 (rows of the shipped tables, copied here).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from spikecycle.simulator.activity import OPERANDS, Counter
from spikecycle.simulator.energy import SramModel
from spikecycle.simulator.errors import MachineError
from spikecycle.simulator.machine.parts import LogicUnit
from spikecycle.simulator.machine.schema import Buffer, Buffers, Machine
from spikecycle.simulator.pricing import (
    MachinePrices,
    dram_counters,
    dram_counts,
    dram_traffic,
    row_activations,
)

TABLE = """
describes: made for mental arithmetic
node_nm: 45
supply_v: 0.9
actions:
  add:
    meaning: addition
    energy: {points: [{bits: 16, pj: 0.05}], law: linear, source: made up, grade: assumed}
    area: {points: [{bits: 16, um2: 60}], law: linear, source: made up, grade: assumed}
  multiply:
    meaning: multiplication
    energy: {points: [{bits: 8, pj: 0.3}], law: quadratic, source: made up, grade: assumed}
  register_read:
    meaning: read
    energy: {points: [{bits: 1, pj: 0.01}], law: linear, source: made up, grade: assumed}
    area: {points: [{bits: 1, um2: 6}], law: linear, source: made up, grade: assumed}
  register_write:
    meaning: write
    energy: {points: [{bits: 1, pj: 0.02}], law: linear, source: made up, grade: assumed}
wire: {pj_per_bit_mm: 0.2, source: made up, grade: assumed}
"""
CONTROL = """
control:
  decode:
    meaning: decoder
    pj: {fiber: 2.0, weight: 0.5}
    at: {lanes: 2}
    um2: {fixed: 100, per: {lanes: 50}}
    flip_flops: {fixed: 4, per: {lanes: 3}}
    source: made up
    grade: assumed
clock:
  flip_flop_pj: 0.01
  gating: {none: {active: 1, idle: 1}, enable: {active: 0.5, idle: 0.5}, unit: {active: 0.25, idle: 0.05}}
  source: made up
  grade: assumed
leakage: {uw_per_um2: 0.02, devices: {hp: 1, lstp: 0.001}, source: made up, grade: assumed}
"""


class HandBuffers(Buffers):
    """Three copies of an SRAM, and one FIFO."""

    weights: Buffer
    queue: Buffer


class HandMachine(Machine):
    """A machine that no dataflow has."""

    buffers: HandBuffers

    @property
    def pe_count(self) -> int:
        return 3

    def instances(self, buffer: str) -> int:
        return {"weights": 3, "queue": 1}[buffer]

    def units(self) -> tuple[LogicUnit, ...]:
        return (
            LogicUnit("adder", "add", bits=16, count=4),
            LogicUnit("decoder", "decode", count=2, kind="control", sizes=(("lanes", 4),)),
        )

    def unmodelled(self) -> tuple[str, ...]:
        return ("doors",)


HandMaker = Callable[..., HandMachine]


@pytest.fixture
def hand(tmp_path: Path) -> HandMaker:
    """Makes the machine; `sections` replace its own, `control` tells whether its table has more than arithmetic."""
    path = tmp_path / "hand.yaml"

    def make(control: bool = True, **sections: Any) -> HandMachine:
        path.write_text(TABLE + (CONTROL if control else ""))
        data: dict[str, Any] = {
            "name": "hand",
            "describes": "by hand",
            "sources": {},
            "technology": {"node_nm": 45.0, "clock_mhz": 500},
            "logic": {"clock_gating": "unit", "glitch_factor": 1.5, "utilization": 0.5, "devices": "hp"},
            "dataflow": {"kind": "none"},
            "buffers": {
                "weights": {"size_kib": 32.0, "width_bits": 64},
                "queue": {"size_kib": 0.0625, "width_bits": 16, "kind": "fifo"},
            },
            "dram": {
                "bandwidth_gbit_per_s": 1, "burst_bits": 64, "latency_ns": 0.0,
                "energy_pj_per_bit": 10.0, "write_energy_pj_per_bit": 12.0,
            },
            "formats": {"weights": {"format": "cp"}, "spikes": {"format": "bitmap"}},
            "energy": {"table": str(path)},
        }  # fmt: skip
        return HandMachine.model_validate(data | sections)

    return make


def counter(component: str, action: str, resource: Any, bits: int = 1, length_um: int = 0) -> Counter:
    """A declared count."""
    return Counter(f"{component}.{action}", component, "weights", action, resource, "times", "made up", bits, length_um)


def priced(machine: Machine, *counts: tuple[Counter, int]) -> list[float]:
    """Energies, pJ."""
    results = MachinePrices(machine).price([one for one, _ in counts], [count for _, count in counts])
    assert [(one.name, one.sum_count) for one in results] == [(one.name, count) for one, count in counts]
    return [one.sum_energy_pj for one in results]


def test_an_access_of_an_sram_is_a_read_or_a_write(hand: HandMaker) -> None:
    # CACTI, 45 nm, 32 KiB x 64 bit: 17.042 pJ a read, 15.398 pJ a write
    assert priced(hand(), (counter("weights", "read", "sram"), 10), (counter("weights", "write", "sram"), 100)) == [
        pytest.approx(170.42, rel=1e-9),
        pytest.approx(1539.8, rel=1e-9),
    ]


def test_a_second_port_is_paid(hand: HandMaker) -> None:
    # CACTI, 45 nm, 8 KiB x 64 bit: 6.137 pJ a read and 0.026267 mm2 with one port; with one to read and one to write
    # 7.6554 pJ and 0.053317 mm2
    queue = {"size_kib": 0.0625, "width_bits": 16, "kind": "fifo"}
    for ports, read_pj, area_mm2 in ((1, 6.137, 3 * 0.026267), (2, 7.6554, 3 * 0.053317)):
        buffers = {"weights": {"size_kib": 8.0, "width_bits": 64, "ports": ports}, "queue": queue}
        weights = MachinePrices(hand(buffers=buffers)).memory_areas[0]
        assert (weights.ports, weights.read_pj, weights.area_mm2) == (
            ports, pytest.approx(read_pj, rel=1e-4), pytest.approx(area_mm2, rel=1e-4),
        )  # fmt: skip


def test_a_cache_is_tags_and_data(hand: HandMaker) -> None:
    # 8 KiB of lines of 512 bits, 2 ways: 64 sets. 12 of 32 address bits choose a byte of a way (4 KiB), 20 and a valid
    # bit are the tag: 64 rows of 2 x 21 bits. An access reads a row of tags, then reads or writes a word of data.
    lines = {"size_kib": 8.0, "width_bits": 64, "kind": "cache", "line_bits": 512, "ways": 2}
    queue = {"size_kib": 0.0625, "width_bits": 16, "kind": "fifo"}
    cache = MachinePrices(hand(buffers={"weights": lines, "queue": queue})).memory_areas[0]
    model = SramModel.load()
    data, tags = model.estimate(45, 8, 64, 1), model.estimate(45, 64 * 42 / 8192, 42, 1)
    assert cache.read_pj == pytest.approx(tags.read_pj + data.read_pj)
    assert cache.write_pj == pytest.approx(tags.read_pj + data.write_pj)
    assert cache.access_ns == pytest.approx(tags.access_ns + data.access_ns)
    assert cache.area_mm2 == pytest.approx(3 * (tags.area_mm2 + data.area_mm2))
    assert cache.leakage_mw == pytest.approx(3 * (tags.leakage_mw + data.leakage_mw))


@pytest.mark.parametrize(
    ("buffer", "problem"),
    [
        ({"kind": "cache"}, "line_bits goes with kind: cache"),
        ({"line_bits": 64}, "line_bits goes with kind: cache"),
        (
            {"kind": "cache", "line_bits": 8192, "ways": 16},
            "a cache holds at least one line a way, found 16 x 8192 bits",
        ),
        ({"kind": "flash"}, "kind"),
        ({"ports": 3}, "ports"),
    ],
)
def test_a_memory_that_makes_no_sense_is_refused(hand: HandMaker, buffer: dict[str, Any], problem: str) -> None:
    queue = {"size_kib": 0.0625, "width_bits": 16, "kind": "fifo"}
    with pytest.raises(ValidationError, match=problem):
        hand(buffers={"weights": {"size_kib": 8.0, "width_bits": 64} | buffer, "queue": queue})


def test_an_access_of_flip_flops_moves_a_word(hand: HandMaker) -> None:
    # 16 bits x 0.01 pJ read, x 0.02 pJ written
    assert priced(hand(), (counter("queue", "read", "sram"), 3), (counter("queue", "write", "sram"), 3)) == [
        pytest.approx(3 * 0.16),
        pytest.approx(3 * 0.32),
    ]


def test_arithmetic_goes_by_its_width(hand: HandMaker) -> None:
    # linear: 0.05 pJ at 16 bits is 0.075 at 24; quadratic: 0.3 pJ at 8 bits is 1.2 at 16
    assert priced(hand(), (counter("a", "add", "logic", 24), 2), (counter("a", "multiply", "logic", 16), 5)) == [
        pytest.approx(0.15),
        pytest.approx(6.0),
    ]


def test_control_goes_by_the_area_of_its_unit_and_by_glitches(hand: HandMaker) -> None:
    # 4 lanes: 100 + 4 x 50 = 300 um2; the figures are for 2 lanes, 200 um2: x 1.5; glitches x 1.5
    # 2.0 x 1.5 x 1.5 = 4.5 pJ per fiber, 0.5 x 1.5 x 1.5 = 1.125 pJ per weight
    fiber, weight = counter("d", "decode.fiber", "control"), counter("d", "decode.weight", "control")
    assert priced(hand(), (fiber, 10), (weight, 8)) == [pytest.approx(45.0), pytest.approx(9.0)]
    assert priced(hand(control=False), (fiber, 10)) == [0]
    with pytest.raises(MachineError, match="has no unit 'encode'"):
        priced(hand(), (counter("d", "encode.fiber", "control"), 1))
    with pytest.raises(MachineError, match=r"control\.decode: no event 'word', there are: fiber, weight"):
        priced(hand(), (counter("d", "decode.word", "control"), 1))


def test_a_wire_goes_by_bits_and_length(hand: HandMaker) -> None:
    # 0.2 pJ x 8 bits x 2.5 mm = 4 pJ; twice as long is twice that
    near, far = counter("bus", "move", "wire", 8, 2500), counter("bus", "move", "wire", 8, 5000)
    assert priced(hand(), (near, 3), (far, 3)) == [pytest.approx(12.0), pytest.approx(24.0)]


def test_what_is_only_counted_costs_nothing(hand: HandMaker) -> None:
    assert priced(hand(), (counter("d", "gated", "none"), 10**6)) == [0]


def test_dram_reads_and_writes_are_told_apart(hand: HandMaker) -> None:
    reads, writes = [1, 2, 3, 4], [50, 60, 70, 80]
    read_counters = [dram_traffic("read", operand) for operand in OPERANDS]
    write_counters = [dram_traffic("write", operand) for operand in OPERANDS]
    results = MachinePrices(hand()).price([*read_counters, *write_counters], [*reads, *writes])
    for place, operand in enumerate(OPERANDS):
        read, written = results[place], results[place + len(OPERANDS)]
        assert (read.name, read.sum_count) == (f"dram.read.{operand}", reads[place])
        assert read.sum_energy_pj == pytest.approx(reads[place] * 10.0)
        assert (written.name, written.sum_count) == (f"dram.write.{operand}", writes[place])
        assert written.sum_energy_pj == pytest.approx(writes[place] * 12.0)
    same = hand(dram={"bandwidth_gbit_per_s": 1, "burst_bits": 64, "latency_ns": 0.0, "energy_pj_per_bit": 10.0})
    assert MachinePrices(same).price(write_counters, writes)[0].sum_energy_pj == pytest.approx(500.0)


def test_rows_and_background_of_dram_are_paid_where_they_are_given(hand: HandMaker) -> None:
    dram = {"bandwidth_gbit_per_s": 1, "burst_bits": 64, "latency_ns": 0.0, "energy_pj_per_bit": 10.0}
    rows = hand(dram=dram | {"row_bits": 1000, "activate_pj": 900.0, "background_mw": 40.0})
    # streams of 1, 1000, 1001 and no bits open 1 + 1 + 2 + 0 rows; 500 cycles of 2 ns at 40 mW are 40000 pJ
    assert row_activations(1000, np.array([[1, 1000]]), np.array([[1001, 0]])) == 4
    assert row_activations(None, np.array([[1, 1000]])) == 0
    found = MachinePrices(rows).price(dram_counters(rows), dram_counts(rows, 4, 500))
    assert [(one.name, one.sum_energy_pj) for one in found] == [
        ("dram.activate", pytest.approx(3600.0)),
        ("dram.background", pytest.approx(40000.0)),
    ]
    assert {"DRAM activations (page misses)", "DRAM background power"}.isdisjoint(MachinePrices(rows).not_modelled)
    timed = hand(dram=dram | {"row_bits": 1000, "activate_pj": 900.0, "row_miss_ns": 20.0})
    assert "time of DRAM turnarounds" in MachinePrices(timed).not_modelled
    timed = hand(dram=dram | {"row_bits": 1000, "activate_pj": 900.0, "row_miss_ns": 20.0, "turnaround_ns": 8.0})
    assert not [what for what in MachinePrices(timed).not_modelled if "time of DRAM" in what]
    assert dram_counters(hand(dram=dram)) == dram_counts(hand(dram=dram), 4, 500) == ()
    with pytest.raises(ValidationError, match="row_bits and activate_pj go together"):
        hand(dram=dram | {"row_bits": 1000})


def test_memories_in_silicon(hand: HandMaker) -> None:
    weights, queue = MachinePrices(hand()).memory_areas
    # three times CACTI's 0.09486 mm2 and 0.00092391 mW
    assert (weights.buffer, weights.kind, weights.instances) == ("weights", "sram", 3)
    assert weights.area_mm2 == pytest.approx(0.28458, rel=1e-9)
    assert weights.leakage_mw == pytest.approx(0.00277173, rel=1e-9)
    assert (weights.read_pj, weights.write_pj, weights.access_ns) == (
        pytest.approx(17.042), pytest.approx(15.398), pytest.approx(1.4092),
    )  # fmt: skip
    # 512 bits x 6 um2 = 3072 um2 of cells in twice the area; 3072 x 0.02 uW
    assert (queue.kind, queue.access_ns, queue.extrapolated) == ("fifo", None, False)
    assert queue.area_mm2 == pytest.approx(0.006144)
    assert queue.leakage_mw == pytest.approx(0.06144)


def test_logic_in_silicon(hand: HandMaker) -> None:
    adder, decoder = MachinePrices(hand()).logic_areas
    # 4 x 60 = 240 um2 of cells in 480 um2; 240 x 0.02 uW
    assert (adder.component, adder.kind, adder.flip_flops) == ("adder", "arithmetic", 0)
    assert (adder.area_mm2, adder.leakage_mw) == (pytest.approx(0.00048), pytest.approx(0.0048))
    # 2 x (100 + 4 x 50) = 600 um2 in 1200 um2; 600 x 0.02 uW; 2 x (4 + 4 x 3) flip-flops
    assert (decoder.component, decoder.kind, decoder.flip_flops) == ("decoder", "control", 32)
    assert (decoder.area_mm2, decoder.leakage_mw) == (pytest.approx(0.0012), pytest.approx(0.012))
    # low-standby-power devices leak a thousandth
    quiet = hand(logic={"clock_gating": "unit", "glitch_factor": 1.5, "utilization": 0.5, "devices": "lstp"})
    assert MachinePrices(quiet).logic_areas[1].leakage_mw == pytest.approx(0.000012)
    with pytest.raises(MachineError, match=r"logic\.devices: found 'lop', .* has leakage of: hp, lstp"):
        _ = MachinePrices(hand(logic={"devices": "lop"})).logic_areas


def test_leakage_is_power_times_time_of_everything(hand: HandMaker) -> None:
    # 3 x 0.00092391 + 0.06144 + 0.0048 + 0.012 = 0.08101173 mW; 1000 cycles at 500 MHz are 2000 ns
    assert MachinePrices(hand()).leakage_mw == pytest.approx(0.08101173, rel=1e-9)
    assert MachinePrices(hand()).leakage_pj(1000) == pytest.approx(162.02346, rel=1e-9)
    # without leakage of logic in the table, SRAM alone: 0.00277173 mW
    assert MachinePrices(hand(control=False)).leakage_pj(1000) == pytest.approx(5.54346, rel=1e-9)


def test_the_clock_goes_by_flip_flops_and_what_gating_leaves(hand: HandMaker) -> None:
    # 32 of the decoders and 512 of the queue; 544 x 0.01 pJ x 0.25 = 1.36 pJ, or x 0.05 = 0.272 pJ
    prices = MachinePrices(hand())
    assert prices.flip_flops == 544
    counts = prices.clock_counts({"compute": 60, "barrier": 10, "dram_load": 25, "dram_drain": 5})
    assert counts == (70, 30)
    assert [one.sum_energy_pj for one in prices.price(prices.clock_counters, counts)] == [
        pytest.approx(95.2), pytest.approx(8.16),
    ]  # fmt: skip
    ungated = MachinePrices(hand(logic={"clock_gating": "none", "devices": "hp"}))
    assert [one.sum_energy_pj for one in ungated.price(ungated.clock_counters, counts)] == [
        pytest.approx(70 * 5.44), pytest.approx(30 * 5.44),
    ]  # fmt: skip
    unpriced = MachinePrices(hand(control=False))
    assert unpriced.clock_counters == unpriced.clock_counts({"compute": 1}) == ()


def test_what_a_result_leaves_out_is_named(hand: HandMaker) -> None:
    dram = ["DRAM activations (page misses)", "DRAM background power", "time of DRAM page misses and turnarounds"]
    assert list(MachinePrices(hand()).not_modelled) == [*dram, "trunk of the clock tree", "doors"]
    assert list(MachinePrices(hand(control=False)).not_modelled) == [
        "control",
        "clock",
        "logic leakage",
        *dram,
        "doors",
    ]
    assert "control" in MachinePrices(hand(control=False)).area_leaves_out
    assert "control" not in MachinePrices(hand()).area_leaves_out
    assert "doors" in MachinePrices(hand()).area_leaves_out


@pytest.mark.parametrize(("clock_mhz", "slow"), [(709, []), (710, ["weights"])])
def test_a_memory_slower_than_the_clock_is_named(hand: HandMaker, clock_mhz: int, slow: list[str]) -> None:
    # CACTI: 1.40920 ns from address to data; 709 MHz are 1.4104 ns, 710 MHz 1.4085 ns
    found = MachinePrices(hand(technology={"node_nm": 45.0, "clock_mhz": clock_mhz})).too_slow
    assert [buffer.buffer for buffer in found] == slow
    for buffer in found:
        assert (buffer.access_ns, buffer.period_ns) == (pytest.approx(1.4092), pytest.approx(1000 / 710))
