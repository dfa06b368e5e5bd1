"""Writing: sample by sample, beside the target, which is replaced only when everything is there."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import repeat, zip_longest
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import h5py
import numpy as np
import numpy.typing as npt

from spikecycle.traces import hdf5, schema
from spikecycle.traces.arrays import LayerArrays
from spikecycle.traces.checks import check_integer
from spikecycle.traces.errors import TraceError, located
from spikecycle.traces.layer import LayerHeader, LayerParameters
from spikecycle.traces.layer_file import write_header
from spikecycle.traces.packing import pack_spikes, packed_bytes
from spikecycle.traces.provenance import format_provenance
from spikecycle.traces.replace_file import ReplacementFile

Array = npt.NDArray[Any]
CHUNK_BYTES = 2**18  # a chunk is the unit of reading; small enough to skip timesteps, large enough to compress
BLOCK_BYTES = 2**20  # packed samples are written together from so many bytes on: a call costs more than a small chunk
_MISSING: Any = object()  # stands where an iterable of arrays ended too early


class _Rows(NamedTuple):
    """A growing dataset, and the samples that wait to be written to it together."""

    dataset: h5py.Dataset
    waiting: list[Array]


class _SampleStore(NamedTuple):
    """Where the samples of a layer go."""

    inputs: _Rows
    outputs: _Rows | None


class TraceWriter:
    """Writes a trace one sample at a time; memory holds one layer of one sample, and small samples up to a mebibyte.

        with TraceWriter(path, layers, timesteps, provenance) as writer:
            for ...:
                writer.append(inputs=[(T, C, H, W), ...], outputs=[(T, M, P, Q), ...], label=...)

    The file appears when the block ends, complete; after an exception nothing is left, and a file that was there
    before stays. The same content gives the same bytes. TraceError, naming the file, on everything that goes wrong.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        layers: Sequence[LayerParameters],
        timesteps: int,
        provenance: Mapping[str, Any] | None = None,
    ) -> None:
        self.path = Path(path)
        self.timesteps = timesteps
        self._layers = tuple(layers)
        self._labels: list[int] = []
        self._samples = 0
        self._waiting_bytes = 0
        with located(self.path):
            check_integer("T", timesteps, 1, schema.MAX_DIMENSION)
            names = [layer.name for layer in layers]
            if not names:
                raise TraceError("at least one layer is needed, found none")
            if len(set(names)) != len(names):
                raise TraceError(f"the names of layers must differ, found {', '.join(names)}")
            for layer in layers:
                with located(f"layer {layer.name}"):
                    layer.header.check_size(timesteps)
            text = format_provenance(provenance or {})
            self._output = ReplacementFile(self.path)
        try:
            with self._writing():
                # Version 1.10 of the file structure has checksums on all metadata; every HDF5 since 2016 reads it.
                # Without a cache, a chunk, of which every one is written once, is written at once.
                self._file = h5py.File(self._output, "w", libver=("v110", "v110"), rdcc_nbytes=0)
                self._write_metadata(text)
        except BaseException:
            self._abort()
            raise

    def _write_metadata(self, provenance: str) -> None:
        root = self._file
        hdf5.set_attribute(root, "format", schema.FORMAT)
        hdf5.set_attribute(root, "version", schema.LAYERS_VERSION)
        hdf5.set_attribute(root, "T", self.timesteps)
        hdf5.set_attribute(root, "provenance", provenance)
        group = root.create_group("layers")
        groups = [group.create_group(str(index)) for index in range(len(self._layers))]
        self._stores = [self._write_layer(*each) for each in zip(groups, self._layers, strict=True)]

    def _write_layer(self, group: h5py.Group, layer: LayerParameters) -> _SampleStore:
        header = layer.header
        write_header(group, header)
        codes = layer.weights.astype(_weight_dtype(header.weight_bits))
        hdf5.create(group, "weights", codes, chunks=_chunks(codes.shape, codes.itemsize))
        if layer.bias is not None:
            hdf5.create(group, "bias", layer.bias)
        if header.input_bits == 1:
            inputs = self._create_samples(group, "inputs", (packed_bytes(header.shape.input_count),), np.uint8)
        else:
            inputs = self._create_samples(group, "inputs", header.shape.input_shape, header.input_dtype)
        outputs = None
        if header.has_outputs:
            outputs = self._create_samples(group, "outputs", (packed_bytes(header.shape.output_count),), np.uint8)
        return _SampleStore(inputs, outputs)

    def _create_samples(self, group: h5py.Group, name: str, sizes: tuple[int, ...], dtype: type) -> _Rows:
        empty: Array = np.empty((0, self.timesteps, *sizes), dtype)
        chunks = (1, *_chunks((self.timesteps, *sizes), empty.itemsize))
        return _Rows(hdf5.create(group, name, empty, chunks=chunks, growing=True), [])

    def append(
        self, inputs: Iterable[Array], outputs: Iterable[Array | None] | None = None, label: int | None = None
    ) -> None:
        """Append one sample: for each layer in order its inputs (T, C, H, W) and output spikes (T, M, P, Q) or None.

        Outputs are needed for exactly the layers that record them; labels for all samples or for none. Both
        iterables may be generators: one layer at a time is held. A failed append aborts the file.
        """
        try:
            with self._writing():
                self._begin_sample(label)
            recorded = repeat(None, len(self._layers)) if outputs is None else outputs
            # What the iterables themselves raise passes unchanged: it is not the file's fault.
            rows = zip_longest(self._layers, self._stores, inputs, recorded, fillvalue=_MISSING)
            for layer, store, values, spikes in rows:
                with self._writing(), located(f"sample {self._samples}"):
                    if layer is _MISSING or values is _MISSING or spikes is _MISSING:
                        raise TraceError(f"one array for each of {len(self._layers)} layers is needed")
                    with located(f"layer {layer.name}"):
                        self._append_layer(layer.header, store, values, spikes)
                    if self._waiting_bytes >= BLOCK_BYTES:
                        self._write_waiting()
            self._samples += 1
        except BaseException:
            self._abort()
            raise

    def _begin_sample(self, label: int | None) -> None:
        if self._output.closed:
            raise TraceError("the writer is closed")
        if len(self._labels) != (0 if label is None else self._samples):
            raise TraceError("labels: either every sample has one or none has")
        if label is not None:
            self._labels.append(check_integer("label", label, -(2**63), 2**63 - 1))

    def _append_layer(self, header: LayerHeader, store: _SampleStore, values: Array, spikes: Array | None) -> None:
        if (spikes is not None) != header.has_outputs:
            raise TraceError(f"outputs must {'' if header.has_outputs else 'not '}be given")
        checked = header.check_inputs(values, self.timesteps)
        self._put(store.inputs, pack_spikes(checked) if header.input_bits == 1 else checked.copy())
        if spikes is not None and store.outputs is not None:
            self._put(store.outputs, pack_spikes(header.check_outputs(spikes, self.timesteps)))

    def _put(self, rows: _Rows, values: Array) -> None:
        rows.waiting.append(values)
        self._waiting_bytes += values.nbytes

    def _write_waiting(self) -> None:
        """Write the samples that wait: when depends on their sizes alone, so the same content gives the same bytes."""
        for store in self._stores:
            for rows in store:
                if rows is not None and rows.waiting:
                    hdf5.append(rows.dataset, rows.waiting)
                    rows.waiting.clear()
        self._waiting_bytes = 0

    def close(self) -> None:
        """Complete the file and put it in its place; called by the end of the `with` block."""
        try:
            with self._writing():
                if self._output.closed:
                    raise TraceError("the writer is closed")
                if not self._samples:
                    raise TraceError("at least one sample is needed, found none")
                self._write_waiting()
                hdf5.set_attribute(self._file, "N", self._samples)
                if self._labels:
                    hdf5.create(self._file, "labels", np.array(self._labels, np.int64))
                self._file.close()
                self._output.commit()
        except BaseException:
            self._abort()
            raise

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Name the file in what goes wrong; a failed write is what went wrong, whatever HDF5 makes of it later."""
        with located(self.path):
            try:
                yield
            finally:
                self._output.check()

    def _abort(self) -> None:
        try:
            if hasattr(self, "_file"):
                self._file.close()
        finally:
            self._output.discard()

    def __enter__(self) -> TraceWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        elif not self._output.closed:
            self._abort()


def write_trace(
    path: str | os.PathLike[str],
    layers: Sequence[LayerArrays],
    provenance: Mapping[str, Any] | None = None,
    labels: Sequence[int] | Array | None = None,
) -> None:
    """Write a trace from arrays in memory; see `TraceWriter` for what is promised.

    labels: integers (N,), or None. TraceError if layers differ in N or T.
    """
    with located(path):
        if not layers:
            raise TraceError("at least one layer is needed, found none")
        samples, timesteps = layers[0].samples, layers[0].timesteps
        for layer in layers:
            if (layer.samples, layer.timesteps) != (samples, timesteps):
                raise TraceError(
                    f"layer {layer.name}: every layer must have (N, T) = ({samples}, {timesteps}) as the first has, "
                    f"found ({layer.samples}, {layer.timesteps})"
                )
        if labels is not None and len(labels) != samples:
            raise TraceError(f"labels: N = {samples} are needed, found {len(labels)}")
    with TraceWriter(path, [layer.parameters for layer in layers], timesteps, provenance) as writer:
        for sample in range(samples):
            writer.append(
                (layer.inputs[sample] for layer in layers),
                (None if layer.outputs is None else layer.outputs[sample] for layer in layers),
                None if labels is None else labels[sample],
            )


def _chunks(shape: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    """The chunk of at most CHUNK_BYTES that covers as many trailing axes as fit."""
    budget = CHUNK_BYTES // itemsize
    chunks: list[int] = []
    for size in reversed(shape):
        chunks.insert(0, min(size, budget))
        budget = max(1, budget // size)
    return tuple(chunks)


def _weight_dtype(weight_bits: int) -> type[np.signedinteger[Any]]:
    if weight_bits <= 8:
        return np.int8
    return np.int16 if weight_bits <= 16 else np.int32
