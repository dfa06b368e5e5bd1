"""What leads nowhere in a NIR graph is refused by name, or told in one line and in the trace; never dropped unsaid."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nir
import numpy as np
import pytest

from spikecycle.models import ImportedNetwork, ModelsError, import_network
from spikecycle.models.data.frames import FrameSet
from spikecycle.models.importing.trace_network import TraceNetwork
from spikecycle.traces import open_trace
from tests.unit.models.importing.graphs import chain, conv, emitted, integrate, populations, written

pytestmark = pytest.mark.train
FIRING = np.ones((2, 5, 2))
SINGLE = np.array([[1.0, 0.0], [0.0, 1.0]])


def branched(*edges: str, **nodes: Any) -> nir.NIRGraph:
    """input - a - n - b - m - output, and whatever else; an input of ones makes all neurons fire in every timestep."""
    parts = {
        "input": nir.Input(np.array([2])), "a": nir.Linear(SINGLE), "n": integrate(2, 0.5), "b": nir.Linear(SINGLE),
        "m": integrate(2, 0.5), "output": nir.Output(None), **nodes,
    }  # fmt: skip
    joined = ("input-a", "a-n", "n-b", "b-m", "m-output", *edges)
    return nir.NIRGraph(parts, [(one, other) for one, other in (edge.split("-") for edge in joined)], type_check=False)


def recorded(graph: nir.NIRGraph, path: Path) -> tuple[ImportedNetwork, list[str], list[str]]:
    """The network; the trace's operators; what it was told of the graph."""
    network = import_network(graph)
    network.calibrate(FIRING)
    network.quantize(8)
    network.record(path, FIRING)
    with open_trace(path) as trace:
        said = [one for one in trace.provenance["remarks"] if "saturated" not in one]
        return network, [each.name for each in trace.operators], said


def test_weights_that_lead_to_no_neurons_are_left_out_and_said(tmp_path: Path) -> None:
    pool = nir.SumPool2d(np.array([2, 2]), np.array([2, 2]), np.array([0, 0]))
    graph = branched("n-c", "c-s", c=nir.Linear(SINGLE), s=nir.Scale(np.full(2, 2.0)))
    _, operators, told = recorded(graph, tmp_path / "a.h5")
    assert operators == ["a", "n", "b", "m"]
    assert told == ["c (Linear), s (Scale) lead to no neurons and no Output: left out of the trace, and of every cost"]
    maps = chain((1, 4, 4), c=conv(np.ones((1, 1, 1, 1))), n=integrate((1, 4, 4), 1.0))
    maps.nodes["p"] = pool
    maps.edges.append(("n", "p"))
    network = import_network(maps)
    assert [each.name for each in network.source.graph.operators] == ["c", "n"]
    assert network.source.remarks[0].startswith("p (SumPool2d) leads to no neurons and no Output")


def test_neurons_that_lead_to_no_output_are_recorded_and_said(tmp_path: Path) -> None:
    graph = branched("n-c", "c-k", c=nir.Linear(SINGLE), k=integrate(2, 0.5))
    _, operators, told = recorded(graph, tmp_path / "a.h5")
    assert set(operators) == {"a", "n", "b", "m", "c", "k"}
    assert told == ["k (IF) leads to no Output: recorded all the same, and part of every cost"]


def test_a_loop_that_does_not_reach_the_output_is_recorded_and_said(tmp_path: Path) -> None:
    parts = {"c": nir.Linear(SINGLE), "k": integrate(2, 0.5), "d": nir.Linear(SINGLE), "l": integrate(2, 0.5)}
    _, operators, told = recorded(branched("n-c", "c-k", "k-d", "d-l", "l-c", **parts), tmp_path / "a.h5")
    assert {"c", "k", "d", "l"} <= set(operators)
    assert "what goes along l -> c arrives a timestep later" in told[0]
    assert told[1:] == ["k (IF), l (IF) lead to no Output: recorded all the same, and part of every cost"]


def test_many_nodes_are_not_all_named() -> None:
    parts = {f"x{index}": nir.Linear(SINGLE) for index in range(20)}
    remarks = import_network(branched(*(f"n-{name}" for name in parts), **parts)).source.remarks
    assert remarks[0].startswith("x0 (Linear), ") and "x7 (Linear) and 12 more lead to no neurons" in remarks[0]


def test_the_same_within_inner_graphs(tmp_path: Path) -> None:
    inner = branched("n-c", "n-k", c=nir.Linear(SINGLE), k=integrate(2, 0.5))
    graph = chain((2,), sub=inner, last=nir.Linear(SINGLE), out=integrate(2, 0.5))
    _, operators, told = recorded(graph, tmp_path / "a.h5")
    assert "sub.k" in operators and "sub.c" not in operators
    assert [each.split(" lead")[0] for each in told] == ["sub.k (IF)", "sub.c (Linear)"]
    unfed = branched(c=nir.Linear(SINGLE))
    unfed.edges.append(("c", "n"))
    with pytest.raises(ModelsError, match=r"^NIR graph: node sub\.c \(Linear\): not on the way from input$"):
        import_network(chain((2,), sub=unfed, last=nir.Linear(SINGLE), out=integrate(2, 0.5)))
    apart = nir.NIRGraph(
        {
            "input": nir.Input(np.array([2])),
            "a": nir.Linear(SINGLE),
            "n": integrate(2, 0.5),
            "output": nir.Output(None),
        },
        [("input", "a"), ("a", "n")],
        type_check=False,
    )
    with pytest.raises(ModelsError, match=r"node sub\.output \(Output\): not on the way from input"):
        import_network(chain((2,), sub=apart, last=nir.Linear(SINGLE), out=integrate(2, 0.5)))


def test_a_name_that_two_nodes_have_is_refused() -> None:
    graph = chain((2,), sub=branched(), last=nir.Linear(SINGLE), out=integrate(2, 0.5))
    graph.nodes["sub.n"] = integrate(2, 0.5)
    with pytest.raises(ModelsError, match=r"two nodes of the name sub\.n, of which one is in an inner graph"):
        import_network(graph)


def test_of_several_outputs_one_answers_and_all_are_recorded(tmp_path: Path) -> None:
    graph = branched("n-first", "a-other", first=nir.Output(None), other=nir.Output(None))
    network, operators, told = recorded(graph, tmp_path / "a.h5")
    assert network.source.graph.outputs == ("m", "n", "a, read out")
    assert "a, read out" in operators
    said = "3 outputs: classes are those of m (of output); recorded as well: n of first, a, read out of other"
    assert told == [said]
    from_file = import_network(written(tmp_path / "net.nir", branched("n-first", first=nir.Output(None))))
    assert from_file.source.graph.outputs == ("m", "n")  # though the file has `first` before `output`


def test_a_trace_of_several_ends_is_evaluated_by_the_one_that_answers(tmp_path: Path) -> None:
    """m answers class 0 and k, which leads nowhere, class 1; in the second graph n answers, and m is the one end."""
    only = (np.array([[1.0, 0.0], [0.0, 0.0]]), np.array([[0.0, 0.0], [0.0, 1.0]]))
    dead = {"c": nir.Linear(only[1]), "k": integrate(2, 0.5)}
    first = branched("n-c", "c-k", b=nir.Linear(only[0]), **dead)
    second = branched(a=nir.Linear(only[0]), b=nir.Linear(only[0].T[::-1]))
    second.edges[4] = ("n", "output")
    samples = FrameSet(np.ones((2, 5, 2, 1, 1), np.uint8), np.zeros(2, np.int64))
    for index, (graph, answering) in enumerate(((first, "m"), (second, "n"))):
        path = tmp_path / f"{index}.h5"
        recorded(graph, path)
        with open_trace(path) as trace:
            network = TraceNetwork.of(trace)
            assert network.output.name == answering and network.predictions(samples) == [0, 0]


def test_an_output_that_several_nodes_reach_gives_their_sum(tmp_path: Path) -> None:
    """n fires twice as often as m at class 1; read out, what both emit adds up."""
    graph = branched("n-output")
    graph.nodes["b"] = nir.Linear(np.diag([1.0, 0.25]))
    network, _, told = recorded(graph, tmp_path / "a.h5")
    assert network.source.graph.outputs == ("output, read out",) and told == []
    spikes = network.source.original.outputs(FIRING[..., None, None])
    with open_trace(tmp_path / "a.h5") as trace:
        last = populations(trace)[-1]
        made = emitted(trace, last.name) * network._quantized.scales[last.name][0]  # type: ignore[union-attr]
    total = spikes[0] + spikes[1]
    assert total.max() == 2 and len(np.unique(total)) == 2
    assert np.allclose(made.reshape(total.shape), total, atol=1e-6)
    linear = branched("a-output", "b-output")
    linear.edges = [edge for edge in linear.edges if edge != ("m", "output")]
    assert import_network(linear).source.graph.outputs == ("output, read out",)
    apart = branched("w-output", "n-w", w=nir.Linear(np.ones((3, 2))))
    with pytest.raises(ModelsError, match=r"node output \(Output\): adds maps of different shapes: m of \(2, 1, 1\)"):
        import_network(apart)


def answered(graph: nir.NIRGraph, frames: np.ndarray) -> np.ndarray:
    """What the population that answers gives, (N, T, ...)."""
    source = import_network(graph).source
    names = [each.name for each in source.graph.populations]
    return source.original.outputs(frames)[names.index(source.graph.outputs[0])]


def test_an_output_that_is_pooled_scaled_or_late_is_read_out(tmp_path: Path) -> None:
    pool = nir.AvgPool2d(np.array([2, 2]), np.array([2, 2]), np.array([0, 0]))
    frames = np.random.default_rng(3).integers(0, 2, (3, 4, 1, 4, 4)).astype(float)
    graph = chain((1, 4, 4), a=conv(np.ones((1, 1, 1, 1))), n=integrate((1, 4, 4), 0.5), p=pool)
    expected = frames.reshape(3, 4, 2, 2, 2, 2).mean(axis=(3, 5))
    found = answered(graph, frames)
    assert np.allclose(found.reshape(expected.shape), expected)
    late = chain((1, 4, 4), a=conv(np.ones((1, 1, 1, 1))), n=integrate((1, 4, 4), 0.5), d=nir.Delay(np.full(1, 1e-4)))
    found = answered(late, frames)
    assert not found[:, 0].any() and np.array_equal(found[:, 1:].reshape(3, 3, 4, 4), frames[:, :-1, 0])


def test_what_is_read_by_nobody_or_fed_by_nobody_and_edges_that_stand_twice() -> None:
    graph = branched("n-b", second=nir.Input(np.array([9])), late=nir.Output(None))
    assert list(import_network(graph).source.remarks) == [
        "second (Input) is read by no node: it is left out",
        "nothing goes to late (Output): it is left out",
        "the edge n -> b stands 2 times, and counts once, as NIR has it",
    ]


def test_a_graph_without_outputs_answers_by_its_ends() -> None:
    graph = branched("n-c", c=nir.Linear(SINGLE))
    del graph.nodes["output"]
    graph.edges = [edge for edge in graph.edges if edge != ("m", "output")]
    source = import_network(graph).source
    assert source.graph.outputs == ("m", "c, read out")
    assert source.remarks[0].startswith("2 outputs: classes are those of m (of m); recorded as well: c, read out of c")
