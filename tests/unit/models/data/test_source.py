"""Recordings that are not there: what was looked for and where, and downloads that fail without a trace."""

from __future__ import annotations

import socket
from pathlib import Path
from urllib.error import URLError

import pytest

from spikecycle.models.data.options import DataOptions
from spikecycle.models.data.registry import load_data
from spikecycle.models.errors import ModelsError
from tests.unit.models.data.test_nmnist import write_part

pytestmark = pytest.mark.train

LAYOUTS = {
    "nmnist": "Train/<digit>/<id>.bin or Test/<digit>/<id>.bin",
    "shd": "shd_train.h5 and shd_test.h5",
    "dvs128_gesture": "ibmGestureTrain/user<nn>_<lighting>/<label>.npy",
}
each = pytest.mark.parametrize("name", LAYOUTS)


def refusal(name: str, **options: object) -> str:
    with pytest.raises(ModelsError) as refused:
        load_data(name, DataOptions.model_validate(options))
    message = str(refused.value)
    assert "\n" not in message and LAYOUTS[name] in message and "get it from https://" in message
    return message


@each
def test_a_root_that_is_not_given_is_asked_for(name: str) -> None:
    assert "needs root, the folder with" in refusal(name)


@each
def test_a_folder_without_recordings_is_named(name: str, tmp_path: Path) -> None:
    for root in (tmp_path, tmp_path / "absent"):
        message = refusal(name, root=root)
        assert message.startswith(f"{root}: no ") and "download: true" in message
    assert not list(tmp_path.iterdir())


@each
@pytest.mark.parametrize("exists", [True, False])
def test_a_download_without_a_network_leaves_nothing(
    name: str, exists: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_network(*_: object, **__: object) -> None:
        raise socket.gaierror("no network here")

    monkeypatch.setattr(socket, "create_connection", no_network)
    monkeypatch.setattr(socket, "getaddrinfo", no_network)
    root = tmp_path if exists else tmp_path / "new"
    message = refusal(name, root=root, download=True)
    assert message.startswith(f"{root}: ") and "could not be downloaded (<urlopen error no network here>)" in message
    assert not list(tmp_path.iterdir())


def test_a_download_that_breaks_off_leaves_nothing_and_can_be_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    works = False

    def fetch(url: str, folder: str, filename: str, md5: str) -> None:
        write_part(Path(folder) / ("Train" if filename == "train.zip" else "Test"), of_each=1)
        if filename == "test.zip" and not works:
            raise URLError("connection lost\nin the middle")

    monkeypatch.setattr("tonic.dataset.download_and_extract_archive", fetch)
    assert "(<urlopen error connection lost in the middle>)" in refusal("nmnist", root=tmp_path, download=True)
    assert not list(tmp_path.iterdir())
    works = True
    data = load_data("nmnist", DataOptions(root=tmp_path, download=True, timesteps=1))
    assert (len(data.train), len(data.test)) == (10, 10)
    assert [path.name for path in tmp_path.iterdir()] == ["NMNIST"]
    works = False  # what is there is not fetched again
    assert len(load_data("nmnist", DataOptions(root=tmp_path, download=True, timesteps=1)).test) == 10


def test_a_download_that_brings_something_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "tonic.dataset.download_and_extract_archive", lambda url, folder, **_: Path(folder).mkdir(exist_ok=True)
    )
    assert "could not be downloaded (what came has no Train/" in refusal("nmnist", root=tmp_path, download=True)
    assert not list(tmp_path.iterdir())
