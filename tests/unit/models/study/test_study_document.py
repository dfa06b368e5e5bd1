"""STUDY.md: it is what the options say, it leaves none of them out, and its example is a study."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from spikecycle.models.compression.compression import Compression
from spikecycle.models.compression.kinds import kinds
from spikecycle.models.compression.pruners import PrunerKind
from spikecycle.models.compression.quantizers import QuantizerKind
from spikecycle.models.data.options import DataOptions
from spikecycle.models.data.registry import DATA_SETS
from spikecycle.models.networks.catalogue import NETWORKS
from spikecycle.models.networks.options import NetworkOptions
from spikecycle.models.options import Options
from spikecycle.models.study.compression_entries import CompressionEntry, Mixed, method_of
from spikecycle.models.study.document import STUDY_DOCUMENT, study_document
from spikecycle.models.study.schema import DataChoice, NetworkChoice, Study, load_study
from spikecycle.models.training_schedule import TrainingSchedule
from tests.unit.models.study.tiny import write_study

pytestmark = pytest.mark.train

QUANTIZERS = kinds(QuantizerKind, "spikecycle.models.compression.quantizers")
PRUNERS = kinds(PrunerKind, "spikecycle.models.compression.pruners")
SECTIONS: list[type[Options]] = [
    Study, DataChoice, NetworkChoice, DataOptions, NetworkOptions, TrainingSchedule, Compression,
    CompressionEntry, Mixed,
    *QUANTIZERS.values(), *PRUNERS.values(),
]  # fmt: skip


def test_the_document_of_the_file_is_what_the_options_say() -> None:
    assert STUDY_DOCUMENT.read_text() == study_document(), "run python -m spikecycle.models.study.document"


def test_its_example_is_a_study(tmp_path: Path) -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", STUDY_DOCUMENT.read_text(), re.DOTALL)
    grid = load_study(str(write_study(tmp_path, example))).study.grid
    assert {method_of(compression) for compression in grid} == {"quantization", "pruning", "joint", "mixed"}
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
