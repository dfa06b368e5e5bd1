"""Hostile HDF5: a good file opened again, and its structure, types, sizes, filters, links and values changed."""

from __future__ import annotations

import hashlib
import io
import math
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import h5py
import numpy as np

from tests.fuzz import random_values

Member = h5py.Group | h5py.Dataset
DTYPES = (
    "i1", "u1", "<i2", "<i4", ">i4", "<i8", ">i8", "<u2", "<u4", "<u8", "<f4", "<f8", ">f8", "f2", "?", "S1",
    "S8", "V3", "c16",
)  # fmt: skip


def hostile_hdf5(random: Random, content: bytes, folder: Path) -> bytes:
    """A file made from a good one; files that it refers to lie in the folder. With a few changes, or one."""
    memory = io.BytesIO(content)
    with h5py.File(memory, "r+") as file:
        for _ in range(random.choice([1, 1, 1, 2, 4])):
            members: list[Member] = []
            file.visititems(lambda _, member, members=members: members.append(member))
            change = random.choice(CHANGES)
            try:
                change(random, file, random.choice(members), folder)
            except (TypeError, ValueError, KeyError, RuntimeError, OSError, OverflowError, AttributeError):
                continue  # HDF5 itself does not write this
    return memory.getvalue()


def plainly(content: bytes, random: Random) -> bytes:
    """The same content as other writers would store it: another version of HDF5's structure, layout and filters."""
    memory = io.BytesIO()
    libver = random.choice(["earliest", "v108", "v110", "latest"])
    with h5py.File(io.BytesIO(content)) as source, h5py.File(memory, "w", libver=libver) as target:
        options = random.choice(
            [{}, {"compression": "gzip"}, {"fletcher32": True}, {"shuffle": True, "compression": 9}]
        )
        for name, value in source.attrs.items():
            target.attrs[name] = value

        def copy(name: str, member: Member) -> None:
            if isinstance(member, h5py.Group):
                made = target.create_group(name)
            else:
                is_plain = options and member.shape and 0 not in member.shape and member.dtype.kind != "O"
                chunks = (1, *member.shape[1:]) if is_plain else None
                made = target.create_dataset(name, data=member[()], chunks=chunks, **(options if chunks else {}))
            for key, value in member.attrs.items():
                made.attrs[key] = value

        source.visititems(copy)
    return memory.getvalue()


def with_right_checksums(content: bytes) -> bytes:
    """The file with the checksums of its own values, so that what is wrong with them is seen by later checks."""
    memory = io.BytesIO(content)
    with h5py.File(memory, "r+") as file:

        def repair(name: str, member: Member) -> None:
            try:
                if isinstance(member, h5py.Dataset) and "sha256" in member.attrs:
                    _set_attribute(member, "sha256", np.bytes_(_sha256(member[()]).hex()))
                elif isinstance(member, h5py.Group) and "sha256" in member and "values" in member:
                    rows = [list(_sha256(sample)) for sample in member["values"][()]]
                    member["sha256"][...] = np.array(rows, np.uint8)
            except (TypeError, ValueError, KeyError, RuntimeError, OSError, AttributeError):
                return

        with suppress(RuntimeError):  # there are objects that HDF5 cannot read
            file.visititems(repair)
        text = file.attrs.get("provenance")
        if isinstance(text, bytes) and "provenance_sha256" in file.attrs:
            _set_attribute(file, "provenance_sha256", np.bytes_(hashlib.sha256(text).hexdigest()))
    return memory.getvalue()


def _sha256(values: Any) -> bytes:
    return hashlib.sha256(np.ascontiguousarray(values, values.dtype.newbyteorder("<"))).digest()


def _set_attribute(member: Member, name: str, value: Any) -> None:
    if name in member.attrs:
        del member.attrs[name]
    member.attrs[name] = value


def _attribute(random: Random, member: Member) -> str | None:
    names = list(member.attrs)
    return random.choice(names) if names else None


def _change_attribute(random: Random, file: h5py.File, member: Member, folder: Path) -> None:
    target = random.choice([file, member, member])
    name = _attribute(random, target)
    if name is None:
        return
    value = target.attrs[name]
    if isinstance(value, bytes | str | np.bytes_):
        word = random.choice(random_values.WORDS)
        new: Any = random.choice([np.bytes_(word.encode("utf-8", "replace") or b"\0"), word, np.bytes_(b"\xff\xfe"), 3])
        if value[:1] == b"{" and random.random() < 0.7:
            new = np.bytes_(random.choice(_JSON))
    else:
        numbers = np.atleast_1d(np.array(value, np.int64))
        place = random.randrange(numbers.size)
        try:
            numbers.reshape(-1)[place] = random_values.integer(random)
        except OverflowError:
            numbers = numbers.astype(np.float64)
        new = numbers if np.ndim(value) else numbers[0]
    _set_attribute(target, name, new)


def _change_attribute_type(random: Random, file: h5py.File, member: Member, folder: Path) -> None:
    target = random.choice([file, member, member])
    name = _attribute(random, target)
    if name is None:
        return
    value: Any = random.choice(
        [
            lambda: np.zeros(random.choice([(0,), (1,), (3,), (2, 2)]), random.choice(["i4", "f8", "S3"])),
            lambda: "of variable length",
            lambda: h5py.Empty("i8"),
            lambda: np.array(["a", "b"], object),
            lambda: member.ref,
            lambda: np.array((1, 2.0), [("a", "i4"), ("b", "f8")]),
            lambda: np.float64(random.choice(random_values.REALS)),
            lambda: np.bytes_(b"x" * random.choice([1, 2000, 60_000])),
            lambda: np.bool_(True),
            lambda: np.uint64(2**64 - 1),
        ]
    )()
    del target.attrs[name]
    if isinstance(value, np.ndarray) and value.dtype == object:
        target.attrs.create(name, value, dtype=h5py.string_dtype())
    else:
        target.attrs[name] = value


def _delete_attribute(random: Random, file: h5py.File, member: Member, folder: Path) -> None:
    target = random.choice([file, member])
    name = _attribute(random, target)
    if name is not None:
        del target.attrs[name]


def _add_attribute(random: Random, file: h5py.File, member: Member, folder: Path) -> None:
    target = random.choice([file, member])
    target.attrs[random.choice(random_values.WORDS)] = random_values.integer(random) % 2**62


def _delete(random: Random, file: h5py.File, member: Member, folder: Path) -> None:
    del file[member.name]


def _rename(random: Random, file: h5py.File, member: Member, folder: Path) -> None:
    parent = member.parent
    word = random.choice(random_values.WORDS).replace("/", "")
    parent.move(member.name, random.choice([word or "x", "0", "1", "7", "weights", "values", "bias", "outputs"]))


def _add_member(random: Random, file: h5py.File, member: Member, folder: Path) -> None:
    group = member if isinstance(member, h5py.Group) else member.parent
    name = random.choice(["labels", "bias", "outputs", "0", "9", "x", *random_values.WORDS[:8]]) or "y"
    if random.random() < 0.3:
        group.create_group(name)
    else:
        group[name] = np.zeros(random.choice([(), (1,), (2,), (3, 2)]), random.choice(DTYPES))


def _replace_by_other_kind(random: Random, file: h5py.File, member: Member, folder: Path) -> None:
    name = member.name
    del file[name]
    if isinstance(member, h5py.Group):
        file[name] = np.zeros(3, np.int32)
    elif random.random() < 0.5:
        file.create_group(name)
    else:
        file[name] = np.dtype("i4")  # a named type


def _dataset(random: Random, member: Member) -> h5py.Dataset | None:
    if isinstance(member, h5py.Dataset):
        return member
    found: list[h5py.Dataset] = []
    member.visititems(lambda _, inner: found.append(inner) if isinstance(inner, h5py.Dataset) else None)
    return random.choice(found) if found else None


def _written_anew(random: Random, dataset: h5py.Dataset, values: Any, **options: Any) -> h5py.Dataset:
    """A dataset in the place of another, with its attributes."""
    parent, name, attributes = dataset.parent, dataset.name.rsplit("/", 1)[1], dict(dataset.attrs)
    del parent[name]
    made = parent.create_dataset(name, data=values, **options)
    for key, value in attributes.items():
        made.attrs[key] = value
    return made


def _change_values(random: Random, file: h5py.File, member: Member, folder: Path) -> None:
    dataset = _dataset(random, member)
    if dataset is None or dataset.size == 0:
        return
    values = dataset[()]
    flat = np.array(values).reshape(-1)
    for _ in range(random.choice([1, 1, 3, flat.size])):
        place = random.randrange(flat.size)
        if flat.dtype.kind == "f":
            flat[place] = random.choice(random_values.REALS)
        elif flat.dtype.kind in "iu":
            limits = np.iinfo(flat.dtype)
            flat[place] = random.choice([limits.min, limits.max, 0, 1, random.randint(limits.min, limits.max)])
    dataset[...] = flat.reshape(dataset.shape)


def _change_dtype(random: Random, file: h5py.File, member: Member, folder: Path) -> None:
    dataset = _dataset(random, member)
    if dataset is not None:
        with np.errstate(all="ignore"):
            _written_anew(random, dataset, np.array(dataset[()]).astype(random.choice(DTYPES)))


def _change_shape(random: Random, file: h5py.File, member: Member, folder: Path) -> None:
    dataset = _dataset(random, member)
    if dataset is None:
        return
    values = np.array(dataset[()])
    shape = list(values.shape)
    if shape and random.random() < 0.7:
        axis = random.randrange(len(shape))
        shape[axis] = random.choice([0, 1, shape[axis] - 1, shape[axis] + 1, 2 * shape[axis]])
        values = np.resize(values, [max(0, size) for size in shape])
    else:
        values = random.choice([lambda v: v.reshape(-1), lambda v: v[None], lambda v: v.T])(values)
    _written_anew(random, dataset, values)


def _declare_more(random: Random, file: h5py.File, member: Member, folder: Path) -> None:
    """A size that nobody wrote values for, with attributes that agree or not."""
    dataset = _dataset(random, member)
    if dataset is None:
        return
    shape = [random.choice([size, size, 2**20, 2**24, 2**31]) for size in dataset.shape] or [2**24]
    name, dtype, attributes = dataset.name, dataset.dtype, dict(dataset.attrs)
    del file[name]
    chunks = tuple(min(size, random.choice([1, 16, 1024])) for size in shape) if random.random() < 0.7 else None
    options = {"chunks": chunks, "compression": random.choice([None, "gzip"])} if chunks else {}
    made = file.create_dataset(name, shape, dtype, **options)
    for key, value in attributes.items():
        made.attrs[key] = value


def _store_otherwise(random: Random, file: h5py.File, member: Member, folder: Path) -> None:
    """Other filters, chunks or layout; values as they were."""
    dataset = _dataset(random, member)
    if dataset is None or not dataset.shape or 0 in dataset.shape:
        return
    values = dataset[()]
    chunks = tuple(random.randint(1, 2 * size) for size in dataset.shape)
    options: dict[str, Any] = random.choice(
        [
            {},
            {"chunks": chunks, "maxshape": tuple(None for _ in dataset.shape)},
            {"chunks": chunks, "compression": "gzip", "shuffle": random.random() < 0.5},
            {"chunks": chunks, "compression": "lzf", "maxshape": tuple(2 * size for size in dataset.shape)},
            {"chunks": chunks, "fletcher32": True, "maxshape": tuple(None for _ in dataset.shape)},
            {"chunks": chunks, "scaleoffset": 0, "maxshape": tuple(None for _ in dataset.shape)},
        ]
    )
    _written_anew(random, dataset, values, **options)


def _write_chunk(random: Random, file: h5py.File, member: Member, folder: Path) -> None:
    """A chunk of too few bytes, of too many, of other filters, or of damaged ones."""
    dataset = _dataset(random, member)
    if dataset is None or not dataset.shape or 0 in dataset.shape:
        return
    if dataset.chunks is None:
        filters = random.choice([{}, {"compression": "gzip"}, {"fletcher32": True}, {"shuffle": True}])
        dataset = _written_anew(random, dataset, dataset[()], chunks=dataset.shape, **filters)
    first = tuple(random.randrange(0, size, chunk) for size, chunk in zip(dataset.shape, dataset.chunks, strict=True))
    mask, stored = dataset.id.read_direct_chunk(first)
    size = random.choice([0, 1, len(stored) // 2, len(stored) - 1, len(stored) + 1, len(stored) + 4096, len(stored)])
    changed = (bytes(stored) + random.randbytes(max(0, size - len(stored))))[:size]
    dataset.id.write_direct_chunk(first, changed, random.choice([mask, mask, 1, 2, 3, 7, 2**31]))


def _leave_chunks_out(random: Random, file: h5py.File, member: Member, folder: Path) -> None:
    dataset = _dataset(random, member)
    if dataset is None or not dataset.shape or 0 in dataset.shape:
        return
    name, values, attributes = dataset.name, dataset[()], dict(dataset.attrs)
    del file[name]
    made = file.create_dataset(name, values.shape, values.dtype, chunks=(1, *values.shape[1:]), fillvalue=1)
    for row in range(len(values) - 1):
        made[row] = values[row]
    for key, value in attributes.items():
        made.attrs[key] = value


def _lead_elsewhere(random: Random, file: h5py.File, member: Member, folder: Path) -> None:
    """Links and values that lie in another file, or in an object that is there already."""
    name = member.name
    secret = folder / "secret"
    secret.write_bytes(bytes(range(256)) * 64)
    dataset = _dataset(random, member)
    way = random.randrange(5)
    if way == 0:
        del file[name]
        file[name] = h5py.SoftLink(random.choice(["/", "/nothing", name, "/tensors/0", "/layers/0/weights"]))
    elif way == 1:
        del file[name]
        file[name] = h5py.ExternalLink(str(secret), random.choice(["/", "/weights"]))
    elif way == 2 and dataset is not None:
        name, shape, dtype, attributes = dataset.name, dataset.shape, dataset.dtype, dict(dataset.attrs)
        del file[name]
        size = math.prod(shape) * dtype.itemsize
        made = file.create_dataset(name, shape, dtype, external=[(str(secret), 0, size)])
        for key, value in attributes.items():
            made.attrs[key] = value
    elif way == 3 and dataset is not None:
        name, shape, dtype = dataset.name, dataset.shape, dataset.dtype
        layout = h5py.VirtualLayout(shape, dtype)
        layout[...] = h5py.VirtualSource(str(secret), "x", shape)
        del file[name]
        file.create_virtual_dataset(name, layout)
    else:
        others: list[str] = []
        file.visit(others.append)
        other = file[random.choice(others)]
        del file[name]
        file[name] = other


def _store_variable_lengths(random: Random, file: h5py.File, member: Member, folder: Path) -> None:
    dataset = _dataset(random, member)
    if dataset is None:
        return
    name = dataset.name
    del file[name]
    dtype = random.choice([h5py.string_dtype(), h5py.vlen_dtype(np.int32), h5py.vlen_dtype(np.float64)])
    made = file.create_dataset(name, random.choice([(), (2,), dataset.shape]), dtype)
    if made.size and h5py.check_string_dtype(dtype):
        made[...] = random.choice(["Linear", "x" * 3000, ""])


CHANGES: tuple[Callable[[Random, h5py.File, Member, Path], None], ...] = (
    _change_attribute, _change_attribute, _change_attribute, _change_attribute, _change_attribute_type,
    _delete_attribute, _add_attribute, _delete, _rename, _add_member, _replace_by_other_kind, _change_values,
    _change_values, _change_values, _change_dtype, _change_shape, _declare_more, _store_otherwise, _store_otherwise,
    _write_chunk, _write_chunk, _leave_chunks_out, _lead_elsewhere, _store_variable_lengths,
)  # fmt: skip
_JSON = (
    "{}", "[]", "null", "{", '{"a": NaN}', '{"a": 1e999}', '{"a": {"a": {"a": 1}}}', "[" * 5000, '{"a":' * 5000,
    '{"accuracy_integer": "x"}', '{"compression": [1]}', '{"model": 7}', '{"a": "\\ud800"}', '{"a": 1, "a": 2}',
    '{"\\u0000": 1}', '{"a": ' + "9" * 5000 + "}", '{"versions": null}', '{"accuracy_integer": true}',
)  # fmt: skip
