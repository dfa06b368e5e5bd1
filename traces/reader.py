"""Opening a trace: everything that metadata can tell is checked at once; arrays are read on demand."""

from __future__ import annotations

import copy
import hashlib
import os
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType

import h5py
import numpy as np
import numpy.typing as npt

from spikecycle.traces import hdf5, schema
from spikecycle.traces.chain import network_of_layers
from spikecycle.traces.errors import TraceError, located, one_line
from spikecycle.traces.fields import check_checksum, read_checked
from spikecycle.traces.file_digest import FileDigest
from spikecycle.traces.layer_reader import Layer
from spikecycle.traces.network_file import read_network
from spikecycle.traces.operators import Operator
from spikecycle.traces.provenance import parse_provenance
from spikecycle.traces.samples import resolve
from spikecycle.traces.schema import MAX_PROVENANCE_BYTES


class Trace:
    """An open trace file; use it as a context manager. Opening reads and checks all metadata, and no spikes.

    version: of the file. tensors by name, and operators in an order in which they can be computed, are the network,
    whatever the version.

    begin_hash: do so from the beginning on, see there.

    TraceError, one line naming the file, if it is missing, unreadable, foreign, damaged or of a later version.
    """

    def __init__(self, path_or_sample_name: str | os.PathLike[str], *, begin_hash: bool = False) -> None:
        with located(path_or_sample_name):
            self.path = resolve(path_or_sample_name)
        self._digest = FileDigest(self.path)
        self.name = one_line(self.path.stem, longest=200)  # it goes to reports, and terminals
        with located(self.path), ExitStack() as opened:
            if begin_hash:
                opened.callback(self._digest.give_up)
                self.begin_hash()
            self._file = opened.enter_context(hdf5.open_file(self.path, "a trace"))
            self._read_metadata()
            opened.pop_all()

    def _read_metadata(self) -> None:
        root = self._file
        self.version = _read_version(root)
        of_layers = self.version == schema.LAYERS_VERSION
        attributes, members = (
            (schema.ROOT_ATTRIBUTES, schema.ROOT_MEMBERS)
            if of_layers
            else (schema.NETWORK_ATTRIBUTES, schema.NETWORK_MEMBERS)
        )
        hdf5.check_names("attribute", hdf5.attribute_names(root), attributes)
        hdf5.check_names("member", hdf5.member_names(root), members, schema.OPTIONAL_ROOT_MEMBERS)
        self.samples = hdf5.integer_attribute(root, "N", 1, schema.MAX_DIMENSION)
        self.timesteps = hdf5.integer_attribute(root, "T", 1, schema.MAX_DIMENSION)
        text = hdf5.text_attribute(root, "provenance", MAX_PROVENANCE_BYTES)
        self.provenance = parse_provenance(text)
        self._layers: tuple[Layer, ...] | None = None
        if of_layers:
            self.labels = self._read_labels(root)
            self._layers = self._read_layers(hdf5.child_group(root, "layers"))
            self.tensors, self.operators = network_of_layers(self._layers)
        else:
            with located("provenance"):
                found = hashlib.sha256(text.encode("utf-8")).hexdigest()
                check_checksum(found, hdf5.text_attribute(root, schema.PROVENANCE_CHECKSUM))
            self.labels = self._read_labels(root, checked=True)
            self.tensors, self.operators = read_network(root, self.path, self.samples, self.timesteps)

    def with_operators(self, operators: tuple[Operator, ...]) -> Trace:
        """The same open file with other operators, and without tensors that none of them makes any more; it is closed
        with this one, or this with it."""
        other = copy.copy(self)
        other.operators = operators
        gone = {each.output.name for each in self.operators} - {each.output.name for each in operators}
        other.tensors = {name: tensor for name, tensor in self.tensors.items() if name not in gone}
        return other

    @property
    def has_layers(self) -> bool:
        """Whether the file is a list of layers, version 1."""
        return self._layers is not None

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers of a version 1 file; TraceError for a network, which has operators instead."""
        if self._layers is None:
            raise TraceError(
                f"{self.path}: holds a network of operators (version {self.version}), not a list of layers"
            )
        return self._layers

    def _read_labels(self, root: h5py.File, checked: bool = False) -> npt.NDArray[np.int64] | None:
        if "labels" not in hdf5.member_names(root):  # `in root` would be false for a link that leads nowhere
            return None
        dataset = hdf5.child_dataset(root, "labels", ("int64",), (self.samples,))
        with located("labels"):
            return read_checked(dataset) if checked else dataset.values()

    def _read_layers(self, group: h5py.Group) -> tuple[Layer, ...]:
        hdf5.check_names("attribute of layers", hdf5.attribute_names(group), ())
        names = [str(index) for index in range(len(hdf5.member_names(group)))]
        if not names:
            raise TraceError("layers: at least one layer is needed, found none")
        hdf5.check_names("layer", hdf5.member_names(group), names)
        layers = tuple(Layer(hdf5.child_group(group, name), self.path, self.samples, self.timesteps) for name in names)
        seen: set[str] = set()
        for index, layer in enumerate(layers):
            if layer.name in seen:
                raise TraceError(f"layer {index}: name {layer.name} is taken by an earlier layer; names must differ")
            seen.add(layer.name)
        return layers

    @property
    def sha256(self) -> str:
        """SHA-256 of the file, in hexadecimal; read once, also for the same file with other operators."""
        return self._digest.sha256

    def begin_hash(self) -> None:
        """Compute `sha256` from now on, in a thread of its own, until the file is closed."""
        self._digest.begin()

    def when_hashed(self, call: Callable[[], None]) -> None:
        """Call something when the thread that `begin_hash` started has ended, in it; at once if none is at work."""
        self._digest.when_ended(call)

    def close(self) -> None:
        """Close the file; a closed trace keeps its metadata."""
        self._digest.give_up()
        self._file.close()

    def __enter__(self) -> Trace:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def open_trace(path_or_sample_name: str | os.PathLike[str], *, begin_hash: bool = False) -> Trace:
    """Open a trace file, or a shipped sample by its bare name (see `list_samples`). begin_hash: see `Trace`."""
    return Trace(path_or_sample_name, begin_hash=begin_hash)


def _read_version(root: h5py.File) -> int:
    if "format" not in hdf5.attribute_names(root):
        raise TraceError("is an HDF5 file but not a trace: attribute 'format' is missing")
    found = hdf5.text_attribute(root, "format")
    if found != schema.FORMAT:
        raise TraceError(f"is not a trace: attribute 'format' must be '{schema.FORMAT}', found '{one_line(found)}'")
    version = hdf5.integer_attribute(root, "version", 1, 2**31)
    if version > schema.VERSION:
        raise TraceError(
            f"has version {version} of the trace format; this spikecycle reads up to {schema.VERSION}: update it"
        )
    return version
