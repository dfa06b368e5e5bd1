"""STUDY.md: it is what the options say, it leaves none of them out, and its example is a study."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from models.compression.compression import Compression
from models.compression.kinds import kinds
from models.compression.pruners import PrunerKind
from models.compression.quantizers import QuantizerKind
from models.data.options import DataOptions
from models.data.registry import DATA_SETS
from models.networks.catalogue import NETWORKS
from models.networks.options import NetworkOptions
from models.options import Options
from models.schedule import Schedule
from models.study.asked import AskedCompression, Mixed
from models.study.grid import method_of
from models.study.schema import DataChoice, NetworkChoice, Study, load_study
from models.study.study_document import STUDY_DOCUMENT, study_document
from tests.unit.models.study.tiny import write_study

pytestmark = pytest.mark.train

QUANTIZERS = kinds(QuantizerKind, "models.compression.quantizers")
PRUNERS = kinds(PrunerKind, "models.compression.pruners")
SECTIONS: list[type[Options]] = [
    Study, DataChoice, NetworkChoice, DataOptions, NetworkOptions, Schedule, Compression, AskedCompression, Mixed,
    *QUANTIZERS.values(), *PRUNERS.values(),
]  # fmt: skip


def test_the_document_of_the_file_is_what_the_options_say() -> None:
    assert STUDY_DOCUMENT.read_text() == study_document(), "run python -m models.study.document"


def test_its_example_is_a_study(tmp_path: Path) -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", STUDY_DOCUMENT.read_text(), re.DOTALL)
    grid = load_study(str(write_study(tmp_path, example))).study.grid
    assert {method_of(compression) for compression in grid} == {"quantization", "joint", "mixed"}
    for compression in grid:
        assert f"`{compression.name}`" in STUDY_DOCUMENT.read_text()


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.__name__)
def test_every_key_has_a_row_with_its_meaning(section: type[Options]) -> None:
    for key, field in section.model_fields.items():
        if key == "kind":
            continue
        assert field.description, f"{key} has no text below it"
        meaning = " ".join(field.description.split())
        assert re.search(rf"^\| `{key}` \| .* \| {re.escape(meaning)} \|$", STUDY_DOCUMENT.read_text(), re.MULTILINE)


@pytest.mark.parametrize("name", [*QUANTIZERS, *PRUNERS, *DATA_SETS, *NETWORKS])
def test_every_choice_is_named(name: str) -> None:
    assert re.search(rf"^(### |\| )`{name}`", STUDY_DOCUMENT.read_text(), re.MULTILINE)
