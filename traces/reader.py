"""Lazy reading: opening checks everything that metadata tell; arrays are read, and checked, on demand."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from types import TracebackType
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from traces import hdf5, schema
from traces.errors import TraceError, located
from traces.layer_file import read_header
from traces.neuron import Neuron
from traces.packing import packed_bytes, unpack_spikes
from traces.provenance import parse_provenance
from traces.samples import resolve
from traces.shape import LayerShape


class Layer:
    """One layer of an open trace. Its metadata are in memory; each array is read when asked for.

    Reading raises TraceError, naming file and layer, on damaged or impossible values and on a closed trace.
    """

    def __init__(self, group: h5py.Group, path: Path, samples: int, timesteps: int) -> None:
        self.samples = samples
        self.timesteps = timesteps
        self._path = path
        self._place = f"layer {group.name.rsplit('/', 1)[-1]}"
        with located(self._place):
            self._header = read_header(group)
            self._header.check_size(timesteps)
            shape = self.shape
            self._weights = hdf5.child_dataset(group, "weights", ("int8", "int16", "int32"), shape.weight_shape)
            self._bias = hdf5.child_dataset(group, "bias", ("int32",), (shape.M,)) if "bias" in group else None
            self._inputs = self._spike_dataset(group, "inputs", shape.input_shape, self.input_bits)
            self._outputs = self._spike_dataset(group, "outputs", shape.output_shape, 1) if self.has_outputs else None
        self._place = f"layer {self.name}"

    def _spike_dataset(self, group: h5py.Group, name: str, positions: tuple[int, int, int], bits: int) -> h5py.Dataset:
        sizes = (packed_bytes(int(np.prod(positions))),) if bits == 1 else positions
        dtype = "uint8" if bits <= 8 else "uint16"
        return hdf5.child_dataset(group, name, (dtype,), (self.samples, self.timesteps, *sizes))

    @property
    def name(self) -> str:
        """The layer's name, unique in its trace."""
        return self._header.name

    @property
    def shape(self) -> LayerShape:
        """Its geometry."""
        return self._header.shape

    @property
    def input_bits(self) -> int:
        """Bits of an input value; 1 means binary spikes."""
        return self._header.input_bits

    @property
    def weight_bits(self) -> int:
        """Bits of a weight code (two's complement)."""
        return self._header.weight_bits

    @property
    def weight_scale(self) -> npt.NDArray[np.float64]:
        """float64 (1,) or (M,): real weight = code x scale."""
        return np.asarray(self._header.weight_scale)

    @property
    def neuron(self) -> Neuron:
        """The integer neuron that was recorded."""
        return self._header.neuron

    @property
    def has_outputs(self) -> bool:
        """Whether the output spikes are recorded."""
        return self._header.has_outputs

    def weights(self) -> npt.NDArray[np.int32]:
        """Weight codes, int32 (M, C / groups, R, S), read-only."""
        with located(self._path), located(self._place):
            codes = self._header.check_weights(self._read("weights", self._weights))
        codes.setflags(write=False)
        return codes

    def bias(self) -> npt.NDArray[np.int32]:
        """int32 (M,), added to each potential once per timestep; zeros when the file has none."""
        with located(self._path), located(self._place):
            return self._header.check_bias(None if self._bias is None else self._read("bias", self._bias))

    def inputs(self, sample: int) -> npt.NDArray[np.uint8] | npt.NDArray[np.uint16]:
        """Inputs of one sample, uint8 or uint16 (T, C, H, W), values 0 .. 2**input_bits - 1 (binary spikes: 0, 1)."""
        with located(self._path), located(self._place):
            values = self._read("inputs", self._inputs, self._index(sample))
            if self.input_bits == 1:
                with located("inputs"):
                    return unpack_spikes(values, self.shape.input_shape)
            return self._header.check_inputs(values, self.timesteps)

    def outputs(self, sample: int) -> npt.NDArray[np.uint8] | None:
        """Recorded output spikes of one sample, uint8 (T, M, P, Q) of 0 and 1, or None when not recorded."""
        with located(self._path), located(self._place):
            index = self._index(sample)
            if self._outputs is None:
                return None
            values = self._read("outputs", self._outputs, index)
            with located("outputs"):
                return unpack_spikes(values, self.shape.output_shape)

    def _index(self, sample: int) -> int:
        if not 0 <= sample < self.samples:
            raise TraceError(f"sample must be 0 to {self.samples - 1}, found {sample}")
        return sample

    def _read(self, name: str, dataset: h5py.Dataset, selection: Any = ()) -> npt.NDArray[Any]:
        if not dataset:  # h5py objects are false once their file is closed
            raise TraceError("the trace is closed")
        with located(name):
            return hdf5.read(dataset, selection)


class Trace:
    """An open trace file; use it as a context manager. Opening reads and checks all metadata, and no spikes.

    TraceError, one line naming the file, if it is missing, unreadable, foreign, damaged or of a later version.
    """

    def __init__(self, path_or_sample_name: str | os.PathLike[str]) -> None:
        with located(path_or_sample_name):
            self.path = resolve(path_or_sample_name)
        self.name = self.path.stem
        with located(self.path):
            self._file = _open_file(self.path)
            try:
                self._read_metadata()
            except BaseException:
                self._file.close()
                raise

    def _read_metadata(self) -> None:
        root = self._file
        _check_format(root)
        hdf5.check_names("attribute", tuple(root.attrs), schema.ROOT_ATTRIBUTES)
        hdf5.check_names("member", tuple(root), schema.ROOT_MEMBERS, schema.OPTIONAL_ROOT_MEMBERS)
        self.samples = hdf5.integer_attribute(root, "N", 1, schema.MAX_DIMENSION)
        self.timesteps = hdf5.integer_attribute(root, "T", 1, schema.MAX_DIMENSION)
        self.provenance = parse_provenance(hdf5.child_dataset(root, "provenance", ("text",), ()))
        self.labels = self._read_labels(root)
        self.layers = self._read_layers(hdf5.child_group(root, "layers"))

    def _read_labels(self, root: h5py.File) -> npt.NDArray[np.int64] | None:
        if "labels" not in root:
            return None
        dataset = hdf5.child_dataset(root, "labels", ("int64",), (self.samples,))
        with located("labels"):
            return hdf5.read(dataset)

    def _read_layers(self, group: h5py.Group) -> tuple[Layer, ...]:
        hdf5.check_names("attribute of layers", tuple(group.attrs), ())
        names = [str(index) for index in range(len(group))]
        if not names:
            raise TraceError("layers: at least one layer is needed, found none")
        hdf5.check_names("layer", tuple(group), names)
        layers = tuple(Layer(hdf5.child_group(group, name), self.path, self.samples, self.timesteps) for name in names)
        seen: set[str] = set()
        for index, layer in enumerate(layers):
            if layer.name in seen:
                raise TraceError(f"layer {index}: name {layer.name} is taken by an earlier layer; names must differ")
            seen.add(layer.name)
        return layers

    def close(self) -> None:
        """Close the file; a closed trace keeps its metadata."""
        self._file.close()

    def __enter__(self) -> Trace:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def open_trace(path_or_sample_name: str | os.PathLike[str]) -> Trace:
    """Open a trace file, or a shipped sample by its bare name (see `list_samples`)."""
    return Trace(path_or_sample_name)


def _open_file(path: Path) -> h5py.File:
    mode = path.stat().st_mode  # raises the plain "no such file"; opening a pipe would wait for a writer
    if not stat.S_ISREG(mode):
        raise TraceError("is not a regular file" if not stat.S_ISDIR(mode) else "is a directory, not a trace file")
    with path.open("rb"):
        pass  # raises the plain "permission denied" that HDF5 would wrap in a paragraph
    if not h5py.is_hdf5(path):
        raise TraceError("is not an HDF5 file, so not a trace")
    # Writers replace whole files, so that there is nothing to lock against.
    return h5py.File(path, "r", locking=False)


def _check_format(root: h5py.File) -> None:
    if "format" not in root.attrs:
        raise TraceError("is an HDF5 file but not a trace: attribute 'format' is missing")
    found = hdf5.text_attribute(root, "format")
    if found != schema.FORMAT:
        raise TraceError(f"is not a trace: attribute 'format' must be '{schema.FORMAT}', found '{found[:80]}'")
    version = hdf5.integer_attribute(root, "version", 1, 2**31)
    if version > schema.VERSION:
        raise TraceError(
            f"has version {version} of the trace format; this spikecycle reads up to {schema.VERSION}: update it"
        )
