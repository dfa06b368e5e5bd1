"""Loops of NIR graphs: through inner graphs, through several populations, and through Delay nodes."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import nir
import numpy as np
import pytest

from spikecycle import simulator
from spikecycle.models.errors import ModelsError
from spikecycle.models.importing.network import ImportedNetwork, import_network
from tests.unit.models.importing.graphs import DT, leaky

Edges = list[tuple[str, str]]
RANDOM = np.random.default_rng(13)
INPUTS = (RANDOM.random((4, 15, 12)) < 0.3).astype(np.float32)


def weights(outputs: int, inputs: int) -> nir.Linear:
    return nir.Linear(RANDOM.normal(0, 2 / np.sqrt(inputs), (outputs, inputs)))


def graph(nodes: Mapping[str, Any], edges: Edges, inputs: int = 12, outputs: int = 8) -> nir.NIRGraph:
    ends = {"input": nir.Input(np.array([inputs])), "output": nir.Output(np.array([outputs]))}
    return nir.NIRGraph({**ends, **nodes}, edges, type_check=False)


def inner(nodes: Mapping[str, Any], edges: Edges) -> nir.NIRGraph:
    return graph(nodes, edges, 8, 8)


def block() -> nir.NIRGraph:
    return inner({"lif": leaky(8, 0.75, v_threshold=0.5)}, [("input", "lif"), ("lif", "output")])


def own_spikes(network: ImportedNetwork) -> dict[str, np.ndarray]:
    found = network.source.original.outputs(INPUTS.reshape(4, 15, 12, 1, 1))
    names = [each.name for each in network.source.graph.populations]
    return {name: each.reshape(4, 15, -1) for name, each in zip(names, found, strict=True)}


def stepped(nodes: Mapping[str, Any], edges: Edges, late: Mapping[tuple[str, str], int]) -> dict[str, np.ndarray]:
    """The spikes of a graph of Linear, LIF and Delay nodes, flat, in plain steps; `late` are the timesteps that edges
    take. Nodes must stand in an order in which they can be stepped."""
    kept: dict[str, list[np.ndarray]] = {name: [] for name in ("input", *nodes)}
    v = {name: np.zeros((4, 8)) for name in nodes}
    for t in range(INPUTS.shape[1]):
        kept["input"].append(INPUTS[:, t].astype(float))
        for name, node in nodes.items():
            arriving = []
            for one, other in edges:
                when = t - late.get((one, other), 0)
                if other == name and when >= 0:
                    arriving.append(kept[one][when])
            got = sum(arriving, start=np.zeros(()))
            if isinstance(node, nir.Linear):
                kept[name].append(got @ node.weight.T if np.ndim(got) else np.zeros((4, len(node.weight))))
            elif isinstance(node, nir.LIF):
                v[name] = 0.75 * v[name] + got
                kept[name].append((v[name] > 0.5).astype(float))
                v[name] = v[name] * (1 - kept[name][-1])
            else:  # its delay is that of `late`
                kept[name].append(got if np.ndim(got) else np.zeros((4, 8)))
    return {name: np.stack(kept[name], axis=1) for name, node in nodes.items() if isinstance(node, nir.LIF)}


def same(found: Mapping[str, np.ndarray], expected: Mapping[str, np.ndarray]) -> None:
    assert set(found) == set(expected)
    for name, spikes in expected.items():
        assert 0.02 < spikes.mean() < 0.98
        assert np.array_equal(found[name], spikes), name


def recorded(network: ImportedNetwork, path: Path) -> None:
    """It goes all the way to a machine."""
    network.calibrate(INPUTS)
    network.quantize(12)
    network.record(path, INPUTS)
    result = simulator.simulate(path, "spike_array", verify=True)
    assert result.verification is not None and not sum(layer.mismatches for layer in result.verification)


A, BACK, OWN, LAST = weights(8, 12), weights(8, 8), weights(8, 8), weights(8, 8)
LIF = leaky(8, 0.75, v_threshold=0.5)
DEEP = inner({"within": block()}, [("input", "within"), ("within", "output")])
LOOPED = inner(
    {"lif": LIF, "own": OWN}, [("input", "lif"), ("lif", "own"), ("own", "lif"), ("lif", "output")]
)  # fmt: skip
IN: Edges = [("input", "a"), ("a", "block")]


@pytest.mark.parametrize("nested", [block(), DEEP], ids=["inner", "two deep"])
@pytest.mark.parametrize("turned", [False, True])
def test_a_loop_through_an_inner_graph(nested: nir.NIRGraph, turned: bool, tmp_path: Path) -> None:
    edges = [*IN, ("block", "back"), ("back", "block"), ("block", "output")]
    network = import_network(graph({"a": A, "block": nested, "back": BACK}, edges[::-1] if turned else edges))
    flat: Edges = [("input", "a"), ("a", "n"), ("n", "back"), ("back", "n")]
    expected = stepped({"a": A, "back": BACK, "n": LIF}, flat, {("n", "back"): 1})
    name = "block.lif" if nested is not DEEP else "block.within.lif"
    same(own_spikes(network), {name: expected["n"]})
    if not turned:
        recorded(network, tmp_path / "loop.h5")


def test_an_inner_graph_that_goes_back_to_itself_and_has_a_loop_within() -> None:
    edges = [*IN, ("block", "block"), ("block", "output")]
    network = import_network(graph({"a": A, "block": LOOPED}, edges))
    flat: Edges = [("input", "a"), ("a", "n"), ("n", "own"), ("own", "n"), ("n", "n")]
    expected = stepped({"a": A, "own": OWN, "n": LIF}, flat, {("n", "own"): 1, ("n", "n"): 1})
    same(own_spikes(network), {"block.lif": expected["n"]})


@pytest.mark.parametrize("seed", range(4))
def test_two_inner_graphs_that_excite_each_other_in_any_order(seed: int, tmp_path: Path) -> None:
    """b is farther from the Input than a: the way back from b takes the timestep."""
    nodes = {"a": A, "first": block(), "p": BACK, "second": DEEP, "q": OWN, "o": LAST, "last": LIF}
    edges = [("input", "a"), ("a", "first"), ("first", "p"), ("p", "second"), ("second", "q"), ("q", "first"),
             ("second", "o"), ("o", "last"), ("last", "output")]  # fmt: skip
    order = np.random.default_rng(seed)
    mixed = {list(nodes)[place]: nodes[list(nodes)[place]] for place in order.permutation(len(nodes))}
    network = import_network(graph(mixed, [edges[place] for place in order.permutation(len(edges))]))
    flat = {"a": A, "q": OWN, "first": LIF, "p": BACK, "second": LIF, "o": LAST, "last": LIF}
    expected = stepped(flat, edges, {("second", "q"): 1})
    found = own_spikes(network)
    same(found, {"first.lif": expected["first"], "second.within.lif": expected["second"], "last": expected["last"]})
    assert [each for each in network.source.remarks if "loop" in each] == [
        "the loop through first.lif, second.within.lif: what goes along second.output -> q arrives a timestep "
        "later, as it leads back towards the Input; all else arrives in the same timestep"
    ]
    if not seed:
        recorded(network, tmp_path / "two.h5")


@pytest.mark.parametrize("seed", range(6))
def test_no_order_of_edges_or_nodes_chooses_what_waits(seed: int) -> None:
    """Both are as far from the Input; n comes first by its name."""
    nodes = {"a": A, "a2": weights(8, 12), "n": LIF, "n2": LIF, "p": BACK, "q": OWN, "b": LAST, "o": LIF}
    edges = [("input", "a"), ("input", "a2"), ("a", "n"), ("a2", "n2"), ("n", "p"), ("p", "n2"), ("n2", "q"),
             ("q", "n"), ("n2", "b"), ("b", "o"), ("o", "output")]  # fmt: skip
    order = np.random.default_rng(seed)
    mixed = {list(nodes)[place]: nodes[list(nodes)[place]] for place in order.permutation(len(nodes))}
    network = import_network(graph(mixed, [edges[place] for place in order.permutation(len(edges))]))
    by_step = {name: nodes[name] for name in ("a", "a2", "q", "n", "p", "n2", "b", "o")}
    same(own_spikes(network), stepped(by_step, edges, {("n2", "q"): 1}))
    assert any("what goes along n2 -> q arrives a timestep later" in each for each in network.source.remarks)


def test_a_shorter_way_into_a_loop_does_not_delay_the_longer_one() -> None:
    """n -> m -> k and n -> k: all within the timestep; only the way back from k to n waits."""
    nodes = {"a": A, "back": BACK, "n": LIF, "c": OWN, "m": LIF, "d": LAST, "s": weights(8, 8), "k": LIF}
    edges = [("input", "a"), ("a", "n"), ("n", "s"), ("s", "k"), ("n", "c"), ("c", "m"), ("m", "d"), ("d", "k"),
             ("k", "back"), ("back", "n"), ("k", "output")]  # fmt: skip
    same(own_spikes(import_network(graph(nodes, edges))), stepped(nodes, edges, {("k", "back"): 1}))


@pytest.mark.parametrize("order", ["r d", "d r", "d", "r d e", "d e r"])
@pytest.mark.parametrize("steps", [0, 1, 2, 3])
def test_a_loop_with_a_delay_takes_its_timesteps(order: str, steps: int) -> None:
    """Wherever it is, and if there are two, those of both; a Delay of nothing leaves the loop the one that it needs."""
    delay = nir.Delay(np.full(8, steps * DT))
    names = order.split()
    nodes = {"a": A, **{name: BACK if name == "r" else delay for name in names}, "n": LIF}
    way = ["n", *names, "n"]
    loop = [*pairwise(way)]
    network = import_network(graph(nodes, [("input", "a"), ("a", "n"), ("n", "output"), *loop]))
    total = max(1, steps * sum(name != "r" for name in names))
    expected = stepped({"a": A, "r": nir.Linear(np.eye(8)) if "r" not in names else BACK, "n": LIF},
                       [("input", "a"), ("a", "n"), ("n", "r"), ("r", "n")], {("n", "r"): total})  # fmt: skip
    same(own_spikes(network), expected)
    assert any("takes the timesteps of the Delay" in each for each in network.source.remarks) == (steps > 0)


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_a_delay_behind_the_weights_of_a_loop_is_recorded(steps: int, tmp_path: Path) -> None:
    nodes = {"a": A, "n": LIF, "r": BACK, "d": nir.Delay(np.full(8, steps * DT))}
    edges = [("input", "a"), ("a", "n"), ("n", "r"), ("r", "d"), ("d", "n"), ("n", "output")]
    network = import_network(graph(nodes, edges))
    network.calibrate(INPUTS)
    network.quantize(12)
    assert set(network.record(tmp_path / "delay.h5", INPUTS).spike_difference_mapped.values()) == {0.0}


def test_a_delay_in_a_loop_goes_to_a_machine(tmp_path: Path) -> None:
    nodes = {"a": A, "n": LIF, "d": nir.Delay(np.full(8, 2 * DT)), "r": BACK}
    edges = [("input", "a"), ("a", "n"), ("n", "d"), ("d", "r"), ("r", "n"), ("n", "output")]
    recorded(import_network(graph(nodes, edges)), tmp_path / "delay.h5")


def test_what_is_received_ahead_of_its_making_is_all_of_it() -> None:
    """A Scale that the loop and another population read: both get what is scaled."""
    nodes = {"a": A, "n": LIF, "r": BACK, "half": nir.Scale(np.full(8, 0.5)), "m": LIF}
    edges = [("input", "a"), ("a", "n"), ("n", "r"), ("r", "half"), ("half", "n"), ("half", "m"), ("m", "output")]
    network = import_network(graph(nodes, edges))
    halved = nir.Linear(BACK.weight * 0.5)
    # `half` gives m what it gives in the timestep, and n what it gave in the one before
    expected = stepped({"a": A, "n": LIF, "r": halved, "m": LIF}, [("input", "a"), ("a", "n"), ("n", "r"), ("r", "n"),
                       ("r", "m")], {("r", "n"): 1})  # fmt: skip
    same(own_spikes(network), expected)


def test_a_loop_of_ports_alone_is_refused() -> None:
    empty = inner({}, [("input", "output")])
    edges = [
        ("input", "a"),
        ("a", "n"),
        ("n", "output"),
        ("n", "block"),
        ("block", "block"),
        ("block", "r"),
        ("r", "n"),
    ]
    with pytest.raises(ModelsError, match=r"NIR graph: .*(nothing but itself|wait for each other|without neurons)"):
        import_network(graph({"a": A, "n": LIF, "r": BACK, "block": empty}, edges))
