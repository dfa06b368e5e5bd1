"""NIR files that lead elsewhere, hold less than they say, or never end: one line that names the file, nothing read."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import h5py
import nir
import numpy as np
import pytest

from tests.children import outcomes, run_child
from tests.unit.models.importing.graphs import chain, conv, leaky, written
from tests.unit.traces.test_filters import fletcher32_twin

pytestmark = pytest.mark.train

READ = """
from spikecycle.models import ModelsError, import_network

def outcome(path):
    try:
        import_network(path)
        return "read"
    except ModelsError as error:
        return str(error)
"""
NODE = "node/nodes/a"
Change = Callable[[h5py.File, Path], None]


def _external(file: h5py.File, folder: Path) -> None:
    """The weights are the bytes of another file."""
    (folder / "secret").write_bytes(bytes(range(32)))
    del file[NODE]["weight"]
    file[NODE].create_dataset("weight", (2, 2), np.float64, external=[(str(folder / "secret"), 0, 32)])


def _external_link(file: h5py.File, folder: Path) -> None:
    with h5py.File(folder / "other.h5", "w") as other:
        other["weight"] = np.eye(2)
    del file[NODE]["weight"]
    file[NODE]["weight"] = h5py.ExternalLink(str(folder / "other.h5"), "/weight")


def _external_node(file: h5py.File, folder: Path) -> None:
    with h5py.File(folder / "other.h5", "w") as other:
        file.copy(NODE, other, "a")
    del file[NODE]
    file[NODE] = h5py.ExternalLink(str(folder / "other.h5"), "/a")


def _external_type(file: h5py.File, folder: Path) -> None:
    with h5py.File(folder / "other.h5", "w") as other:
        other["type"] = "Linear"
    del file[NODE]["type"]
    file[NODE]["type"] = h5py.ExternalLink(str(folder / "other.h5"), "/type")


def _virtual(file: h5py.File, folder: Path) -> None:
    with h5py.File(folder / "other.h5", "w") as other:
        other["weight"] = np.eye(2)
    layout = h5py.VirtualLayout((2, 2), np.float64)
    layout[:] = h5py.VirtualSource(str(folder / "other.h5"), "weight", (2, 2))
    del file[NODE]["weight"]
    file[NODE].create_virtual_dataset("weight", layout)


def _soft(file: h5py.File, folder: Path) -> None:
    file["elsewhere"] = np.eye(2)
    del file[NODE]["weight"]
    file[NODE]["weight"] = h5py.SoftLink("/elsewhere")


def _loop(file: h5py.File, folder: Path) -> None:
    file[NODE]["self"] = file["node"]


def _twice(file: h5py.File, folder: Path) -> None:
    file["node/nodes/b"] = file[NODE]


def _deep(file: h5py.File, folder: Path) -> None:
    file.create_group("node/" + "/".join("x" * 100))


def _huge(file: h5py.File, folder: Path) -> None:
    del file[NODE]["weight"]
    file[NODE].create_dataset("weight", (2**20, 2**20), np.float64, chunks=(2**10, 2**10), compression="gzip")


def _short(file: h5py.File, folder: Path) -> None:
    del file[NODE]["weight"]
    weight = file[NODE].create_dataset("weight", data=np.eye(2), chunks=(2, 2), fletcher32=True)
    file.flush()
    half = np.eye(2).tobytes()[:16]
    weight.id.write_direct_chunk((0, 0), half + fletcher32_twin(half).to_bytes(4, "little"))


def _unwritten(file: h5py.File, folder: Path) -> None:
    del file[NODE]["weight"]
    file[NODE].create_dataset("weight", (2, 2), np.float64)


def _lzf(file: h5py.File, folder: Path) -> None:
    del file[NODE]["weight"]
    file[NODE].create_dataset("weight", data=np.eye(2), chunks=(2, 2), compression="lzf")


def _group(name: str) -> Change:
    def change(file: h5py.File, folder: Path) -> None:
        del file[name]
        file.create_group(name)

    return change


def _references(file: h5py.File, folder: Path) -> None:
    del file[NODE]["weight"]
    file[NODE].create_dataset("weight", data=[file.ref], dtype=h5py.ref_dtype)


def _replaced(name: str, value: object) -> Change:
    def change(file: h5py.File, folder: Path) -> None:
        del file[name]
        if value is not None:
            file[name] = value

    return change


CASES: dict[str, tuple[Change, str]] = {
    "external": (_external, "weight: the values lie in another file"),
    "external-link": (_external_link, "weight: is a soft or external link"),
    "external-node": (_external_node, "a: is a soft or external link"),
    "external-type": (_external_type, "type: is a soft or external link"),
    "virtual": (_virtual, "weight: the values lie in another file"),
    "soft": (_soft, "weight: is a soft or external link"),
    "loop": (_loop, "is the same object as an earlier one"),
    "twice": (_twice, "is the same object as an earlier one"),
    "deep": (_deep, "more than 32 groups within each other"),
    "huge": (_huge, "can hold"),
    "short": (_short, "weight: damaged ("),
    "unwritten": (_unwritten, "weight: declares 32 bytes of values, but stores 0"),
    "lzf": (_lzf, "weight: filters must be among gzip, shuffle, fletcher32"),
    "type-number": (_replaced(f"{NODE}/type", 7), "supported: "),
    "type-array": (_replaced(f"{NODE}/type", np.zeros(3)), "supported: "),
    "type-group": (_group(f"{NODE}/type"), "supported: "),
    "type-gone": (_replaced(f"{NODE}/type", None), "cannot be read as a NIR file: node a: has no type"),
    "node-dataset": (_replaced(NODE, np.zeros(2)), "cannot be read as a NIR file: "),
    "nodes-dataset": (_replaced("node/nodes", np.zeros(2)), "cannot be read as a NIR file: "),
    "node-gone": (_replaced("node", None), "cannot be read as a NIR file: node"),
    "edges-numbers": (_replaced("node/edges", np.zeros((2, 2))), "cannot be read as a NIR file: "),
    "edges-flat": (_replaced("node/edges", "input"), "cannot be read as a NIR file: "),
    "edges-triples": (_replaced("node/edges", np.array([["a", "b", "c"]], h5py.string_dtype())), "NIR file: "),
    "weight-text": (_replaced(f"{NODE}/weight", "heavy"), ""),
    "weight-scalar": (_replaced(f"{NODE}/weight", 3.0), ""),
    "weight-group": (_group(f"{NODE}/weight"), ""),
    "weight-empty": (_replaced(f"{NODE}/weight", h5py.Empty("f8")), "weight: has no values"),
    "weight-complex": (_replaced(f"{NODE}/weight", np.eye(2) * 1j), "weight: numbers and texts are supported"),
    "weight-references": (_references, "weight: values of variable length must be"),
    "weight-five-axes": (_replaced(f"{NODE}/weight", np.zeros((1, 1, 1, 2, 2))), ""),
    "tau-nothing": (_replaced("node/nodes/n/tau", np.zeros(0)), ""),
    "tau-texts": (_replaced("node/nodes/n/tau", np.array(["a", "b"], h5py.string_dtype())), ""),
    "version-array": (_replaced("version", np.zeros(3)), "read"),
    "type-check": (lambda f, _: f["node"].__setitem__("type_check", True), "read"),
}  # fmt: skip


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What importing says of every case, by its name."""
    folder = tmp_path_factory.mktemp("hostile")
    paths = []
    for case, (change, _) in CASES.items():
        path = written(folder / f"{case}.nir", chain((2,), a=nir.Linear(np.eye(2)), n=leaky(2, 0.5)))
        with h5py.File(path, "r+") as file:
            change(file, folder)
        paths.append(path)
    said = outcomes(READ, paths, memory_bytes=2**32, seconds=120)
    return {name.removesuffix(".nir"): words.replace(str(folder), "") for name, words in said.items()}


@pytest.mark.parametrize("case", CASES)
def test_a_file_that_leads_elsewhere_or_holds_less_is_refused(told: dict[str, str], case: str) -> None:
    words = CASES[case][1]
    if words == "read":
        assert told[case] == "read"
    else:
        assert told[case].startswith(f"/{case}.nir: ") and words in told[case], told[case]
        assert "\n" not in told[case] and len(told[case]) < 2000


def test_a_stride_of_zero_divides_nothing(tmp_path: Path) -> None:
    """NIR works out the map behind it, infinite, with a warning of NumPy."""
    path = written(tmp_path / "zero.nir", chain((1, 4, 4), a=conv(np.ones((1, 1, 3, 3))), n=leaky((1, 2, 2), 0.5)))
    with h5py.File(path, "r+") as file:
        del file[f"{NODE}/stride"]
        file[f"{NODE}/stride"] = np.array([0, 1])
    ended = run_child(["-c", f"{READ}\nfrom pathlib import Path\nprint(outcome(Path('zero.nir')))"], folder=tmp_path)
    assert ended.err == "" and ended.out.startswith("zero.nir: cannot be read as a NIR file: "), ended


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.nir")
    (tmp_path / "folder.nir").mkdir()
    (tmp_path / "zero.nir").symlink_to("/dev/zero")
    (tmp_path / "loop.nir").symlink_to("loop.nir")
    (tmp_path / "text.nir").write_text("nir")
    said = outcomes(READ, sorted(tmp_path.iterdir()), memory_bytes=2**32, seconds=60)
    reasons = {
        "pipe": "is not a regular file", "folder": "is a directory", "zero": "is not a regular file",
        "loop": "Too many levels of symbolic links", "text": "is not an HDF5 file, so not a NIR file",
    }  # fmt: skip
    for name, reason in reasons.items():
        assert said[f"{name}.nir"] == f"{tmp_path}/{name}.nir: cannot be read as a NIR file: {reason}"


def test_damaged_texts_end(tmp_path: Path) -> None:
    """Names and types are of variable length: eight bytes after eight bytes of the file are lost."""
    path = written(tmp_path / "net.nir", chain((2,), a=nir.Linear(np.eye(2)), n=leaky(2, 0.5)))
    whole = path.read_bytes()
    paths = []
    for start in range(0, len(whole), max(8, len(whole) // 250)):
        for fill in (b"\0", b"\xff"):
            paths.append(tmp_path / f"{start}-{fill[0]}.nir")
            paths[-1].write_bytes(whole[:start] + fill * 8 + whole[start + 8 :])
    said = outcomes(READ, paths, memory_bytes=2**32, seconds=120)
    assert all(words == "read" or words.startswith(str(tmp_path)) for words in said.values())
