"""Networks (version 2) whose datasets hold less than they declare, lie elsewhere, or were never written."""

from __future__ import annotations

from pathlib import Path

import h5py
import pytest

from tests.children import outcomes
from tests.unit.traces.test_networks_refused import small_network
from tests.unit.traces.test_short_chunks import CHEATS, FILTERS

READ = """
from spikecycle.traces import TraceError, open_trace

def outcome(path):
    try:
        with open_trace(path) as trace:
            for operator in trace.operators:
                operator.arrays()
            for tensor in trace.tensors.values():
                for sample in range(trace.samples):
                    tensor.values(sample)
        return "read"
    except TraceError as error:
        return str(error)
"""


def _datasets(path: Path) -> list[str]:
    found: list[str] = []
    with h5py.File(path) as file:
        file.visititems(lambda name, member: found.append(name) if isinstance(member, h5py.Dataset) else None)
    return found


def _replaced(folder: Path, case: str, name: str, how: str) -> Path:
    path = small_network(folder / f"{case}.h5")
    with h5py.File(path, "r+") as file:
        values, attributes = file[name][...], dict(file[name].attrs)
        del file[name]
        match how:
            case "unwritten":
                file.create_dataset(name, values.shape, values.dtype)
            case "elsewhere":
                (folder / "secret").write_bytes(values.tobytes())
                file.create_dataset(
                    name, values.shape, values.dtype, external=[(str(folder / "secret"), 0, values.nbytes)]
                )
            case "sparse":
                file.create_dataset(name, values.shape, values.dtype, chunks=values.shape, compression="gzip")
            case _:
                file.create_dataset(name, data=values, chunks=values.shape, **FILTERS["all"])
                file.flush()
                stored = CHEATS[how](values.tobytes(), FILTERS["all"])
                file[name].id.write_direct_chunk((0,) * values.ndim, stored)
        for key, value in attributes.items():
            file[name].attrs[key] = value
    return path


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What reading says of each case, by dataset and way of cheating."""
    folder = tmp_path_factory.mktemp("networks")
    whole = small_network(folder / "whole.h5")
    paths = [whole]
    for name in _datasets(whole):
        for how in (*CHEATS, "unwritten", "elsewhere", "sparse"):
            paths.append(_replaced(folder, f"{name.replace('/', '-')}.{how}", name, how))
    return outcomes(READ, paths)


def test_every_dataset_of_a_network_has_to_be_whole(told: dict[str, str]) -> None:
    assert told.pop("whole.h5") == "read"
    assert len(told) > 100
    for case, said in told.items():
        dataset, how, _ = case.split(".")
        words = {"unwritten": "stores 0", "elsewhere": "lie in another file", "sparse": ""}.get(how, "damaged (")
        assert f"/{case}: " in said and words in said, said
        assert dataset.rsplit("-", 1)[-1] in said, said
