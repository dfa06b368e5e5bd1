"""Writing a network of operators, version 2 of the trace file, sample by sample."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from spikecycle.suggestions import known_names
from spikecycle.traces import hdf5, schema
from spikecycle.traces.array_types import Array
from spikecycle.traces.checks import check_integer, check_integers
from spikecycle.traces.errors import TraceError, located
from spikecycle.traces.evaluation import Evaluation, PlainNode, collect
from spikecycle.traces.fields import checksum, create_checked
from spikecycle.traces.filters import AddWords, add_words
from spikecycle.traces.network import make_tensors, order_network
from spikecycle.traces.network_file import stored_form, write_operator, write_tensor
from spikecycle.traces.operators import Operator
from spikecycle.traces.packing import pack_spikes
from spikecycle.traces.provenance import format_provenance
from spikecycle.traces.recording import RecordingFile, SampleRows, write_root
from spikecycle.traces.tensors import TensorSpec


class NetworkWriter(RecordingFile):
    """Writes a network and its recording one sample at a time; what is not given is computed by the operators.

        with NetworkWriter(path, inputs, operators, recorded, timesteps, provenance) as writer:
            for ...:
                writer.append({"x": (T, C, H, W), ...}, label=...)

    inputs: the tensors that no operator makes. recorded: names of the tensors that are kept besides them.
    The file appears when the block ends, complete; after an exception nothing is left, and a file that was there
    before stays. The same content gives the same bytes. TraceError, naming the file, on everything that goes wrong.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        inputs: Sequence[TensorSpec],
        operators: Sequence[Operator],
        recorded: Collection[str],
        timesteps: int,
        provenance: Mapping[str, Any] | None = None,
    ) -> None:
        with located(Path(path)):
            check_integer("T", timesteps, 1, schema.MAX_DIMENSION)
            if not operators:
                raise TraceError("at least one operator is needed, found none")
            self._inputs = [spec.name for spec in inputs]
            specs = [*inputs, *(operator.output for operator in operators)]
            kept = {*self._inputs, *recorded}
            tensors = make_tensors(specs, operators, dict.fromkeys(kept, _not_yet))
            for name in kept - tensors.keys():
                raise TraceError(f"recorded: there is no tensor {name}")
            self._operators = order_network(tensors, operators, timesteps)
            self._specs = {spec.name: spec for spec in specs}
            text = format_provenance(provenance or {})
        super().__init__(path, timesteps)
        with self._or_abort(), self._writing():
            root = self._open()
            write_root(root, schema.VERSION, timesteps, text)
            hdf5.set_attribute(root, schema.PROVENANCE_CHECKSUM, hashlib.sha256(text.encode("utf-8")).hexdigest())
            self._stores = self._write_tensors(root.create_group("tensors"), kept)
            index_of = {name: index for index, name in enumerate(self._specs)}
            parent = root.create_group("operators")
            for index, operator in enumerate(operators):
                with located(f"operator {operator.name}"):
                    write_operator(parent.create_group(str(index)), operator, index_of)

    def _write_tensors(self, parent: h5py.Group, kept: Collection[str]) -> dict[str, tuple[SampleRows, SampleRows]]:
        """Where the values and checksums of recorded tensors go."""
        stores = {}
        for index, spec in enumerate(self._specs.values()):
            group = parent.create_group(str(index))
            write_tensor(group, spec)
            if spec.name in kept:
                dtype, sizes = stored_form(spec)
                values = self._create_samples(group, "values", (self.timesteps, *sizes), dtype)
                checksums = self._create_samples(group, schema.CHECKSUM, (schema.CHECKSUM_BYTES,), np.uint8)
                stores[spec.name] = (values, checksums)
        return stores

    def append(self, values: Mapping[str, Array], label: int | None = None) -> None:
        """Append one sample: tensors by name, (T, C, H, W) of any integer or boolean dtype.

        Needed are the inputs of the network; recorded tensors that are not given are computed. Labels for all samples
        or for none. A failed append aborts the file.
        """
        with self._or_abort(), self._writing():
            self._begin_sample(label)
            with located(f"sample {self.samples}"):
                for name in self._inputs:
                    if name not in values:
                        raise TraceError(f"tensor {name}: an input of the network must be given")
                known = _Given({name: self._checked(name, array) for name, array in values.items()}, self._specs)
                missing = [each for each in self._operators if self._is_missing(each, known)]
                nodes = {operator.name: PlainNode(operator) for operator in missing}
                steps = Evaluation(self._operators, self.timesteps, known, nodes)
                computed = collect(missing, self.timesteps, steps) if missing else {}
                for name, (rows, checksums) in self._stores.items():
                    array = known.frames(name) if known.is_known(name) else computed[name]
                    stored = pack_spikes(array) if self._specs[name].is_binary else np.array(array, order="C")
                    self._put(rows, stored)
                    self._put(checksums, np.frombuffer(checksum(stored), np.uint8))
            self._write_full_block()
            self.samples += 1

    def _is_missing(self, operator: Operator, known: _Given) -> bool:
        return operator.output.name in self._stores and not known.is_known(operator.output.name)

    def _checked(self, name: str, array: Array) -> npt.NDArray[Any]:
        if name not in self._specs:
            raise TraceError(f"there is no tensor {name}{known_names(name, self._specs, 'tensors are')}")
        spec = self._specs[name]
        with located(f"tensor {name}"):
            return check_integers(array, (self.timesteps, *spec.shape), *spec.range).astype(spec.dtype, copy=False)

    def _write_labels(self, labels: npt.NDArray[np.int64]) -> None:
        create_checked(self._file, "labels", labels)


class _Given:
    """Tensors that were given, by name."""

    def __init__(self, arrays: Mapping[str, Array], specs: Mapping[str, TensorSpec]) -> None:
        self._arrays = arrays
        self._specs = specs

    def is_known(self, name: str) -> bool:
        return name in self._arrays

    def frames(self, name: str) -> Array:
        return self._arrays[name]

    def spec(self, name: str) -> TensorSpec:
        return self._specs[name]


def _not_yet(sample: int, adding: AddWords = add_words) -> Array:
    raise TraceError(f"sample {sample} is being written")
