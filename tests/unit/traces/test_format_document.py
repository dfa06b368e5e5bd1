"""FORMAT.md is the truth: its example runs and opens, and it names everything that the schema knows."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from spikecycle import traces
from spikecycle.traces import open_trace, schema

DOCUMENT = (Path(traces.__file__).parent / "FORMAT.md").read_text(encoding="utf-8")
NAMES = (
    *schema.ROOT_ATTRIBUTES, *schema.ROOT_MEMBERS, *schema.LAYER_ATTRIBUTES, *schema.LAYER_MEMBERS, schema.FORMAT,
)  # fmt: skip


def test_the_example_writes_a_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", DOCUMENT, re.DOTALL)
    assert "traces" not in example
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(compile(example, "FORMAT.md", "exec"), names)
    with open_trace(tmp_path / "example.h5") as trace:
        assert trace.provenance["model"] == "written by hand"
        assert trace.labels is not None and trace.labels.tolist() == [0, 1, 2]
        assert [layer.name for layer in trace.layers] == ["conv1", "dense1"]
        for index, layer in enumerate(trace.layers):
            stored = names["layers"][index]  # type: ignore[index]
            assert np.array_equal(layer.weights(), stored["weights"])
            for sample in range(trace.samples):
                packed = np.packbits(layer.inputs(sample).reshape(trace.timesteps, -1), axis=1, bitorder="little")
                assert np.array_equal(packed, stored["inputs"][sample])
        assert trace.layers[0].shape.output_shape == (4, 6, 9)


@pytest.mark.parametrize("name", NAMES)
def test_every_name_of_the_schema_has_its_row(name: str) -> None:
    assert re.search(rf"^\|[^|]*`{name}`|^\|[^\n]*`{name}` \|", DOCUMENT, re.MULTILINE), f"{name} is not documented"


def test_names_are_sorted_and_there_are_some() -> None:
    for names in (schema.ROOT_ATTRIBUTES, schema.ROOT_MEMBERS, schema.LAYER_ATTRIBUTES, schema.LAYER_MEMBERS):
        assert names and list(names) == sorted(names)
    assert set(schema.OPTIONAL_ROOT_MEMBERS) <= set(schema.ROOT_MEMBERS)
    assert set(schema.OPTIONAL_LAYER_MEMBERS) <= set(schema.LAYER_MEMBERS)


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        (schema.MAX_DIMENSION, "2^24"),
        (schema.MAX_WEIGHTS, "2^28"),
        (schema.MAX_SAMPLE_VALUES, "2^30"),
        (schema.MAX_SUM, "2^62"),
        (schema.MAX_CHUNK_BYTES, "128 MiB"),
        (schema.MAX_PROVENANCE_BYTES, "60,000 bytes"),
    ],
)
def test_limits_are_the_documented_ones(limit: int, words: str) -> None:
    assert words in DOCUMENT
    number, *unit = words.replace(",", "").split()
    base, _, exponent = number.partition("^")
    assert limit == int(base) ** int(exponent or 1) * (2**20 if unit == ["MiB"] else 1)


def test_the_version_is_the_documented_one() -> None:
    assert DOCUMENT.startswith(f"# The trace file, version {schema.VERSION}\n")
