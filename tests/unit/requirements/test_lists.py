"""The locked lists and the bill of materials say what constraints.txt chose and what is installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from requirements.closure import closure, pinned
from requirements.lock import lists
from requirements.sbom import bill, locked_hashes

ROOT = Path(__file__).parents[3]
NAMES = ("core", "train", "dev", "torch")

pytestmark = pytest.mark.train


def _list(name: str) -> dict[str, str]:
    return pinned((ROOT / "requirements" / f"{name}.txt").read_text())


def test_every_version_that_is_chosen_is_locked_once() -> None:
    chosen = pinned((ROOT / "constraints.txt").read_text())
    locked = [entry for name in NAMES for entry in _list(name).items()]
    assert dict(locked) == chosen and len(locked) == len(chosen)


def test_every_package_has_hashes() -> None:
    text = "".join((ROOT / "requirements" / f"{name}.txt").read_text() for name in NAMES)
    entries = [entry for entry in text.replace("\\\n", " ").splitlines() if "==" in entry]
    assert len(entries) > 60 and all(entry.count("--hash=sha256:") >= 1 for entry in entries)


def test_lists_are_those_of_what_packages_need() -> None:
    found = lists()
    assert set(found["core"]) == set(_list("core")) and set(found["train"]) == set(_list("train"))
    assert {"numpy", "hatchling"} <= set(found["core"]) and "nir" in found["train"]


def test_the_bill_of_materials_is_the_same_twice_and_whole() -> None:
    document = bill()
    assert document == bill()
    assert (document["bomFormat"], document["specVersion"], document["version"]) == ("CycloneDX", "1.6", 1)
    components = {component["name"]: component for component in document["components"]}
    assert set(components) == set(closure(["train"])) - {"spikecycle"} and set(components) <= set(locked_hashes())
    assert components["numpy"]["scope"] == "required" and components["torch"]["scope"] == "optional"
    assert components["torch"]["purl"] == "pkg:pypi/torch@2.13.0"
    assert all(
        component["hashes"] and len(component["hashes"][0]["content"]) == 64 for component in components.values()
    )
    references = {component["bom-ref"] for component in components.values()}
    root, *others = document["dependencies"]
    assert root["ref"].startswith("pkg:pypi/spikecycle@") and components["numpy"]["bom-ref"] in root["dependsOn"]
    assert {entry["ref"] for entry in others} == references
    assert all(set(entry["dependsOn"]) <= references for entry in document["dependencies"])
