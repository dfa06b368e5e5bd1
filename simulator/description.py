"""Descriptions of traces and machines, as `spikecycle check` prints them: plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from spikecycle.simulator.result import BufferArea, LogicArea, SlowBuffer


@dataclass(frozen=True)
class FileDescription:
    """A file of ours that is neither trace nor machine, checked to its end. kind: what it is. facts: name and value."""

    kind: str
    path: str
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class LayerDescription:
    """One layer of a trace, all its arrays having been read.

    shape: letters to sizes, as in a result. zero_weights, input_density, output_density: shares of 1.
    output_density is None where outputs are not recorded.
    """

    name: str
    operator: str
    shape: Mapping[str, int | list[int]]
    weights: int
    weight_bits: int
    zero_weights: float
    input_bits: int
    input_density: float
    output_density: float | None
    neuron: str


@dataclass(frozen=True)
class TraceDescription:
    """A trace that is whole: every array was read and checked."""

    name: str
    samples: int
    timesteps: int
    has_labels: bool
    provenance: Mapping[str, Any]
    layers: tuple[LayerDescription, ...]


@dataclass(frozen=True)
class TensorDescription:
    """One tensor of a network. shape: (C, H, W). density: share of values that are not 0, None if not recorded."""

    name: str
    shape: tuple[int, int, int]
    bits: int
    signed: bool
    producer: str | None
    density: float | None


@dataclass(frozen=True)
class OperatorDescription:
    """One operator of a network. inputs: tensors, each with its delay in timesteps. output: the tensor it makes."""

    name: str
    kind: str
    inputs: tuple[tuple[str, int], ...]
    output: str
    summary: str


@dataclass(frozen=True)
class NetworkDescription:
    """A trace of a network of operators that is whole: every array was read and checked."""

    name: str
    version: int
    samples: int
    timesteps: int
    has_labels: bool
    provenance: Mapping[str, Any]
    tensors: tuple[TensorDescription, ...]
    operators: tuple[OperatorDescription, ...]


@dataclass(frozen=True)
class BufferDescription:
    """One buffer of a machine and its silicon."""

    size_kib: float
    width_bits: int
    banks: int
    ports: int
    area: BufferArea


@dataclass(frozen=True)
class BorrowedSource:
    """A key whose source is word for word that of a shipped machine, where it stands for another value.

    key: the path of the value; value, theirs: here and there, None where there is no such key.
    """

    key: str
    value: Any
    machine: str
    theirs: Any


@dataclass(frozen=True)
class MachineDescription:
    """A machine that is valid, with figures that follow from it.

    sections: section to its keys and values, the buffers left out. peak_additions_per_s: adders of the array x clock.
    too_slow: buffers slower than the clock. not_modelled, area_leaves_out: as in a result. sources: key to where its
    numbers come from. borrowed_sources: those that are of another machine's values.
    """

    name: str
    describes: str
    dataflow: str
    dataflow_summary: str
    pes: int
    clock_mhz: float
    peak_additions_per_s: float
    sections: Mapping[str, Mapping[str, Any]]
    buffers: tuple[BufferDescription, ...]
    logic: tuple[LogicArea, ...]
    too_slow: tuple[SlowBuffer, ...]
    not_modelled: tuple[str, ...]
    area_leaves_out: tuple[str, ...]
    sources: Mapping[str, str]
    borrowed_sources: tuple[BorrowedSource, ...] = ()


@dataclass(frozen=True)
class SweepDescription:
    """A sweep file that can be run.

    points: how many. axes: what varies, each with its values in words. problems: values that a machine refuses, each as
    the message of the points that will fail.
    """

    name: str
    points: int
    axes: Mapping[str, tuple[str, ...]]
    problems: tuple[str, ...]
