"""A network in its HDF5 groups: /tensors and /operators, numbered, each with strict names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from spikecycle.traces import hdf5
from spikecycle.traces.checks import check_integer, check_name
from spikecycle.traces.errors import TraceError, located
from spikecycle.traces.fields import GroupFields, check_checksum, check_limits, check_open, checksum, create_checked
from spikecycle.traces.filters import AddWords, add_words
from spikecycle.traces.network import ReadSample, Tensor, make_tensors, order_network
from spikecycle.traces.operators import Operator, operator_class
from spikecycle.traces.operators.base import OperatorHeader
from spikecycle.traces.packing import PackedSpikes, packed_bytes
from spikecycle.traces.recording import chunk_shape
from spikecycle.traces.schema import CHECKSUM, CHECKSUM_BYTES, MAX_INPUTS, MAX_OPERATORS
from spikecycle.traces.stored import StoredDataset
from spikecycle.traces.tensors import Source, TensorSpec


def read_network(
    root: h5py.File, path: Path, samples: int, timesteps: int
) -> tuple[dict[str, Tensor], tuple[Operator, ...]]:
    """The network of a version 2 file, all metadata checked: tensors by name, operators in topological order."""
    specs: list[TensorSpec] = []
    recordings: dict[str, ReadSample] = {}
    for group in _numbered(root, "tensors", MAX_OPERATORS * 2):
        spec, recording = _read_tensor(group, path, samples, timesteps)
        specs.append(spec)
        if recording is not None:
            recordings[spec.name] = recording
    operators = [_read_operator(group, path, specs) for group in _numbered(root, "operators", MAX_OPERATORS)]
    tensors = make_tensors(specs, operators, recordings)
    return tensors, order_network(tensors, operators, timesteps)


def write_tensor(group: h5py.Group, spec: TensorSpec) -> None:
    """The attributes of a tensor; its values are appended by the writer."""
    for name, value in (("name", spec.name), ("shape", spec.shape), ("bits", spec.bits), ("signed", int(spec.signed))):
        hdf5.set_attribute(group, name, value)


def write_operator(group: h5py.Group, operator: Operator, index_of: Mapping[str, int]) -> None:
    """An operator with its arrays; index_of: the number of each tensor."""
    attributes: dict[str, Any] = {
        "name": operator.name,
        "kind": operator.kind,
        "inputs": tuple(index_of[source.tensor] for source in operator.inputs),
        "delays": tuple(source.delay for source in operator.inputs),
        "output": index_of[operator.output.name],
        **operator.attributes(),
    }
    for name, value in attributes.items():
        hdf5.set_attribute(group, name, value)
    for name, values in operator.arrays().items():
        create_checked(group, name, values, chunks=chunk_shape(values.shape, values.itemsize))


def _numbered(root: h5py.File, name: str, most: int) -> list[h5py.Group]:
    """The groups 0, 1, 2, ... of a group without attributes."""
    parent = hdf5.child_group(root, name)
    with located(name):
        hdf5.check_names("attribute", hdf5.attribute_names(parent), ())
        found = hdf5.member_names(parent)
        if not 1 <= len(found) <= most:
            raise TraceError(f"1 to {most} groups are allowed, found {len(found)}")
        names = [str(index) for index in range(len(found))]
        hdf5.check_names("group", found, names)
        return [hdf5.child_group(parent, each) for each in names]


def _read_tensor(group: h5py.Group, path: Path, samples: int, timesteps: int) -> tuple[TensorSpec, ReadSample | None]:
    with located(f"tensor {group.name.rsplit('/', 1)[-1]}"):
        fields = GroupFields(group, path, "")
        name = fields.word("name")
        check_name(name)
    place = f"tensor {name}"
    with located(place):
        shape = fields.integers("shape", 3)
        spec = TensorSpec(
            name, (shape[0], shape[1], shape[2]), fields.integer("bits"),
            bool(check_integer("signed", fields.integer("signed"), 0, 1)),
        )  # fmt: skip
        recording = None
        if fields.has("values") or fields.has(CHECKSUM):
            dtype, sizes = stored_form(spec)
            values = fields.dataset("values", (dtype.name,), (samples, timesteps, *sizes))
            hdf5.check_names("attribute of values", hdf5.attribute_names(values), ())
            checksums = fields.dataset(CHECKSUM, ("uint8",), (samples, CHECKSUM_BYTES))
            recording = _recording(spec, values, checksums, path)
        fields.finish()
    return spec, recording


def stored_form(spec: TensorSpec) -> tuple[np.dtype[Any], tuple[int, ...]]:
    """dtype and shape of one stored timestep: spikes are packed eight to a byte."""
    if spec.is_binary:
        return np.dtype(np.uint8), (packed_bytes(spec.count),)
    return spec.dtype, spec.shape


def _recording(spec: TensorSpec, recorded: StoredDataset, checksums: StoredDataset, path: Path) -> ReadSample:
    samples = len(recorded)

    def read(sample: int, adding: AddWords = add_words) -> npt.NDArray[Any] | PackedSpikes:
        with located(path), located(f"tensor {spec.name}"):
            if not 0 <= sample < samples:
                raise TraceError(f"sample must be 0 to {samples - 1}, found {sample}")
            check_open(recorded)
            with located(f"values of sample {sample}"):
                stored = recorded.values(sample, adding)
                check_checksum(checksum(stored).hex(), checksums.values(sample).tobytes().hex())
                if spec.is_binary:
                    return PackedSpikes(stored, spec.shape)
                if 8 * stored.itemsize != spec.bits:  # else every stored value is allowed
                    check_limits(stored, *spec.range)
                return stored

    return read


def _read_operator(group: h5py.Group, path: Path, tensors: Sequence[TensorSpec]) -> Operator:
    with located(f"operator {group.name.rsplit('/', 1)[-1]}"):
        name = GroupFields(group, path, "").word("name")
        check_name(name)
    with located(f"operator {name}"):
        fields = GroupFields(group, path, f"operator {name}")
        fields.word("name")
        kind = fields.word("kind")
        found = operator_class(kind)
        indices = fields.some_integers("inputs", MAX_INPUTS)
        delays = fields.integers("delays", len(indices))
        sources = [_tensor(tensors, f"inputs[{position}]", index) for position, index in enumerate(indices)]
        output = _tensor(tensors, "output", fields.integer("output"))
        inputs = tuple(Source(source.name, delay) for source, delay in zip(sources, delays, strict=True))
        operator = found.read(OperatorHeader(name, kind, inputs, tuple(sources), output), fields)
        fields.finish()
        return operator


def _tensor(tensors: Sequence[TensorSpec], what: str, index: int) -> TensorSpec:
    if not 0 <= index < len(tensors):
        raise TraceError(f"{what}: there is no tensor {index}; tensors are 0 to {len(tensors) - 1}")
    return tensors[index]
