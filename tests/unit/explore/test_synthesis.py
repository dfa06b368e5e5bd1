"""Synthetic traces: shapes and statistics as asked, from YAML or a topology, and labelled wherever they go."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spikecycle.simulator import MachineError, SimulatorError, UsageError, simulate
from spikecycle.simulator.explore.synthesis import channel_notes, measured, parse_synthesis, read_synthesis, synthesize
from spikecycle.simulator.explore.topology import read_topology, unread_columns
from spikecycle.traces import TraceError, open_trace
from tests.children import run_limited

LAYERS = [
    {"name": "a", "kind": "conv2d", "C": 2, "H": 8, "W": 8, "M": 4, "R": 3, "S": 3, "stride": 2, "padding": 1},
    {"name": "b", "kind": "linear", "C": 64, "M": 5, "density": 0.4, "weight_sparsity": 0.5, "weight_bits": 4},
]
BASE: dict[str, Any] = {"timesteps": 6, "samples": 3, "density": 0.2, "weight_sparsity": 0.75, "layers": LAYERS}
CONVOLUTIONS = """Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,
Conv1, 34, 32, 3, 5, 2, 16, 2,

FC, 1, 1, 1, 1, 512, 10, 1,
"""


def test_a_trace_has_the_shapes_and_shares_that_were_asked_for(tmp_path: Path) -> None:
    asked, layers = parse_synthesis(BASE, "net")
    synthesize(asked, layers, tmp_path / "net.h5")
    with open_trace(tmp_path / "net.h5") as trace:
        first, second = trace.layers
        assert (trace.samples, trace.timesteps) == (3, 6)
        assert (first.shape.P, first.shape.Q, first.shape.M) == (4, 4, 4)
        assert (first.weight_bits, second.weight_bits) == (8, 4)
        assert np.mean(first.weights() == 0) == 0.75
        assert np.mean(second.weights() == 0) == 0.5
        assert trace.provenance["synthetic"] is True
        assert trace.provenance["statistics"]["b"]["density"] == 0.4
    assert measured(tmp_path / "net.h5")["b"]["density"] == pytest.approx(0.4, abs=0.1)


def test_equal_arguments_give_equal_bytes(tmp_path: Path) -> None:
    for name, seed in (("one", 1), ("two", 1), ("other", 2)):
        synthesize(*parse_synthesis({**BASE, "seed": seed}, "net"), tmp_path / f"{name}.h5")
    one, two, other = ((tmp_path / f"{name}.h5").read_bytes() for name in ("one", "two", "other"))
    assert one == two != other


def test_every_result_says_that_its_trace_is_synthetic(tmp_path: Path) -> None:
    file, trace = tmp_path / "net.yaml", tmp_path / "net.h5"
    file.write_text(json.dumps(BASE))
    drawn = run_limited("synthesize", file, trace, memory_bytes=2**33)
    assert drawn.status == 0, drawn.err
    assert "ynthetic" in drawn.out
    assert "A synthetic trace" in run_limited("simulate", trace, "--hw", "mint", memory_bytes=2**33).out
    assert simulate(trace, "mint").provenance["synthetic"] is True


def test_a_trace_that_is_there_is_replaced_only_where_that_is_asked_for(tmp_path: Path) -> None:
    file, trace = tmp_path / "net.yaml", tmp_path / "net.h5"
    file.write_text(json.dumps(BASE))
    trace.write_text("mine")
    refused = run_limited("synthesize", file, trace, "--json", tmp_path / "net.json", memory_bytes=2**33)
    assert (refused.status, refused.out) == (2, "")
    assert refused.err == f"spikecycle: {trace}: is there already; name another, or replace it with --force\n"
    assert trace.read_text() == "mine"
    assert not (tmp_path / "net.json").exists()
    replaced = run_limited("synthesize", file, trace, "--force", memory_bytes=2**33)
    assert replaced.status == 0, replaced.err
    with open_trace(trace) as found:
        assert found.samples == 3


def test_a_topology_is_read_as_scale_sim_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "net.csv"
    path.write_text(CONVOLUTIONS)
    first, second = read_topology(path)
    shape = first.shape()
    assert (shape.C, shape.H, shape.W, shape.R, shape.S, shape.M, shape.stride) == (2, 34, 32, 3, 5, 16, (2, 2))
    assert (shape.P, shape.Q) == ((34 - 3) // 2 + 1, (32 - 5) // 2 + 1)
    assert (second.kind, second.C, second.M) == ("linear", 512, 10)
    path.write_text("\n".join(CONVOLUTIONS.splitlines()[1:]))  # without a header
    assert [layer.name for layer in read_topology(path)] == ["Conv1", "FC"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_topology_may_come_from_any_system(tmp_path: Path, end: str, mark: bytes) -> None:
    """Line feeds as on Unix, both as on Windows, carriage returns as on old Macs; Excel puts a mark first."""
    path = tmp_path / "net.csv"
    path.write_bytes(mark + CONVOLUTIONS.replace("\n", end).encode())
    assert [layer.name for layer in read_topology(path)] == ["Conv1", "FC"]
    path.write_bytes(mark + "\n".join(CONVOLUTIONS.splitlines()[1:]).replace("\n", end).encode())
    assert [layer.name for layer in read_topology(path)] == ["Conv1", "FC"]


@pytest.mark.parametrize(("encoding", "line"), [("utf-16", 1), ("utf-32", 1), ("latin-1", 2)])
def test_a_topology_in_another_encoding_is_told_by_line(tmp_path: Path, encoding: str, line: int) -> None:
    path = tmp_path / "net.csv"
    path.write_bytes(CONVOLUTIONS.replace("Conv1", "Café").encode(encoding))
    with pytest.raises(UsageError, match=rf"net\.csv, line {line}: cannot be read: it is not UTF-8 text"):
        read_topology(path)


def test_a_topology_may_have_matrix_products_and_columns_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "net.csv"
    path.write_text(
        "Layer, M, N, K, Density, Sparsity, Weight Bits\nproj, 49, 96, 48, 0.25, 2:4, 4\nhead, 1, 10, 96, , 0.9,\n"
    )
    first, second = read_topology(path)
    shape = first.shape()
    assert (shape.operator, shape.C, shape.W, shape.M, shape.Q) == ("conv1d", 48, 49, 96, 49)
    assert (first.density, first.weight_sparsity, first.weight_bits) == (0.25, 0.5, 4)
    assert (second.density, second.weight_sparsity, second.weight_bits) == (None, 0.9, None)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "has no layers"),
        ("Layer name, IFMAP Height\n", "has no layers"),
        ("a, 3, 3, 1, 1, 2", "line 1: 8 columns are needed, found 6"),
        ("a, 3, 3, 1, 1, 2, x, 1", "line 1: a whole number is needed, found 'x'"),
        ("a, 3, 3, 1, 1, 2, 0, 1", "line 1: M: "),
        (", 3, 3, 1, 1, 2, 2, 1", "line 1: name: "),
        ('"a\nb",1,1,1,1,4,4,1', "line 1: name: 1 to 120 printable characters are needed, found 'a\\nb'"),
        ('"' + "a" * 200_000, "line 1: is no CSV: field larger than field limit"),
    ],
)
def test_what_is_no_topology_is_told_by_line(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "net.csv"
    path.write_text(text)
    with pytest.raises(UsageError) as refusal:
        read_topology(path)
    assert str(refusal.value).startswith(str(path))
    assert words in str(refusal.value)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"layers": None}, "give one of layers, topology and operators, found none"),
        ({"layers": []}, "layers: at least one"),
        ({"density": 2}, "density"),
        ({"dense": 1}, "dense: unknown key"),
        ({"layers": [{**LAYERS[0], "kind": "conv3d"}]}, "layers.0.kind"),
    ],
)
def test_what_cannot_be_asked_for(keys: dict[str, Any], words: str) -> None:
    with pytest.raises(MachineError) as refusal:
        parse_synthesis({**BASE, **keys}, "net.yaml")
    assert str(refusal.value).startswith("net.yaml: ")
    assert words in str(refusal.value)


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        ({"R": 11}, "layer 'a': a 11x3 kernel does not fit"),
        ({"channel_variation": 9.0}, "layer 'a': channel_variation"),
    ],
)
def test_a_layer_that_cannot_be_is_named_and_nothing_is_written(
    tmp_path: Path, layer: dict[str, Any], words: str
) -> None:
    with pytest.raises((TraceError, SimulatorError), match=rf"^net\.yaml: .*{words}"):
        asked, layers = parse_synthesis({**BASE, "layers": [{**LAYERS[0], **layer}]}, "net.yaml")
        synthesize(asked, layers, tmp_path / "net.h5", "net.yaml")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        (
            "layers: [{name: a, kind: linear, C: 60000, M: 600000}]",
            "layer 'a' needs most, .* for weights, M x",
        ),
        (
            "layers: [{name: a, kind: linear, C: 16777216, M: 1}]\ntimesteps: 100000",
            "layer 'a' .* inputs, T x",
        ),
        (
            "inputs: {x: {C: 65536, H: 9999, W: 9}}\noperators: [{name: a, kind: linear, inputs: [x], M: 1}]",
            "input 'x'",
        ),
    ],
)
def test_sizes_that_no_memory_holds_are_refused_before_anything_is_drawn(tmp_path: Path, keys: str, words: str) -> None:
    """Each size is one that is allowed, in a file of a hundred bytes."""
    file = tmp_path / "net.yaml"
    file.write_text(f"density: 0.1\n{keys}\n" + ("" if "timesteps" in keys else "timesteps: 2\n"))
    ended = run_limited("synthesize", file, tmp_path / "net.h5", "--max-memory", "2G")
    assert ended.status == 2 and re.search(rf"needs about [\d.]+ GiB .* may use 2.0 GiB .*{words}", ended.err), (
        ended.err
    )
    assert [path.name for path in tmp_path.iterdir()] == ["net.yaml"]


def test_the_command_blames_who_said_it(tmp_path: Path) -> None:
    """The input file with its key or line, or the option: never the trace that is not written."""
    file, graph, table = tmp_path / "net.yaml", tmp_path / "graph.yaml", tmp_path / "net.csv"
    file.write_text("{timesteps: 2, density: 0.9, layers: [{name: a, kind: linear, C: 20, M: 4}]}")
    table.write_text("a, 2, 2, 3, 3, 1, 4, 1\n")
    graph.write_text(GRAPH.replace("R: 3, S: 3", "R: 99, S: 3", 1))
    twice = tmp_path / "twice.csv"
    twice.write_text("a, 3, 3, 3, 3, 1, 4, 1\na, 3, 3, 3, 3, 1, 4, 1\n")
    drawn = ["--timesteps", "2", "--density", "0.1"]
    for arguments, told in (
        ([file], f"{file}: layer 'a': channel_variation must be below 0.333 for a density of 0.9"),
        ([file, "--density", "3"], "--density: input should be less than or equal to 1, found 3.0"),
        ([file, "--sparsity", "-1"], "--sparsity: input should be greater than or equal to 0"),
        ([file, "--time-correlation", "0.99"], "--time-correlation: input should be less than or equal to 0.95"),
        ([graph], f"{graph}: operator 'conv1': a 99x3 kernel does not fit"),
        ([table, *drawn], f"{table}, line 1: a 3x3 kernel does not fit"),
        ([twice, *drawn], f"{twice}: 'a' is the name of two layers"),
        ([table, "--timesteps", "2"], "--density: missing"),
        ([tmp_path / "none.csv"], f"{tmp_path / 'none.csv'}: cannot be read: No such file"),
    ):
        if told.startswith("--density: missing"):
            table.write_text("a, 3, 3, 3, 3, 1, 4, 1\n")
        ended = run_limited("synthesize", *arguments, tmp_path / "out.h5", memory_bytes=2**33)
        assert (ended.status, len(ended.err.splitlines())) == (2, 1), ended
        assert ended.err.startswith(f"spikecycle: {told}")
        assert "out.h5" not in ended.err
        assert not (tmp_path / "out.h5").exists()


@pytest.mark.parametrize("bits", [0, 1, 33])
def test_weights_of_no_bits_are_refused(bits: int) -> None:
    with pytest.raises(MachineError, match=r"layers\.0\.weight_bits: input should be"):
        parse_synthesis({**BASE, "layers": [{**LAYERS[0], "weight_bits": bits}]}, "net")


def test_channels_that_the_layer_before_does_not_make_are_told(tmp_path: Path) -> None:
    """8 filters, then 99 channels; 4 filters of 6x6, then 144 and 72 values (pooled by 2) flat, then 50, which is no
    multiple of 10."""
    path = tmp_path / "net.csv"
    path.write_text(
        "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides, Colour,\n"
        "c1, 10, 10, 3, 3, 2, 8, 1, red,\nc2, 8, 8, 3, 3, 99, 4, 1, red,\nf1, 1, 1, 1, 1, 144, 10, 1, red,\n"
        "f2, 1, 1, 1, 1, 55, 3, 1, red,\n"
    )
    layers = read_topology(path)
    assert channel_notes(layers) == [
        "c2 takes 99 channels, as its line says, though c1 makes 8.",
        "f2 takes 55 channels, as its line says, though f1 makes 10.",
    ]
    assert unread_columns(path) == ["Colour"]
    ended = run_limited(
        "synthesize", path, tmp_path / "t.h5", "--timesteps", "2", "--density", "0.1", memory_bytes=2**33
    )  # fmt: skip
    assert "c2 takes 99 channels, as its line says, though c1 makes 8." in ended.out
    assert "Columns that are not read: Colour." in ended.out
    with open_trace(tmp_path / "t.h5") as trace:
        assert trace.layers[1].shape.C == 99


def test_sizes_are_found_by_their_headers(tmp_path: Path) -> None:
    """In another order than SCALE-Sim's, with a column of ours between them."""
    path = tmp_path / "net.csv"
    path.write_text(
        "Layer name, Num Filter, Density, Channels, Strides, IFMAP Height, IFMAP Width, Filter Height, Filter Width\n"
        "c1, 8, 0.25, 2, 1, 10, 12, 3, 5\n"
    )
    (layer,) = read_topology(path)
    shape = layer.shape()
    assert (shape.M, shape.C, shape.H, shape.W, shape.R, shape.S) == (8, 2, 10, 12, 3, 5)
    assert layer.density == 0.25
    assert unread_columns(path) == []


def test_a_topology_lies_beside_the_file_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "net.csv").write_text(CONVOLUTIONS)
    (tmp_path / "net.yaml").write_text("{timesteps: 2, density: 0.1, topology: net.csv}")
    assert [layer.name for layer in read_synthesis(tmp_path / "net.yaml")[1]] == ["Conv1", "FC"]


GRAPH = """
timesteps: 6
samples: 2
density: 0.15
weight_sparsity: 0.5
inputs:
  x: {C: 2, H: 8, W: 8, density: 0.3}
  y: {C: 4, bits: 3}
operators:
  - {name: conv1, kind: conv2d, inputs: [x], M: 4, R: 3, S: 3, padding: 1}
  - {name: n1, kind: neuron, inputs: [conv1]}
  - {name: conv2, kind: conv2d, inputs: [n1], M: 4, R: 3, S: 3, padding: 1, weight_sparsity: 0.75}
  - {name: n2, kind: neuron, inputs: [conv2, n1], density: 0.05}
  - {name: half, kind: pool, inputs: [n2], mode: max, window: 2}
  - {name: sum, kind: add, inputs: [half, half]}
  - {name: both, kind: concatenate, inputs: [sum, half]}
  - {name: fc, kind: linear, inputs: [both], M: 20, weight_bits: 4}
  - {name: side, kind: linear, inputs: [y], M: 20}
  - {name: back, kind: linear, inputs: ["n3@1"], M: 20}
  - {name: n3, kind: neuron, inputs: [fc, side, back], shape: [20, 1, 1]}
"""


def graph(tmp_path: Path, text: str = GRAPH) -> Path:
    """The network of a text, synthesized."""
    (tmp_path / "graph.yaml").write_text(text)
    synthesize(*read_synthesis(tmp_path / "graph.yaml"), tmp_path / "graph.h5")
    return tmp_path / "graph.h5"


def test_a_network_with_branches_pooling_and_recurrence(tmp_path: Path) -> None:
    path = graph(tmp_path)
    with open_trace(path) as trace:
        operators = {operator.name: operator for operator in trace.operators}
        assert [operator.kind for operator in trace.operators] == [
            "conv2d", "neuron", "conv2d", "neuron", "pool", "add", "concatenate", "linear", "linear", "linear",
            "neuron",
        ]  # fmt: skip
        assert [source.tensor for source in operators["n2"].inputs] == ["conv2", "n1"]
        assert [source.delay for source in operators["back"].inputs] == [1]
        assert trace.tensors["both"].spec.shape == (8, 4, 4)
        assert trace.tensors["fc"].spec.shape == (20, 1, 1)
        assert np.mean(operators["conv2"].weights() == 0) == 0.75  # type: ignore[attr-defined]
        assert operators["fc"].weight_bits == 4  # type: ignore[attr-defined]
        assert trace.tensors["y"].values(0).max() > 1  # type: ignore[union-attr]
        assert trace.provenance["synthetic"] is True
        assert trace.provenance["statistics"]["n2"] == {"density": 0.05}
        # thresholds are whole numbers, and are sought in the first sample
        assert trace.tensors["n1"].values(0).mean() == pytest.approx(0.15, abs=0.01)  # type: ignore[union-attr]
        assert trace.tensors["n2"].values(0).mean() == pytest.approx(0.05, abs=0.01)  # type: ignore[union-attr]
    assert set(measured(path)) == {"x", "y", "n1", "n2", "n3"}
    result = simulate(path, "mint", verify=True)
    assert result.verification is not None
    assert sum(each.mismatches for each in result.verification) == 0


def test_a_network_is_drawn_again_alike(tmp_path: Path) -> None:
    first = graph(tmp_path).read_bytes()
    assert graph(tmp_path).read_bytes() == first
    assert graph(tmp_path, GRAPH.replace("samples: 2", "samples: 2\nseed: 5")).read_bytes() != first


@pytest.mark.parametrize(
    ("there", "instead", "problem"),
    [
        ("inputs: [conv2, n1]", "inputs: [conv2, n9]", "operator 'n2': there is no tensor n9 ahead of it"),
        (", shape: [20, 1, 1]}", "}", "operator 'back': n3@1: is made by no operator ahead of it"),
        ("shape: [20, 1, 1]", "shape: [21, 1, 1]", "tensor n3"),
        ("inputs: [conv2, n1]", "inputs: [conv2, half]", "operator 'n2': there is no tensor half ahead of it"),
        ("inputs: [sum, half]", "inputs: [sum, n2]", "operator 'both': operator both: "),
        ("kind: pool", "kind: pol", "operators.4: "),
        ("name: n1,", "name: n1@1,", "a name has no @ in it"),
        ("y: {C: 4, bits: 3}", "y: {C: 4, density: 2}", "inputs.y.density: "),
        ("density: 0.15", "density: 0.15\nlayers: []", "give one of layers, topology and operators"),
        ("name: n2", "name: n1", "the name is taken"),
    ],
)
def test_a_network_that_cannot_be_is_one_line_and_no_file(
    tmp_path: Path, there: str, instead: str, problem: str
) -> None:
    assert there in GRAPH
    (tmp_path / "graph.yaml").write_text(GRAPH.replace(there, instead, 1))
    ended = run_limited("synthesize", tmp_path / "graph.yaml", tmp_path / "graph.h5", memory_bytes=2**33)
    assert (ended.status, ended.out) == (2, "")
    (line,) = ended.err.splitlines()
    assert problem in line
    assert not (tmp_path / "graph.h5").exists()


def test_a_network_to_draw_is_checked_without_drawing_it(tmp_path: Path) -> None:
    (tmp_path / "graph.yaml").write_text(GRAPH)
    ended = run_limited("check", tmp_path / "graph.yaml", memory_bytes=2**33)
    assert ended.status == 0, ended.err
    assert "valid network to draw" in ended.out
    assert "11 operators" in ended.out
    (tmp_path / "graph.yaml").write_text(GRAPH.replace("kind: pool", "kind: pol"))
    assert "operators.4" in run_limited("check", tmp_path / "graph.yaml", memory_bytes=2**33).err


def test_a_topology_is_checked(tmp_path: Path) -> None:
    (tmp_path / "net.csv").write_text(CONVOLUTIONS)
    ended = run_limited("check", tmp_path / "net.csv", memory_bytes=2**33)
    assert "2: Conv1, FC" in ended.out
    (tmp_path / "net.csv").write_text("Layer, IFMAP Height\nConv1, 3\n")
    ended = run_limited("check", tmp_path / "net.csv", memory_bytes=2**33)
    assert (ended.status, ended.err.count("\n")) == (2, 1)
    assert "line 2: 8 columns are needed" in ended.err
