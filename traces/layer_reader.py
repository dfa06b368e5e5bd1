"""Lazy reading of one layer: its metadata are checked when the trace is opened, its arrays when they are read."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from spikecycle.traces import hdf5
from spikecycle.traces.errors import TraceError, located
from spikecycle.traces.fields import check_open
from spikecycle.traces.filters import AddWords, add_words
from spikecycle.traces.layer_file import read_header, read_name
from spikecycle.traces.neuron import Neuron
from spikecycle.traces.packing import PackedSpikes, packed_bytes
from spikecycle.traces.shape import LayerShape
from spikecycle.traces.stored import StoredDataset


class Layer:
    """One layer of an open trace. Its metadata are in memory; each array is read when asked for.

    Reading raises TraceError, naming file and layer, on damaged or impossible values and on a closed trace.
    """

    def __init__(self, group: h5py.Group, path: Path, samples: int, timesteps: int) -> None:
        self.samples = samples
        self.timesteps = timesteps
        self._path = path
        with located(f"layer {group.name.rsplit('/', 1)[-1]}"):
            layer_name = read_name(group)
            self._place = f"layer {layer_name}"
        with located(self._place):
            members = frozenset(hdf5.member_names(group))
            self._header = read_header(group, layer_name, members)
            self._header.check_size(timesteps)
            shape = self.shape
            self._weights = hdf5.child_dataset(group, "weights", ("int8", "int16", "int32"), shape.weight_shape)
            self._bias = hdf5.child_dataset(group, "bias", ("int32",), (shape.M,)) if "bias" in members else None
            self._output_shape = shape.output_shape
            self._inputs = self._spike_dataset(group, "inputs", shape.input_shape, self.input_bits)
            self._outputs = self._spike_dataset(group, "outputs", self._output_shape, 1) if self.has_outputs else None

    def _spike_dataset(self, group: h5py.Group, name: str, positions: tuple[int, int, int], bits: int) -> StoredDataset:
        sizes = (packed_bytes(math.prod(positions)),) if bits == 1 else positions
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
        return self._header.scales

    @property
    def neuron(self) -> Neuron:
        """The integer neuron that was recorded."""
        return self._header.neuron

    @property
    def has_outputs(self) -> bool:
        """Whether the output spikes are recorded."""
        return self._header.has_outputs

    @property
    def has_bias(self) -> bool:
        """Whether the file has a bias."""
        return self._bias is not None

    def weights(self) -> npt.NDArray[np.int32]:
        """Weight codes, int32 (M, C / groups, R, S), read-only."""
        codes = self.codes().astype(np.int32, copy=False)
        codes.setflags(write=False)
        return codes

    def codes(self) -> npt.NDArray[np.signedinteger[Any]]:
        """The same in the smallest dtype that holds weight_bits: int8, int16 or int32."""
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
        return np.asarray(self.input_frames(sample))

    def input_frames(
        self, sample: int, adding: AddWords = add_words
    ) -> npt.NDArray[np.uint8] | npt.NDArray[np.uint16] | PackedSpikes:
        """The same, binary spikes packed. adding: see `spikecycle.traces.network.ReadSample`."""
        with located(self._path), located(self._place):
            index = self._index(sample)
            if self.input_bits == 1:
                return self._spikes("inputs", self._inputs, index, self.shape.input_shape, adding)
            return self._header.check_inputs(self._read("inputs", self._inputs, index, adding), self.timesteps)

    def outputs(self, sample: int) -> npt.NDArray[np.uint8] | None:
        """Recorded output spikes of one sample, uint8 (T, M, P, Q) of 0 and 1, or None when not recorded."""
        if self._outputs is None:
            with located(self._path), located(self._place):
                self._index(sample)
            return None
        return self.output_frames(sample)[:]

    def output_frames(self, sample: int, adding: AddWords = add_words) -> PackedSpikes:
        """The same, packed, for a layer whose outputs are recorded; TraceError if they are not."""
        with located(self._path), located(self._place):
            index = self._index(sample)
            if self._outputs is None:
                raise TraceError("outputs are not recorded")
            return self._spikes("outputs", self._outputs, index, self._output_shape, adding)

    def _index(self, sample: int) -> int:
        if not 0 <= sample < self.samples:
            raise TraceError(f"sample must be 0 to {self.samples - 1}, found {sample}")
        return sample

    def _spikes(
        self, name: str, dataset: StoredDataset, index: int, positions: tuple[int, int, int], adding: AddWords
    ) -> PackedSpikes:
        check_open(dataset)
        with located(name):
            return PackedSpikes(dataset.values(index, adding), positions)

    def _read(
        self, name: str, dataset: StoredDataset, selection: Any = (), adding: AddWords = add_words
    ) -> npt.NDArray[Any]:
        check_open(dataset)
        with located(name):
            return dataset.values(selection, adding)
