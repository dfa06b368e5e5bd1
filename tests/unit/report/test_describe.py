"""What `check` and `list` tell."""

from __future__ import annotations

import dataclasses

import pytest

from spikecycle.simulator.description import BufferDescription, LayerDescription, MachineDescription, TraceDescription
from spikecycle.simulator.report.describe import catalogue_report, machine_report, trace_report
from spikecycle.simulator.result import SlowBuffer
from tests.unit.report.example import run_result
from tests.unit.report.test_tables import row, shown


def _trace() -> TraceDescription:
    layers = tuple(
        LayerDescription(
            name=layer.name, operator=layer.operator, shape=layer.shape, weights=288, weight_bits=8, zero_weights=0.8,
            input_bits=1, input_density=0.0625, output_density=None if layer.name == "conv2" else 0.1,
            neuron="LIF, leak 1/2, threshold 64, hard reset to 0, 16-bit potentials",
        )
        for layer in run_result().layers
    )  # fmt: skip
    provenance = {"accuracy": 0.97, "model": "a\x1b[31mred\n", "seeds": [1, 2], "long": "x" * 999}
    return TraceDescription("digits", 10, 12, has_labels=True, provenance=provenance, layers=layers)


def _machine() -> MachineDescription:
    return MachineDescription(
        name="tiny", describes="A machine\n  of two lines.", dataflow="spike_array", dataflow_summary="event-driven",
        pes=4, clock_mhz=200, peak_additions_per_s=1.6e9,
        sections={"technology": {"node_nm": 45.0}, "formats": {"weights": {"format": "rle", "run_bits": 5}}},
        buffers=tuple(BufferDescription(32.0, 64, 2, 1, area) for area in run_result().buffers),
        logic=tuple(run_result().logic), too_slow=(), not_modelled=("control",), area_leaves_out=("clock tree",),
        sources={"technology.node_nm": "Horowitz 2014", "dataflow.pes": "assumed: small"},
    )  # fmt: skip


def test_a_trace_by_layer() -> None:
    text = shown(trace_report(_trace()))
    assert "valid trace digits: 3 layers, 864 weights, 10 samples of 12 timesteps, labels" in text
    assert row(text, "conv1")[-6:] == ["288", "8", "80.0", "1", "6.3", "10.0"]
    assert row(text, "conv2")[-1] == "-"
    assert "LIF, leak 1/2, threshold 64, hard reset to 0, 16-bit potentials" in text


def test_provenance_cannot_reach_the_terminal() -> None:
    text = shown(trace_report(_trace()))
    assert "\x1b" not in text
    assert "a?[31mred?" in text
    assert "[1, 2]" in text
    assert "x" * 400 not in text.replace("\n", "").replace(" ", "")


def test_a_machine_with_what_follows_from_it() -> None:
    text = shown(machine_report(_machine()))
    for words in (
        "valid machine tiny: A machine of two lines.", "4 PEs at 200 MHz, peak 1.60 G additions/s", "1.50 mm²",
        "weights (format rle, run_bits 5)", "spike_array: event-driven",
    ):  # fmt: skip
        assert words in text
    assert row(text, "potentials")[:7] == ["16", "sram", "32", "64", "2", "1", "1.00"]
    assert row(text, "potentials")[-1] == "extrapolated"
    assert row(text, "adder") == ["arithmetic", "0.250", "0.500", "12"]
    assert row(text, "not modelled")[-1] == "control"


def test_what_is_assumed_is_told_apart() -> None:
    lines = shown(machine_report(_machine())).splitlines()
    assert lines[lines.index("Sources") + 1].split() == ["technology.node_nm", "Horowitz", "2014"]
    assert lines[lines.index("Assumed") + 1].split() == ["dataflow.pes", "small"]


def test_a_buffer_slower_than_a_cycle_is_named() -> None:
    machine = dataclasses.replace(
        _machine(), too_slow=(SlowBuffer(buffer="weights", access_ns=5.01, period_ns=5.0),)
    )  # fmt: skip
    words = "This machine cannot run at its clock of 200 MHz: an access takes longer than a cycle of 5.00 ns in weights"
    assert words in " ".join(shown(machine_report(machine)).split())
    assert "cannot run" not in shown(machine_report(_machine()))


def test_a_buffer_without_an_access_time_is_shown() -> None:
    area = _machine().buffers[0].area.model_copy(update={"kind": "fifo", "access_ns": None})
    machine = dataclasses.replace(_machine(), buffers=(BufferDescription(32.0, 64, 2, 1, area),))
    assert row(shown(machine_report(machine)), "weights")[1] == "fifo"
    assert "-" in row(shown(machine_report(machine)), "weights")


def test_the_catalogue() -> None:
    text = shown(catalogue_report({"Machines": [("tiny", "small")], "Formats": [("uncompressed", "all bits")]}))
    assert text.splitlines() == ["Machines", "tiny          small", "", "Formats", "uncompressed  all bits"]


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_descriptions_fit(width: int) -> None:
    for report in (trace_report(_trace()), machine_report(_machine())):
        text = shown(report, width)
        assert max(map(len, text.splitlines())) <= width
        assert "…" not in text
