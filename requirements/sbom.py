"""A software bill of materials of the release: CycloneDX 1.6, JSON, the same bytes for the same versions.

    python -m requirements.sbom FILE.json      (in the environment of `make test`)

Components are what an installation has with the extra `train`, as installed packages tell it; what the simulator alone
needs has the scope "required". Hashes are those of the locked lists. https://cyclonedx.org/docs/1.6/json/
"""

from __future__ import annotations

import json
import re
import sys
import uuid
from collections.abc import Sequence
from importlib.metadata import Distribution
from pathlib import Path
from typing import Any

from requirements.closure import ROOT, closure, needs

HERE = Path(__file__).parent
LISTS = ("core", "train", "torch")
_HASHED = re.compile(r"^([A-Za-z0-9._-]+)==|--hash=sha256:([0-9a-f]{64})", re.MULTILINE)


def bill() -> dict[str, Any]:
    """The whole document."""
    required, whole = closure(), closure(["train"])
    hashes = locked_hashes()
    root = whole.pop(ROOT)
    document: dict[str, Any] = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {**_component(ROOT, root), "type": "application"}},
        "components": [
            {
                **_component(name, package),
                "scope": "required" if name in required else "optional",
                "hashes": [{"alg": "SHA-256", "content": content} for content in hashes[name]],
            }
            for name, package in whole.items()
        ],
        "dependencies": [
            {"ref": _purl(package, name), "dependsOn": _needed(name, package, whole)}
            for name, package in {ROOT: root, **whole}.items()
        ],
    }
    content = json.dumps(document, sort_keys=True)
    return {**document, "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, content)}"}


def locked_hashes() -> dict[str, list[str]]:
    """SHA-256 of the files of each package of the locked lists, by its canonical name, sorted."""
    found: dict[str, list[str]] = {}
    name = ""
    for text in (HERE / f"{listed}.txt" for listed in LISTS):
        for match in _HASHED.finditer(text.read_text()):
            if match[1]:
                name = match[1].lower().replace("_", "-").replace(".", "-")
                found[name] = []
            else:
                found[name].append(match[2])
    return {name: sorted(hashes) for name, hashes in found.items()}


def _component(name: str, package: Distribution) -> dict[str, Any]:
    purl = _purl(package, name)
    component = {"type": "library", "bom-ref": purl, "name": name, "version": package.version, "purl": purl}
    licenses = _licenses(package)
    return {**component, "licenses": licenses} if licenses else component


def _purl(package: Distribution, name: str) -> str:
    return f"pkg:pypi/{name}@{package.version.partition('+')[0]}"  # a local version names the build, not the release


def _licenses(package: Distribution) -> list[dict[str, Any]]:
    """What the package says of its license: an expression, else its classifiers, else its own words if they are few."""
    metadata = package.metadata
    expressions = metadata.get_all("License-Expression")  # by index, some versions of the library raise
    if expressions:
        return [{"expression": expressions[0]}]
    classifiers = [c for c in metadata.get_all("Classifier") or () if c.startswith("License ::")]
    names = [classifier.rpartition(" :: ")[2] for classifier in classifiers]
    words = (metadata.get_all("License") or [""])[0]
    if not names and words and "\n" not in words:
        names = [words]
    return [{"license": {"name": name}} for name in names]


def _needed(name: str, package: Distribution, whole: dict[str, Distribution]) -> list[str]:
    wanted = needs(package, ["train"] if name == ROOT else [])
    return sorted(_purl(whole[needed], needed) for needed in wanted if needed in whole)


def main(arguments: Sequence[str]) -> int:
    """Write the bill."""
    [path] = map(Path, arguments)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(bill(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
