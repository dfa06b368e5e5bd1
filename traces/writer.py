"""Writing a list of layers, version 1 of the trace file, sample by sample."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat, zip_longest
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np

from spikecycle.traces import hdf5, schema
from spikecycle.traces.array_types import Array
from spikecycle.traces.arrays import LayerArrays
from spikecycle.traces.checks import check_integer
from spikecycle.traces.errors import TraceError, located
from spikecycle.traces.layer import LayerHeader, LayerParameters
from spikecycle.traces.layer_file import write_header
from spikecycle.traces.packing import pack_spikes, packed_bytes
from spikecycle.traces.provenance import format_provenance
from spikecycle.traces.recording import RecordingFile, SampleRows, chunk_shape, write_root
from spikecycle.traces.weights import code_dtype

_MISSING: Any = object()  # stands where an iterable of arrays ended too early


class _SampleStore(NamedTuple):
    """Where the samples of a layer go."""

    inputs: SampleRows
    outputs: SampleRows | None


class TraceWriter(RecordingFile):
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
        self._layers = tuple(layers)
        with located(Path(path)):
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
        super().__init__(path, timesteps)
        with self._or_abort(), self._writing():
            root = self._open()
            write_root(root, schema.LAYERS_VERSION, timesteps, text)
            group = root.create_group("layers")
            groups = [group.create_group(str(index)) for index in range(len(self._layers))]
            self._stores = [self._write_layer(*each) for each in zip(groups, self._layers, strict=True)]

    def _write_layer(self, group: h5py.Group, layer: LayerParameters) -> _SampleStore:
        header = layer.header
        write_header(group, header)
        codes = layer.weights.astype(code_dtype(header.weight_bits))
        hdf5.create(group, "weights", codes, chunks=chunk_shape(codes.shape, codes.itemsize))
        if layer.bias is not None:
            hdf5.create(group, "bias", layer.bias)
        if header.input_bits == 1:
            inputs = self._create_samples(
                group, "inputs", (self.timesteps, packed_bytes(header.shape.input_count)), np.uint8
            )
        else:
            inputs = self._create_samples(
                group, "inputs", (self.timesteps, *header.shape.input_shape), header.input_dtype
            )
        outputs = None
        if header.has_outputs:
            outputs = self._create_samples(
                group, "outputs", (self.timesteps, packed_bytes(header.shape.output_count)), np.uint8
            )
        return _SampleStore(inputs, outputs)

    def append(
        self, inputs: Iterable[Array], outputs: Iterable[Array | None] | None = None, label: int | None = None
    ) -> None:
        """Append one sample: for each layer in order its inputs (T, C, H, W) and output spikes (T, M, P, Q) or None.

        Outputs are needed for exactly the layers that record them; labels for all samples or for none. Both
        iterables may be generators: one layer at a time is held. A failed append aborts the file.
        """
        with self._or_abort():
            with self._writing():
                self._begin_sample(label)
            recorded = repeat(None, len(self._layers)) if outputs is None else outputs
            # What the iterables themselves raise passes unchanged: it is not the file's fault.
            rows = zip_longest(self._layers, self._stores, inputs, recorded, fillvalue=_MISSING)
            for layer, store, values, spikes in rows:
                with self._writing(), located(f"sample {self.samples}"):
                    if layer is _MISSING or values is _MISSING or spikes is _MISSING:
                        raise TraceError(f"one array for each of {len(self._layers)} layers is needed")
                    with located(f"layer {layer.name}"):
                        self._append_layer(layer.header, store, values, spikes)
                    self._write_full_block()
            self.samples += 1

    def _append_layer(self, header: LayerHeader, store: _SampleStore, values: Array, spikes: Array | None) -> None:
        if (spikes is not None) != header.has_outputs:
            raise TraceError(f"outputs must {'' if header.has_outputs else 'not '}be given")
        checked = header.check_inputs(values, self.timesteps)
        self._put(store.inputs, pack_spikes(checked) if header.input_bits == 1 else checked.copy())
        if spikes is not None and store.outputs is not None:
            self._put(store.outputs, pack_spikes(header.check_outputs(spikes, self.timesteps)))


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
