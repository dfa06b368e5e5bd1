"""README and documentation: their commands run, their Python runs, the files they link to exist."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest

import spikecycle

ROOT = Path(__file__).parent.parent
PAGES = sorted((ROOT / "docs" / "pages").rglob("*.md"))
DOCUMENTS = {str(file.relative_to(ROOT)): file.read_text() for file in (ROOT / "README.md", *PAGES)}
_BLOCK = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```', re.MULTILINE | re.DOTALL)
BLOCKS = {
    name: [(title or language, block) for language, title, block in _BLOCK.findall(text)]
    for name, text in DOCUMENTS.items()
}
"""Language and text of each block; of one that is to be saved as a file, the name of that instead of the language."""
IGNORED = [line.strip("/") for line in (ROOT / ".gitignore").read_text().splitlines() if line.startswith("/")]
"""Patterns of what git does not see at the top of a checkout."""
TAKES_MINUTES = {
    "python -m spikecycle.models.samples",
    "spikecycle study digits",
    "spikecycle study digits_diverse",
    "spikecycle study nmnist --data-root FOLDER",
}
"""Run by hand; what they do is tested in small."""
RUN_BY_CI = {"make bench", "make demo", "make docs", "make kernels", "make lint", "make rtl", "make test"}


def shell_lines(name: str) -> list[str]:
    """Commands of a document, comments removed, lines that go on joined."""
    blocks = [block.replace("\\\n", " ") for language, block in BLOCKS[name] if language == "bash"]
    return [line.split("  #")[0].strip() for block in blocks for line in block.splitlines() if line.strip()]


RUNNABLE = [name for name, blocks in BLOCKS.items() if any(language in ("bash", "python") for language, _ in blocks)]


@pytest.mark.parametrize("name", RUNNABLE)
def test_what_it_says_runs_in_its_order(name: str, tmp_path: Path) -> None:
    """Blocks of a document share a folder: later ones use what earlier ones wrote. Git ignores all of it."""
    for language, block in BLOCKS[name]:
        if "." in language:
            (tmp_path / language).write_text(block)
        if language == "python":
            _runs([sys.executable, "-c", block], tmp_path, block)
        elif language == "bash":
            for line in block.replace("\\\n", " ").splitlines():
                words = shlex.split(line, comments=True)
                if words[:1] == ["spikecycle"] and shlex.join(words) not in TAKES_MINUTES:
                    assert _runs([sys.executable, "-m", "spikecycle", *words[1:]], tmp_path, line), line
    left = [path.name for path in tmp_path.iterdir()]
    assert not [name for name in left if not any(fnmatch(name, pattern) for pattern in IGNORED)]


def _runs(command: list[str], folder: Path, shown: str) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, f"{shown}\n{done.stderr}"
    return done.stdout


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_other_command_is_run_by_ci_or_listed_here(name: str) -> None:
    makefile = (ROOT / "Makefile").read_text()
    ci = (ROOT / ".ci" / "run").read_text()
    for command in shell_lines(name):
        if command.startswith("spikecycle ") or command in TAKES_MINUTES:
            continue
        assert command in RUN_BY_CI, f"nobody runs {command!r}"
        target = command.split()[1]
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)
        assert re.search(rf"make (-C \S+ )?{target}\b", ci), f"CI does not run make {target}"


def test_the_readme_begins_with_what_a_newcomer_runs() -> None:
    assert {"make demo", "make test"} <= set(shell_lines("README.md"))


def test_the_python_reference_has_every_public_name() -> None:
    listed = re.findall(r"^::: (\S+)$", DOCUMENTS["docs/pages/reference/python.md"], re.MULTILINE)
    public = {f"{getattr(spikecycle, name).__module__}.{name}" for name in spikecycle.__all__}
    assert public <= set(listed)
    assert len(listed) == len(set(listed))


def test_the_ledger_says_in_a_checkout_where_its_table_is() -> None:
    words = (ROOT / "docs" / "generators" / "validation.md").read_text().partition("## The ledger in short")[2]
    assert "`spikecycle validate --markdown FILE`" in words


LINKING = sorted(
    str(file.relative_to(ROOT))
    for folder in ("", "benchmarks", "docs", "hwconfigs", "models", "notebooks", "simulator", "tests", "traces")
    for file in ((ROOT / folder).rglob("*.md") if folder else ROOT.glob("*.md"))
)


@pytest.mark.parametrize("name", LINKING)
def test_the_files_it_links_to_exist(name: str) -> None:
    """In the checkout; in the site, links are checked when it is built."""
    text = re.sub(r"^```.*?^```", "", (ROOT / name).read_text(), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", text):
        assert (ROOT / name).parent.joinpath(target).exists(), target
