"""What each pruner keeps, how it grows, and that nothing that is pruned comes back."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from spikecycle.models.compression import pruners
from spikecycle.models.compression.kinds import kinds
from spikecycle.models.compression.prune import Pruner, pruned_share
from spikecycle.models.compression.pruners import PrunerKind
from spikecycle.models.compression.pruners.base import all_but_smallest
from spikecycle.models.compression.pruners.by_layer import ByLayer
from spikecycle.models.compression.pruners.channel import Channel
from spikecycle.models.compression.pruners.global_magnitude import GlobalMagnitude
from spikecycle.models.compression.pruners.n_m import NOfM
from spikecycle.models.errors import ModelsError
from spikecycle.models.networks.network import FloatNetwork, SpikingNetwork
from spikecycle.models.networks.neuron import NeuronConfig
from spikecycle.models.networks.spiking import SpikingLayer
from spikecycle.traces import LayerShape

pytestmark = pytest.mark.train

NEURON = NeuronConfig(leak_numerator=1, leak_shift=1, reset="soft", potential_bits=8)
MAGNITUDE = {"kind": "global_magnitude", "share": 0.5}
KINDS: list[PrunerKind] = [
    GlobalMagnitude(share=0.6),
    NOfM(n=2, m=4),
    Channel(share=0.5),
    Channel(share=0.5, scope="global"),
    ByLayer.model_validate({"layers": {"conv": {"kind": "channel", "share": 0.5}, "fc": MAGNITUDE}}),
]

every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind.kind} {getattr(kind, 'scope', '')}")


def network() -> FloatNetwork:
    conv = LayerShape("conv2d", C=2, H=4, W=4, M=8, R=3, S=3, padding=(1, 1))
    shapes = {"conv": conv, "fc": LayerShape.linear(conv.output_count, 6), "out": LayerShape.linear(6, 3)}
    generator = torch.Generator().manual_seed(4)
    return SpikingNetwork([SpikingLayer(name, shape, NEURON, generator) for name, shape in shapes.items()])


def magnitudes(*shapes: tuple[int, int, int, int], seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.random(shape, dtype=np.float32) for shape in shapes]


def test_every_kind_is_tested_here() -> None:
    assert {kind.kind for kind in KINDS} == set(kinds(PrunerKind, pruners.__name__))


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=30), st.data())
def test_the_smallest_are_given_up_and_of_equals_the_first(values: list[int], data: st.DataObject) -> None:
    pruned = data.draw(st.integers(0, len(values)))
    kept = all_but_smallest(np.array(values, dtype=np.float32), pruned)
    ranked = sorted(range(len(values)), key=lambda place: (values[place], place))
    assert sorted(np.flatnonzero(~kept).tolist()) == sorted(ranked[:pruned])


@every_kind
def test_it_starts_with_nothing_and_what_is_pruned_stays_so_while_the_rest_trains(kind: PrunerKind) -> None:
    net = network()
    pruner = Pruner(net.synapses(), kind)
    pruner.step(0.0)
    assert all(kept.all() for kept in pruner.kept().values())
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    before = {name: kept.clone() for name, kept in pruner.kept().items()}
    counts = [0]
    for progress in (0.1, 0.3, 0.6, 1.0):
        net.spikes(torch.ones(3, 2, 2, 4, 4))[-1].sum().backward()
        optimizer.step()
        pruner.step(progress)
        for name, kept in pruner.kept().items():
            assert not (kept & ~before[name]).any()
            before[name] = kept.clone()
        counts.append(sum(int((~kept).sum()) for kept in before.values()))
    assert 0 < counts[1] <= counts[2] <= counts[3] == counts[4]
    for synapse in net.synapses():
        if synapse.name in before:
            assert torch.equal(synapse.weight != 0, before[synapse.name])
    assert pruned_share(net.synapses()) == counts[-1] / sum(s.weight.numel() for s in net.synapses())


@every_kind
def test_masks_move_to_another_network_and_stay(kind: PrunerKind) -> None:
    first, second = network(), network()
    pruner = Pruner(first.synapses(), kind)
    pruner.step(1.0)
    with torch.no_grad():
        for synapse in second.synapses():
            synapse.weight.copy_(synapse.weight.flip(0))
    Pruner(second.synapses(), kind).hold(pruner.kept())
    for one, other in zip(first.synapses(), second.synapses(), strict=True):
        assert torch.equal(one.weight == 0, other.weight == 0)


def test_the_global_share_is_exact_and_ranked_over_all_layers() -> None:
    found = magnitudes((10, 20, 1, 1), (5, 10, 1, 1))
    found[1] *= 10
    kept = GlobalMagnitude(share=0.6).kept(found, 1.0)
    together, flat = np.concatenate([m.ravel() for m in found]), np.concatenate([k.ravel() for k in kept])
    assert np.count_nonzero(~flat) == 150
    assert together[flat].min() > together[~flat].max()
    assert kept[0].mean() < kept[1].mean()


@pytest.mark.parametrize(("n", "m"), [(2, 4), (1, 4), (3, 8)])
def test_of_every_m_input_channels_n_are_kept_by_magnitude(n: int, m: int) -> None:
    (found,) = magnitudes((3, 2 * m + 2, 3, 2))
    (kept,) = NOfM(n=n, m=m).kept([found], 1.0)
    for output in range(3):
        for row in range(3):
            for column in range(2):
                for start in (0, m, 2 * m):
                    group = found[output, start : start + m, row, column]
                    largest = sorted(range(len(group)), key=lambda place: -group[place])[:n]
                    here = kept[output, start : start + m, row, column]
                    assert np.flatnonzero(here).tolist() == sorted(largest)


def test_n_m_grows_one_weight_of_each_group_after_another() -> None:
    (found,) = magnitudes((4, 8, 1, 1))
    kept = [NOfM(n=1, m=4).kept([found], grown)[0].reshape(4, 2, 4).sum(axis=2) for grown in (0, 0.2, 0.5, 0.8, 1)]
    assert [set(group.ravel().tolist()) for group in kept] == [{4}, {3}, {2}, {2}, {1}]


def test_channels_of_every_layer_are_pruned_by_their_sum() -> None:
    found = magnitudes((8, 2, 3, 3), (6, 8, 1, 1))
    found[1] *= 100
    for kept, magnitude in zip(Channel(share=0.5).kept(found, 1.0), found, strict=True):
        sums = magnitude.sum(axis=(1, 2, 3))
        channels = kept.all(axis=(1, 2, 3))
        assert np.array_equal(channels, kept.any(axis=(1, 2, 3)))
        assert np.count_nonzero(~channels) == len(sums) // 2
        assert sums[channels].min() > sums[~channels].max()


def test_channels_of_all_layers_together_leave_each_layer_one() -> None:
    found = magnitudes((8, 2, 3, 3), (6, 8, 1, 1))
    found[1] *= 100
    small, large = Channel(share=0.5, scope="global").kept(found, 1.0)
    assert small.any(axis=(1, 2, 3)).sum() == 1 and large.all()
    small, large = Channel(share=0.99, scope="global").kept(found, 1.0)
    assert [kept.any(axis=(1, 2, 3)).sum() for kept in (small, large)] == [1, 1]


@pytest.mark.parametrize("scope", ["layer", "global"])
def test_the_neurons_of_a_pruned_channel_never_fire_and_outputs_are_spared(scope: str) -> None:
    net = network()
    with torch.no_grad():
        for node in net.chain():
            node.norm.bias.fill_(2.0)  # alone above every threshold
    pruner = Pruner(net.synapses(), Channel.model_validate({"kind": "channel", "share": 0.5, "scope": scope}))
    pruner.step(1.0)
    assert set(pruner.kept()) == {"conv", "fc"}
    spikes = dict(zip(["conv", "fc", "out"], net.spikes(torch.ones(3, 2, 2, 4, 4)), strict=True))
    for name, kept in pruner.kept().items():
        alive = kept.any(1).any(1).any(1)
        assert not alive.all()
        assert not spikes[name][:, :, ~alive].any() and spikes[name][:, :, alive].any()
    assert spikes["out"].any()


def test_layers_to_skip_are_not_pruned_and_have_to_exist() -> None:
    pruner = Pruner(network().synapses(), GlobalMagnitude(share=0.6, skip_layers=("conv",)))
    assert set(pruner.kept()) == {"fc", "out"}
    with pytest.raises(
        ModelsError, match=r"^pruner.skip_layers: con is not known; did you mean conv\? allowed: conv, f"
    ):
        Pruner(network().synapses(), GlobalMagnitude(share=0.6, skip_layers=("con",)))
    with pytest.raises(ModelsError, match=r"^pruner channel: no weight is left that it could prune$"):
        Pruner(network().synapses(), Channel(share=0.5, skip_layers=("conv", "fc")))


def test_the_pruned_share_grows_fast_at_first_and_ends_on_time() -> None:
    kind = GlobalMagnitude(share=0.8, ramp_share=0.5)
    grown = [kind.grown(progress / 10) for progress in range(11)]
    assert grown[0] == 0.0 and grown[5:] == [1.0] * 6
    steps = [after - before for before, after in pairwise(grown[:6])]
    assert steps == sorted(steps, reverse=True) and min(steps) > 0
    assert kind.grown(0.25) == pytest.approx(1 - 0.5**3)


def test_each_layer_has_its_own_rule_and_its_own_time() -> None:
    """Half of the 8 channels of conv, done half way; 1 of every 4 inputs of fc, with all of the training to grow.

    Half way, (1 - 0.5) ** 3 of the growth of fc is left: 7 / 8 of 3 weights of a group are pruned, rounded to 3.
    """
    net = network()
    rules = {
        "conv": {"kind": "channel", "share": 0.5, "ramp_share": 0.5},
        "fc": {"kind": "n_m", "n": 1, "m": 4, "ramp_share": 1.0},
    }
    pruner = Pruner(net.synapses(), ByLayer.model_validate({"layers": rules}))
    assert pruner.step(0.5) == ["conv", "fc"]
    conv, fc, out = (synapse.weight.detach() for synapse in net.synapses())
    assert int((conv.flatten(1) != 0).any(1).sum()) == 4
    assert (fc != 0).sum(1).flatten().tolist() == [128 // 4] * 6
    assert bool((out != 0).all())
    assert pruner.step(1.0) == ["fc"]
    assert pruner.step(1.0) == []
    assert set(pruner.kept()) == {"conv", "fc"}


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"layers": {}}, "at least 1 item"),
        (
            {"layers": {"fc": {"kind": "by_layer", "layers": {"fc": MAGNITUDE}}}},
            "by_layer is no rule of a single layer",
        ),
        ({"layers": {"fc": {**MAGNITUDE, "skip_layers": ["fc"]}}}, "skip_layers has no meaning for a single layer"),
        ({"layers": {"fc": MAGNITUDE}, "ramp_share": 0.3}, "each pruner of `layers` has its own"),
    ],
)
def test_rules_by_layer_that_say_nothing_are_refused(keys: dict[str, object], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        ByLayer.model_validate(keys)


def test_rules_for_layers_that_cannot_have_them_are_refused() -> None:
    with pytest.raises(ModelsError, match=r"^pruner.layers.fd: fd is not known; allowed: conv, fc, out$"):
        Pruner(network().synapses(), ByLayer.model_validate({"layers": {"fd": MAGNITUDE}}))
    with pytest.raises(ModelsError, match=r"^pruner channel of out: no weight is left that it could prune$"):
        Pruner(network().synapses(), ByLayer.model_validate({"layers": {"out": {"kind": "channel", "share": 0.5}}}))
