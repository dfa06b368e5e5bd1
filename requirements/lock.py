"""Makes the locked lists: every package of constraints.txt with the SHA-256 of each of its files on the index.

    python -m requirements.lock      (in the environment of `make test`; needs uv on the path)

core.txt is what the simulator needs, train.txt what training, importing and studies need besides, dev.txt the rest.
Each has the build backend. torch is in none of them: which of its builds an index has differs, so torch.txt
has the hash of the CPU build that CI uses, and `make` says so where an index has another.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

from requirements.closure import ROOT, closure, pinned

HERE = Path(__file__).parent
CONSTRAINTS = HERE.parent / "constraints.txt"
BACKEND = ("editables", "hatchling", "packaging", "pathspec", "pluggy", "tomlkit", "trove-classifiers")
"""The build backend, and what it needs: `make` installs without a build environment of pip's own choice."""
OLDEST_PYTHON = "3.11.5"
TORCH = "torch"
_HEAD = "# Made by `make lock` from constraints.txt. Installed by `make` with --require-hashes --no-deps.\n"
_ENTRY = re.compile(r"^([A-Za-z0-9._-]+)==.*?(?=^[A-Za-z0-9]|\Z)", re.MULTILINE | re.DOTALL)


def lists() -> dict[str, list[str]]:
    """Packages of each list, which has none of those before it."""
    core = [*closure(), *BACKEND]
    train = closure(["train"])
    dev = pinned(CONSTRAINTS.read_text())
    found: dict[str, list[str]] = {}
    taken = {ROOT, TORCH}
    for name, packages in (("core", core), ("train", train), ("dev", dev)):
        found[name] = [package for package in packages if package not in taken]
        taken.update(found[name])
    return found


def main() -> int:
    """Write all lists."""
    versions = pinned(CONSTRAINTS.read_text())
    missing = sorted(set().union(*lists().values()) - versions.keys())
    if missing:
        sys.stderr.write(f"constraints.txt has no version of {', '.join(missing)}\n")
        return 1
    entries = _hashed({name: version for name, version in versions.items() if name != TORCH})
    for name, packages in lists().items():
        (HERE / f"{name}.txt").write_text(_HEAD + "".join(entries[package] for package in sorted(packages)))
    (HERE / "torch.txt").write_text(f"{_HEAD}torch=={versions[TORCH]} \\\n    --hash=sha256:{_hash_of_torch()}\n")
    return 0


def _hashed(versions: dict[str, str]) -> dict[str, str]:
    """The lines of each package with the hashes of all of its files."""
    text = "".join(f"{name}=={version}\n" for name, version in versions.items())
    command = ["uv", "pip", "compile", "--quiet", "--no-deps", "--generate-hashes", "--universal", "--no-header"]
    command += ["--no-annotate", "--python-version", OLDEST_PYTHON, "-"]
    said = subprocess.run(command, input=text, check=True, capture_output=True, text=True).stdout
    return {match[1].lower().replace("_", "-").replace(".", "-"): match[0] for match in _ENTRY.finditer(said)}


def _hash_of_torch() -> str:
    """Of the build that pip chooses here."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed", "--no-deps"]
    command += ["--constraint", str(CONSTRAINTS), "--report", "-", TORCH]
    report = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return str(report["install"][0]["download_info"]["archive_info"]["hashes"]["sha256"])


if __name__ == "__main__":
    sys.exit(main())
