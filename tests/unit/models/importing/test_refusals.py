"""What has no place in a trace is refused by name, all of it at once, with what would be supported."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import nir
import numpy as np
import pytest

from spikecycle.models import ImportedNetwork, ModelsError, import_network
from tests.unit.models.importing.graphs import DT, chain, conv, integrate, leaky, written

pytestmark = pytest.mark.train
EYE = nir.Linear(np.eye(2))


def cuba(tau_syn: float) -> nir.CubaLIF:
    one = np.ones(2)
    return nir.CubaLIF(one * tau_syn, one * 4 * DT, one, one * 0, one)


def refused(graph: nir.NIRGraph, *lines: str, **options: Any) -> None:
    with pytest.raises(ModelsError) as error:
        import_network(graph, **options)
    found = str(error.value).splitlines()
    assert len(found) == len(lines)
    for line, words in zip(found, lines, strict=True):
        assert line.startswith("NIR graph: ") and words in line


@dataclass(eq=False)
class Ramp(nir.ir.node.NIRNode):  # type: ignore[misc]
    """No type of NIR."""

    def __post_init__(self) -> None:
        self.input_type, self.output_type = {"input": None}, {"output": None}


def test_nodes_of_unknown_types_are_all_named_at_once(tmp_path: Path) -> None:
    graph = chain((2,), a=EYE, slow=Ramp(), n=integrate(2, 1.0), late=Ramp())
    expected = "(Ramp): supported: Affine, AvgPool2d, Conv1d, Conv2d, CubaLI, CubaLIF, Delay, Flatten, I, IF, Identity"
    refused(graph, f"node slow {expected}", f"node late {expected}")
    path = written(tmp_path / "ramp.nir", chain((2,), a=EYE, n=integrate(2, 1.0)))
    with h5py.File(path, "r+") as file:
        del file["node/nodes/a/type"]
        file["node/nodes/a/type"] = "Ramp"
    with pytest.raises(ModelsError) as error:
        import_network(path)
    assert str(error.value).startswith(f"{path}: node a (Ramp): supported: Affine")


@pytest.mark.parametrize(
    ("nodes", "words"),
    [
        ({"n": cuba(DT / 3)}, "node n (CubaLIF): tau_syn 3.33333e-05 is shorter than a timestep of dt 0.0001"),
        ({"n": leaky(2, 0.5, tau=np.inf)}, "node n (LIF): tau inf: nothing that arrives has an effect; supported: IF"),
        ({"n": leaky(2, 0.5, v_threshold=[1.0, np.inf])}, "node n (LIF): threshold of inf; supported: finite ones"),
        ({"d": nir.Delay(np.array([DT, 2 * DT])), "n": integrate(2, 1.0)}, "node d (Delay): delays of 0.0001 to "),
        ({"n": leaky(2, 0.5, tau=DT / 2)}, "node n (LIF): tau 5e-05 is shorter than a timestep of dt 0.0001"),
        ({"n": leaky(2, 0.5, tau=20.0)}, "a timestep leaks less than 2**-17; is dt right? (dt=1 where tau counts"),
        ({"n": leaky(2, 0.5, v_reset=2.0)}, "node n (LIF): v_threshold must lie above v_reset"),
        ({"n": leaky(2, 0.5, v_threshold=[1.0, -1.0])}, "node n (LIF): v_threshold must lie above v_reset"),
        ({"n": integrate(3, 1.0)}, "node n (IF): threshold has shape (3,), for 2 neurons in 2 channels"),
        ({"n": integrate(2, 1.0), "b": nir.Linear(np.ones((2, 3)))}, "node b (Linear): weights of shape (2, 3) for "),
        ({"l": nir.LI(*np.ones((3, 2))), "b": nir.Linear(np.eye(2))}, "node b (Linear): receives potentials of l"),
        ({"s": nir.Scale(np.full(5, 2.0)), "n": integrate(2, 1.0)}, "node s (Scale): scale has shape (5,)"),
    ],
)  # fmt: skip
def test_neurons_and_layers_that_do_not_fit(nodes: dict[str, Any], words: str) -> None:
    options = {"dt": 1.0} if "l" in nodes else {}
    refused(chain((2,), a=EYE, **nodes), words, **options)


def test_maps_that_do_not_fit() -> None:
    after = {"n": integrate(3, 1.0)}
    short = nir.Affine(np.ones((3, 2)), np.ones(2))
    refused(chain((2,), a=short, **after), "node a (Affine): biases of shape (2,) for 3 output channels")
    weight, pool = np.ones((3, 2, 2, 2)), nir.SumPool2d(np.array([9, 9]), np.array([9, 9]), np.array([0, 0]))
    refused(chain((2, 4, 4), a=conv(weight, padding="same", stride=2), **after), "padding 'same' with stride (2, 2)")
    refused(chain((3, 4, 4), a=conv(weight), **after), "node a (Conv2d): weights of shape (3, 2, 2, 2) in 1 groups")
    refused(chain((2, 1, 1), a=conv(weight), **after), "node a (Conv2d): a 2x2 kernel does not fit a 1x1 map")
    refused(
        chain((2, 4, 4), p=pool, a=conv(weight), **after), "node p (SumPool2d): windows (9, 9) do not fit a map of 4x4"
    )
    spatial = nir.Scale(np.arange(32.0).reshape(2, 4, 4))
    refused(
        chain((2, 4, 4), s=spatial, a=conv(weight), **after),
        "node a (Conv2d): a gain before it that differs between positions of one channel, 0 to 31",
    )


def test_edges_that_make_no_network() -> None:
    nodes = {"input": nir.Input(np.array([2])), "output": nir.Output(None), "b": nir.Linear(np.eye(2))}
    nodes |= {"a": nir.Linear(np.eye(2)), "n": integrate(2, 1.0), "m": integrate(2, 1.0)}

    def graph(*edges: str) -> nir.NIRGraph:
        return nir.NIRGraph(nodes, [tuple(edge.split("-")) for edge in edges], type_check=False)

    refused(
        graph("input-a", "a-n", "n-output"),
        "node b (Linear): not on the way from input",
        "node m (IF): not on the way from input",
    )
    refused(graph("input-a", "a-x"), "the edge a -> x names a node that is not there")
    endless = graph("input-a", "a-b", "b-a", "a-n", "n-m", "m-output")
    refused(endless, "a loop with b without neurons that fire")
    nodes["second"] = nir.Input(np.array([2]))
    refused(graph("input-a", "second-b", "a-n", "b-n", "n-m", "m-output"), "2 Input nodes (input, second); supported:")
    refused(graph("a-n", "n-m", "m-output"), *[f"node {name}" for name in "banm"])
    del nodes["second"]
    refused(graph("input-a", "a-n", "n-b", "b-m", "m-output", "n-input"), "the edge n -> input goes into an Input")
    refused(graph("input-a", "a-n", "n-output", "output-b", "b-m"), "the edge output -> b leaves an Output")
    refused(graph("input-output"), *[f"node {name}" for name in "banm"])
    nodes = {name: nodes[name] for name in ("input", "output")}
    refused(graph("input-output"), "the network has no weights")
    del nodes["input"]
    refused(graph(), "no Input node; supported: one")


@pytest.mark.parametrize("content", [b"", b"no HDF5 at all", None], ids=["empty", "text", "absent"])
def test_a_file_that_is_no_nir_is_one_line(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "net.nir"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelsError) as error:
        import_network(path)
    assert str(error.value).startswith(f"{path}: cannot be read as a NIR file: ")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"dilation": 0}, "dilation must be 1 to 1048576, found [0, 0]"),
        ({"stride": np.array([1, 1, 1])}, "stride must be one or two integers, found [1, 1, 1]"),
        ({"stride": 1.5}, "stride must be one or two integers, found 1.5"),
        ({"padding": -1}, "padding must be 0 to 1048576, found [-1, -1]"),
        ({"groups": 0}, "groups must be 1 to 1048576, found 0"),
    ],
)
def test_sizes_that_are_none(changed: dict[str, Any], told: str) -> None:
    graph = chain((2, 4, 4), a=conv(np.ones((2, 2, 2, 2)), **changed), n=integrate((2, 3, 3), 1.0))
    refused(graph, f"node a (Conv2d): {told}")


def test_windows_that_are_none() -> None:
    for stride, kernel in ((0, 2), (2, 0)):
        pool = nir.AvgPool2d(np.array([kernel] * 2), np.array([stride] * 2), np.zeros(2, int))
        refused(chain((2, 4, 4), p=pool), "node p (AvgPool2d): ")


def test_what_a_node_lacks_is_named(tmp_path: Path) -> None:
    path = written(tmp_path / "net.nir", chain((2,), a=EYE, n=leaky(2, 0.5), b=conv(np.ones((1, 1, 1, 1)))))
    with h5py.File(path, "r+") as file:
        del file["node/nodes/n/tau"], file["node/nodes/n/r"], file["node/nodes/a/weight"]
    with pytest.raises(ModelsError) as error:
        import_network(path)
    assert sorted(str(error.value).splitlines()) == [
        f"{path}: node a (Linear): lacks weight; needed: weight",
        f"{path}: node n (LIF): lacks tau, r; needed: tau, r, v_leak, v_threshold",
    ]


def test_a_damaged_file_never_ends_in_a_traceback(tmp_path: Path) -> None:
    path = written(tmp_path / "net.nir", chain((2,), a=EYE, n=leaky(2, 0.5)))
    whole = path.read_bytes()
    outcomes = set()
    for start in range(0, len(whole), max(1, len(whole) // 60)):
        path.write_bytes(whole[:start] + bytes(8) + whole[start + 8 :])
        try:
            import_network(path)
            outcomes.add("read")
        except ModelsError as error:
            assert str(path) in str(error)
            outcomes.add("refused")
    assert outcomes == {"read", "refused"}


def network() -> ImportedNetwork:
    return import_network(chain((2, 4, 4), a=conv(np.linspace(0.1, 0.7, 4).reshape(2, 2, 1, 1)), n=integrate(2, 1.0)))


@pytest.mark.parametrize(
    ("samples", "words"),
    [
        (np.zeros((3, 5, 2, 4, 3)), "samples must have shape (N, T, 2, 4, 4) or (N, T, 32), found (3, 5, 2, 4, 3)"),
        (np.zeros((3, 32)), "found (3, 32)"),
        (np.zeros((0, 5, 2, 4, 4)), "found (0, 5, 2, 4, 4)"),
        (np.full((1, 1, 2, 4, 4), np.nan), "samples must be finite"),
        (np.full((1, 1, 2, 4, 4), "a"), "samples must be numbers"),
        (np.full((1, 1, 2, 4, 4), 1e300), "potentials leave the range of floats on these samples"),
    ],
)  # fmt: skip
def test_samples_of_another_network(samples: Any, words: str) -> None:
    with pytest.raises(ModelsError) as error:
        network().calibrate(samples)
    assert words in str(error.value)


def test_steps_out_of_order_and_settings_that_do_not_fit(tmp_path: Path) -> None:
    samples = np.ones((2, 3, 2, 4, 4))
    one = network()
    for call, words in (
        (lambda: one.quantize(8), "calibrate the network first"),
        (lambda: one.measure(samples), "calibrate the network first"),
        (lambda: one.record(tmp_path / "x.h5", samples), "calibrate the network first"),
        (
            lambda: import_network(chain((2,), a=EYE, n=integrate(2, 1.0)), classes=3),
            "2 output neurons cannot stand for 3",
        ),
    ):
        with pytest.raises(ModelsError, match=words):
            call()
    one.calibrate(samples)
    with pytest.raises(ModelsError, match="quantize the network first"):
        one.measure(samples)
    with pytest.raises(ModelsError, match="weight_bits must be 2 to 16, found 1"):
        one.quantize(1)
    with pytest.raises(ModelsError, match=r"node n \(IF\): a threshold of .* does not fit 4-bit potentials"):
        one.quantize(8, potential_bits=4)
    one.quantize(8)
    with pytest.raises(ModelsError, match="labels must be 2 integers, found float64 of shape"):
        one.record(tmp_path / "x.h5", samples, np.zeros(2))
    (tmp_path / "mine.txt").write_text("precious")
    (tmp_path / "link.h5").symlink_to("nothing")
    for name in ("mine.txt", "link.h5"):
        with pytest.raises(
            ModelsError, match=rf"{name}: is there already, and no trace; name another, or replace it with force=True"
        ):
            one.record(tmp_path / name, samples)
    assert (tmp_path / "mine.txt").read_text() == "precious"
    one.record(tmp_path / "mine.txt", samples, force=True)
    assert (tmp_path / "mine.txt").read_bytes()[1:4] == b"HDF"
    one.record(tmp_path / "mine.txt", samples)  # a script that runs again
    assert not (tmp_path / "x.h5").exists()
