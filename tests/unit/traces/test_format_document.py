"""FORMAT.md is the truth: its examples run and open, and it names everything that the schema knows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from spikecycle import traces
from spikecycle.simulator.replay import SampleTensors
from spikecycle.traces import GraphBuilder, Neuron, Source, open_trace, schema
from spikecycle.traces.operators import OPERATOR_KINDS

DOCUMENT = (Path(traces.__file__).parent / "FORMAT.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", DOCUMENT, re.DOTALL)
BUILDER_BLOCKS = [block for block in BLOCKS if "GraphBuilder" in block]
NAMES = (
    *schema.ROOT_ATTRIBUTES, *schema.ROOT_MEMBERS, *schema.LAYER_ATTRIBUTES, *schema.LAYER_MEMBERS, schema.FORMAT,
    *schema.NETWORK_ATTRIBUTES, *schema.NETWORK_MEMBERS, *OPERATOR_KINDS,
)  # fmt: skip


def run_block(block: str, names: dict[str, Any] | None = None) -> dict[str, Any]:
    names = {} if names is None else names
    exec(compile(block, "FORMAT.md", "exec"), names)
    return names


def example(version: int) -> str:
    """The complete file without our code."""
    (found,) = (block for block in BLOCKS if f'"version": {version}' in block)
    assert "traces" not in found
    return str(found)


def test_the_example_of_layers_writes_a_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = run_block(example(1))
    with open_trace(tmp_path / "example.h5") as trace:
        assert trace.provenance["model"] == "written by hand"
        assert trace.labels is not None and trace.labels.tolist() == [0, 1, 2]
        assert [layer.name for layer in trace.layers] == ["conv1", "dense1"]
        for index, layer in enumerate(trace.layers):
            stored = names["layers"][index]
            assert np.array_equal(layer.weights(), stored["weights"])
            for sample in range(trace.samples):
                packed = np.packbits(layer.inputs(sample).reshape(trace.timesteps, -1), axis=1, bitorder="little")
                assert np.array_equal(packed, stored["inputs"][sample])
        assert trace.layers[0].shape.output_shape == (4, 6, 9)


def test_the_example_of_a_network_writes_what_our_code_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = run_block(example(2))
    graph = GraphBuilder(names["T"])
    x = graph.input("x", names["spikes"])
    lif = Neuron("lif", 20, 12, leak_numerator=15, leak_shift=4)
    conv1, conv2 = names["weights"].values()
    spikes1 = graph.neuron("spikes1", graph.conv2d("c1", x, conv1, weight_bits=4, padding=1), lif)
    graph.neuron("spikes2", [graph.conv2d("c2", spikes1, conv2, weight_bits=4, padding=1), x], lif)
    graph.write("ours.h5")
    with open_trace("network.h5") as trace, open_trace("ours.h5") as ours:
        assert trace.labels is not None and trace.labels.tolist() == [0, 1, 2]
        assert [operator.name for operator in trace.operators] == ["conv1", "lif1", "conv2", "lif2"]
        assert [operator.kind for operator in trace.operators] == [operator.kind for operator in ours.operators]
        for sample in range(trace.samples):
            derived = SampleTensors(trace, sample)
            for name in ("x", "spikes1", "spikes2"):
                assert np.array_equal(derived.values(name), ours.tensors[name].values(sample))
        assert SampleTensors(trace, 0).values("spikes2").any()


@pytest.mark.parametrize("index", range(len(BUILDER_BLOCKS)))
def test_a_few_lines_make_a_trace_that_verifies(index: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = run_block(BUILDER_BLOCKS[0])
    if index:
        run_block(BUILDER_BLOCKS[index], names)
    path = tmp_path / re.findall(r"graph\.write\(\"([^\"]+)\"", BUILDER_BLOCKS[index])[0]
    assert len(BUILDER_BLOCKS[index].splitlines()) <= 20
    with open_trace(path) as trace:
        assert trace.version == 2 and trace.samples == 3
        for sample in range(trace.samples):
            tensors = SampleTensors(trace, sample)
            compared = [tensors.verify(operator) for operator in trace.operators]
            assert all(found.mismatches == 0 for found in compared if found is not None)
            assert sum(found is not None for found in compared) >= 1
        # Something happens: every population of neurons that fire does.
        for operator in trace.operators:
            if operator.kind == "neuron":
                assert SampleTensors(trace, 0).values(operator.output.name).any(), operator.name


def test_there_are_examples_of_what_networks_need() -> None:
    assert len(BUILDER_BLOCKS) == 4
    assert len(BLOCKS) == len(BUILDER_BLOCKS) + 2


@pytest.mark.parametrize("name", NAMES)
def test_every_name_of_the_schema_has_its_row(name: str) -> None:
    row = rf"^\|[^|]*`{name}`|^\|[^\n]*`{name}` \||^### .*\b{name}\b"
    assert re.search(row, DOCUMENT, re.MULTILINE), f"{name} is not documented"


def test_every_name_in_a_network_file_has_its_row(tmp_path: Path) -> None:
    """All attributes and datasets of a file that holds every kind of operator and neuron."""
    with h5py.File(everything(tmp_path / "all.h5")) as file:
        kinds = {operator.attrs["kind"].decode() for operator in file["operators"].values()}
        assert kinds == set(OPERATOR_KINDS)
        groups = [*file["tensors"].values(), *file["operators"].values()]
        found = {name for group in groups for name in (*group.attrs, *group)}
    assert len(found) > 30
    for name in sorted(found):
        assert re.search(rf"^\|[^|\n]*`{name}`", DOCUMENT, re.MULTILINE), f"{name} is not documented"


def everything(path: Path) -> Path:
    """A network with every kind of operator and neuron, and every attribute and dataset."""
    random = np.random.default_rng(2)
    graph = GraphBuilder(timesteps=2)
    x = graph.input("x", random.random((1, 2, 2, 1, 6)) < 0.5)
    lif = Neuron("lif", np.full((2, 1, 6), 3), 8, leak_numerator=[1, 2], leak_shift=1, start_potential=1)
    a = graph.neuron("a", graph.conv2d("conv2d", x, random.integers(-2, 2, (2, 2, 1, 1)), weight_bits=2), lif)
    b = graph.neuron(
        "b",
        graph.conv1d("conv1d", a, random.integers(-2, 2, (2, 2, 1)), weight_bits=2, bias=np.array([1, 2])),
        Neuron("if", 2, 8, reset="soft", reset_timing="next"),
    )
    joined: list[Source] = [graph.add("add", [a, b]), graph.concatenate("concatenate", [a, b])]
    graph.pool("pool", joined[0], "average", (1, 2), shift=1)
    graph.attention("attention", a, joined[1], transpose_left=True)
    current = graph.linear("linear", joined[1], random.integers(-2, 2, (3, 24)), weight_bits=2)
    synaptic = {"current_leak_numerator": 1, "current_leak_shift": 1, "current_bits": 8}
    graph.neuron("c", current, Neuron("synaptic", 2, 8, **synaptic))  # type: ignore[arg-type]
    graph.neuron("d", current, Neuron("readout", potential_bits=8))
    graph.write(path, labels=[4])
    return path


def test_names_are_sorted_and_there_are_some() -> None:
    for names in (schema.ROOT_ATTRIBUTES, schema.ROOT_MEMBERS, schema.LAYER_ATTRIBUTES, schema.LAYER_MEMBERS):
        assert names and list(names) == sorted(names)
    assert set(schema.OPTIONAL_ROOT_MEMBERS) <= set(schema.ROOT_MEMBERS) & set(schema.NETWORK_MEMBERS)
    assert set(schema.OPTIONAL_LAYER_MEMBERS) <= set(schema.LAYER_MEMBERS)


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        (schema.MAX_DIMENSION, "2^24"),
        (schema.MAX_NEURON_PARAMETERS, "2^24 values"),
        (schema.MAX_WEIGHTS, "2^28"),
        (schema.MAX_SAMPLE_VALUES, "2^30"),
        (schema.MAX_SUM, "2^62"),
        (schema.MAX_CHUNK_BYTES, "128 MiB"),
        (schema.MAX_PROVENANCE_BYTES, "60,000 bytes"),
        (schema.MAX_OPERATORS, "4096; 256"),
    ],
)
def test_limits_are_the_documented_ones(limit: int, words: str) -> None:
    assert words in DOCUMENT
    number, *unit = words.replace(",", "").replace(";", "").split()
    base, _, exponent = number.partition("^")
    assert limit == int(base) ** int(exponent or 1) * (2**20 if unit == ["MiB"] else 1)


def test_the_version_is_the_documented_one() -> None:
    assert DOCUMENT.startswith(f"# The trace file, version {schema.VERSION}\n")
