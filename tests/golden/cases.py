"""What is simulated for the golden results: traces, machines, and the keys of machines that are replaced."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.golden.synthetic import NETWORKS

MACHINES = ("spike_array", "spike_array_edge", "eyeriss_snn")
SHIPPED = ("digits-8bit", "digits-4bit", "digits-ternary", "digits-pruned80")
WEIGHT_FORMATS = ("uncompressed", "ubm", "bitmask", "cp", "rle", "uop", "csr")
SPIKE_FORMATS = ("bitmap", "aer")


@dataclass(frozen=True)
class Case:
    """One simulation. trace: a shipped trace, or a network of `tests.golden.synthetic`."""

    name: str
    trace: str
    machine: str
    samples: tuple[int, ...] = (0,)
    settings: Mapping[str, Any] = field(default_factory=dict)
    formats: Mapping[str, str] = field(default_factory=dict)
    ideal_memory: bool = False

    @property
    def is_synthetic(self) -> bool:
        """Whether the trace has to be written first."""
        return self.trace in NETWORKS


def _words(buffer: str, words: int, width_bits: int, **others: int) -> dict[str, Any]:
    """A buffer of exactly so many words."""
    return {f"buffers.{buffer}": {"size_kib": words * width_bits / 8192, "width_bits": width_bits, **others}}


def _dataflow(**keys: Any) -> dict[str, Any]:
    """Keys of the section `dataflow`; "zeros__inputs" is dataflow.zeros.inputs."""
    return {f"dataflow.{key.replace('__', '.')}": value for key, value in keys.items()}


SLOW_DRAM = {"dram.bandwidth_gbit_per_s": 3, "dram.burst_bits": 1024, "dram.latency_ns": 700.0}

SPACE = _dataflow(partition="space", pe_rows=4, pe_columns=4)
SMALL_WEIGHTS = _words("weights", 96, 64)
SMALL_SPIKES = _words("spikes", 24, 64, banks=2)
SMALL_POTENTIALS = _words("potentials", 40, 24, banks=4, ports=2)
SMALL_OUTPUTS = _words("outputs", 6, 128)
SMALL_DIRECTORY = _words("directory", 48, 24)
SPARSE = _dataflow(update="sparse")

SPIKE_ARRAY: dict[str, tuple[str, dict[str, Any], dict[str, str]]] = {
    "space": ("digits-ternary", SPACE, {}),
    "space-2x8-csr": ("digits-pruned80", _dataflow(partition="space", pe_rows=2, pe_columns=8), {"weights": "csr"}),
    "space-small": ("strided", {**SPACE, **SMALL_POTENTIALS, **SMALL_WEIGHTS}, {"spikes": "aer"}),
    "space-1x3": ("single_step", _dataflow(pes=3, partition="space", pe_rows=1, pe_columns=3), {}),
    "gate-bitmask": ("digits-pruned80", _dataflow(zero_weights="gate"), {}),
    "gate-ubm": ("digits-pruned80", _dataflow(zero_weights="gate"), {"weights": "ubm"}),
    "gate-rle": ("strided", _dataflow(zero_weights="gate"), {"weights": "rle"}),
    "ports-1": ("digits-8bit", {"buffers.potentials.ports": 1}, {}),
    "banks-1": ("digits-4bit", {"buffers.potentials.banks": 1, **_dataflow(update_lanes=1)}, {}),
    "banks-1-ports-1": (
        "digits-pruned80", {"buffers.potentials.banks": 1, "buffers.potentials.ports": 1, **_dataflow(update_lanes=1)},
        {"weights": "cp"},
    ),
    "fifo-1": ("digits-8bit", _dataflow(fifo_depth=1), {}),
    "fifo-2": ("digits-pruned80", _dataflow(fifo_depth=2), {"weights": "cp"}),
    "lanes-1": ("digits-4bit", _dataflow(lanes=1), {"weights": "uncompressed"}),
    "lanes-16": ("digits-ternary", {**_dataflow(lanes=16), "buffers.potentials.banks": 16}, {"weights": "cp"}),
    "pes-3": ("digits-4bit", _dataflow(pes=3), {}),
    "pes-64": ("digits-8bit", _dataflow(pes=64), {}),
    "decoder-narrow": (
        "digits-pruned80",
        _dataflow(decoder__mask_bits_per_cycle=3, decoder__coordinates_per_cycle=1, decoder__runs_per_cycle=1), {},
    ),
    "decoder-runs": ("digits-pruned80", {**_dataflow(decoder__runs_per_cycle=1), "formats.weights.run_bits": 2},
                     {"weights": "rle"}),
    "aligned-1": ("digits-ternary", _dataflow(fiber_alignment_bits=1), {"weights": "csr"}),
    "aligned-64": ("digits-ternary", _dataflow(fiber_alignment_bits=64), {}),
    "small-weights": ("digits-8bit", SMALL_WEIGHTS, {}),
    "small-weights-uncompressed": ("digits-ternary", SMALL_WEIGHTS, {"weights": "uncompressed"}),
    "small-spikes": ("digits-8bit", SMALL_SPIKES, {}),
    "small-spikes-aer": ("digits-4bit", SMALL_SPIKES, {"spikes": "aer"}),
    "small-potentials": ("digits-4bit", SMALL_POTENTIALS, {}),
    "small-outputs": ("digits-pruned80", SMALL_OUTPUTS, {"spikes": "aer"}),
    "small-directory": ("digits-pruned80", SMALL_DIRECTORY, {}),
    "small-all": (
        "digits-ternary",
        {**SMALL_WEIGHTS, **SMALL_SPIKES, **SMALL_POTENTIALS, **SMALL_OUTPUTS, **SMALL_DIRECTORY}, {},
    ),
    "small-all-counted": (
        "counted",
        {**SMALL_WEIGHTS, **SMALL_SPIKES, **_words("potentials", 9, 24, banks=2, ports=1), **_dataflow(update_lanes=2),
         **SMALL_OUTPUTS, **SMALL_DIRECTORY}, {"weights": "uop"},
    ),
    "sparse": ("depthwise", SPARSE, {}),
    "sparse-dense-network": ("dense", {**SPARSE, **_dataflow(flags_per_cycle=4)}, {"weights": "csr"}),
    "sparse-space-ports-1": ("depthwise", {**SPARSE, **SPACE, "buffers.potentials.ports": 1}, {}),
    "sparse-small": ("depthwise", {**SPARSE, **_words("potentials", 11, 24, banks=3, ports=2), **_dataflow(
        update_lanes=3, flags_per_cycle=1)}, {"spikes": "aer"}),
    "sparse-one-step": ("single_step", {**SPARSE, "buffers.potentials.banks": 1, **_dataflow(update_lanes=1)}, {}),
    "dram-slow": ("digits-pruned80", SLOW_DRAM, {}),
}  # fmt: skip
"""Trace, settings and formats for spike_array, by name."""

EDGE: dict[str, tuple[str, dict[str, Any], dict[str, str]]] = {
    "csr-aer": ("dense", {}, {"weights": "csr", "spikes": "aer"}),
    "bitmask-small": ("single_step", {**_words("potentials", 60, 24, banks=2, ports=1), **_words("weights", 80, 32)},
                      {"weights": "bitmask"}),
    "dram-slow": ("counted", {**SLOW_DRAM, **_words("spikes", 26, 32)}, {"weights": "cp"}),
}  # fmt: skip
"""Trace, settings and formats for spike_array_edge, by name."""

NO_ZEROS = _dataflow(
    zeros__inputs_at_input_pad="none", zeros__weights_at_weight_pad="none", zeros__inputs_at_global_buffer="none",
    zeros__weights_at_dram="none",
)  # fmt: skip
GATED = _dataflow(
    zeros__inputs_at_input_pad="gate", zeros__weights_at_weight_pad="gate", zeros__inputs_at_global_buffer="gate"
)
SMALL_PADS = {
    **_words("input_pad", 5, 8), **_words("weight_pad", 40, 16), **_words("psum_pad", 7, 24),
}  # fmt: skip

EYERISS: dict[str, tuple[str, dict[str, Any], dict[str, str]]] = {
    "time-batching": ("digits-8bit", _dataflow(time_batching=True), {}),
    "time-batching-psums-buffer": (
        "digits-pruned80", _dataflow(time_batching=True, psums_wait_in="global_buffer"), {}
    ),
    "time-batching-potentials-buffer": (
        "digits-ternary", _dataflow(time_batching=True, potentials_wait_in="global_buffer"), {}
    ),
    "psums-buffer": ("digits-8bit", _dataflow(psums_wait_in="global_buffer"), {}),
    "potentials-buffer": ("digits-4bit", _dataflow(potentials_wait_in="global_buffer"), {}),
    "all-wait-in-buffer": (
        "strided", _dataflow(psums_wait_in="global_buffer", potentials_wait_in="global_buffer"), {}
    ),
    "objective-energy": ("digits-4bit", _dataflow(objective="energy"), {}),
    "objective-cycles": ("digits-pruned80", _dataflow(objective="cycles"), {}),
    "objective-cycles-batching": ("digits-4bit", _dataflow(objective="cycles", time_batching=True), {}),
    "zeros-none": ("digits-pruned80", NO_ZEROS, {}),
    "zeros-none-ubm": ("digits-pruned80", NO_ZEROS, {"weights": "ubm"}),
    "zeros-gate": ("digits-pruned80", GATED, {}),
    "zeros-gate-inputs-bitmask": (
        "digits-ternary", _dataflow(zeros__inputs_at_input_pad="gate"), {"weights": "bitmask"}
    ),
    "zeros-gate-weights-uop": ("digits-pruned80", _dataflow(zeros__weights_at_weight_pad="gate"), {"weights": "uop"}),
    "zeros-none-inputs": ("digits-4bit", _dataflow(zeros__inputs_at_input_pad="none"), {}),
    "zeros-none-weights": ("digits-pruned80", _dataflow(zeros__weights_at_weight_pad="none"), {"weights": "cp"}),
    "zeros-gate-rows": ("single_step", _dataflow(zeros__inputs_at_global_buffer="gate"), {}),
    "zeros-none-rows": ("single_step", _dataflow(zeros__inputs_at_global_buffer="none"), {}),
    "zeros-moved-ubm": ("digits-pruned80", _dataflow(zeros__weights_at_dram="none"), {"weights": "ubm"}),
    "weights-through-buffer": ("digits-4bit", _dataflow(weights_bypass_global_buffer=False), {}),
    "weights-through-buffer-batching": (
        "digits-ternary", _dataflow(weights_bypass_global_buffer=False, time_batching=True), {"weights": "uncompressed"}
    ),
    "activations-1-bit": ("digits-8bit", _dataflow(activation_bits=1), {}),
    "activations-5-bits-aer": ("digits-4bit", _dataflow(activation_bits=5), {"spikes": "aer"}),
    "narrow-bus": ("digits-ternary", _dataflow(weight_bus_bits=5, update_lanes=1), {}),
    "small-buffer": ("digits-8bit", {"buffers.global_buffer.size_kib": 2}, {}),
    "small-buffer-batching": (
        "digits-pruned80",
        {"buffers.global_buffer.size_kib": 4, **_dataflow(time_batching=True, psums_wait_in="global_buffer",
         potentials_wait_in="global_buffer", weights_bypass_global_buffer=False)}, {},
    ),
    "small-pads": ("digits-4bit", SMALL_PADS, {}),
    "small-pads-psums-buffer": ("strided", {**SMALL_PADS, **_dataflow(psums_wait_in="global_buffer")}, {}),
    "small-pads-batching": ("counted", {**SMALL_PADS, **_dataflow(time_batching=True)}, {"weights": "csr"}),
    "buffer-banks-1": ("digits-8bit", {"buffers.global_buffer.banks": 1}, {}),
    "buffer-ports-2": ("depthwise", {"buffers.global_buffer.ports": 2, **_dataflow(activation_bits=1)}, {}),
    "rows-5-columns-3": ("digits-ternary", _dataflow(rows=5, columns=3), {}),
    "rows-5-columns-3-batching": (
        "counted", _dataflow(rows=5, columns=3, time_batching=True, potentials_wait_in="global_buffer"), {}
    ),
    "short-runs": ("digits-pruned80", {"formats.weights.run_bits": 2}, {}),
    "dram-slow": ("digits-4bit", SLOW_DRAM, {}),
}  # fmt: skip
"""Trace, settings and formats for eyeriss_snn, by name."""


def _default() -> Iterator[Case]:
    for machine in MACHINES:
        for trace in SHIPPED:
            yield Case(f"{machine}.{trace}", trace, machine, (0, 1))
        for network in NETWORKS:
            yield Case(f"{machine}.{network}", network, machine, (0, 1))
        yield Case(f"{machine}.ideal-memory", "digits-4bit", machine, (2,), ideal_memory=True)
        yield Case(f"{machine}.silent", "depthwise", machine, (1, 2))


def _formats() -> Iterator[Case]:
    for machine in ("spike_array", "eyeriss_snn"):
        for trace in ("digits-pruned80", "digits-ternary"):
            for weights in WEIGHT_FORMATS:
                for spikes in SPIKE_FORMATS:
                    yield Case(
                        f"{machine}.{trace}.{weights}.{spikes}", trace, machine,
                        formats={"weights": weights, "spikes": spikes},
                    )  # fmt: skip


def _overrides() -> Iterator[Case]:
    for machine, overrides in zip(MACHINES, (SPIKE_ARRAY, EDGE, EYERISS), strict=True):
        for name, (trace, settings, formats) in overrides.items():
            yield Case(f"{machine}.with.{name}", trace, machine, settings=settings, formats=formats)


CASES = {case.name: case for case in (*_default(), *_formats(), *_overrides())}
"""Every case by its name, which is the name of its file in `data/`."""
