"""The networks of a bench: layers of well-known sizes, with spikes and weights drawn from a seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from spikecycle.traces import LayerShape
from spikecycle.traces.synthetic import reference_network, synthetic_trace

SEED = 1
WEIGHT_BITS = 8


@dataclass(frozen=True)
class BenchNetwork:
    """Shapes of its layers, and how many timesteps a sample has. title: what it is."""

    title: str
    shapes: tuple[LayerShape, ...]
    timesteps: int

    def __str__(self) -> str:
        weights = sum(shape.M * shape.fan_in for shape in self.shapes)
        return f"{self.title}; {weights:,} weights, {self.timesteps} timesteps"


def _reference() -> BenchNetwork:
    return BenchNetwork(
        "five convolutions and two dense layers on 128 x 128 pixels (arXiv 2302.04174)", reference_network(), 20
    )


def _lenet() -> BenchNetwork:
    return BenchNetwork(
        "LeNet-5 on 28 x 28 pixels, as SNN papers use it",
        (
            LayerShape("conv2d", C=1, H=28, W=28, M=6, R=5, S=5, padding=(2, 2)),
            LayerShape("conv2d", C=6, H=14, W=14, M=16, R=5, S=5),
            LayerShape.linear(400, 120),
            LayerShape.linear(120, 84),
            LayerShape.linear(84, 10),
        ),
        8,
    )


def _vgg9() -> BenchNetwork:
    channels = ((3, 64, 32), (64, 64, 32), (64, 128, 16), (128, 128, 16), (128, 256, 8), (256, 256, 8), (256, 256, 8))
    return BenchNetwork(
        "VGG9 on CIFAR-10, 32 x 32 pixels: seven convolutions and two dense layers",
        (*(_same_size(*layer) for layer in channels), LayerShape.linear(4096, 1024), LayerShape.linear(1024, 10)),
        4,
    )


def _resnet() -> BenchNetwork:
    shapes = [_same_size(3, 64, 32), *[_same_size(64, 64, 32)] * 4]
    for narrow, side in ((64, 32), (128, 16), (256, 8)):
        wide, half = 2 * narrow, side // 2
        shapes += [
            LayerShape("conv2d", C=narrow, H=side, W=side, M=wide, R=3, S=3, stride=(2, 2), padding=(1, 1)),
            LayerShape("conv2d", C=narrow, H=side, W=side, M=wide, R=1, S=1, stride=(2, 2)),
            *[_same_size(wide, wide, half)] * 3,
        ]
    return BenchNetwork(
        "ResNet-18 on CIFAR-10, 32 x 32 pixels, its shortcuts included, each convolution as a layer of its own",
        (*shapes, LayerShape.linear(512, 10)),
        4,
    )


NETWORKS: dict[str, Callable[[], BenchNetwork]] = {
    "lenet": _lenet,
    "vgg9": _vgg9,
    "resnet": _resnet,
    "reference": _reference,
}


def one_layer(channels: int, timesteps: int) -> BenchNetwork:
    """A network to grow."""
    return BenchNetwork("one 3 x 3 convolution on 32 x 32 pixels", (_same_size(channels, channels, 32),), timesteps)


def write_network(network: BenchNetwork, path: Path, density: float, zero_weights: float, samples: int = 1) -> None:
    """Write its trace. density: share of inputs that spike; zero_weights: share of weights that are zero."""
    synthetic_trace(
        path,
        network.shapes,
        timesteps=network.timesteps,
        samples=samples,
        spike_density=density,
        weight_sparsity=zero_weights,
        weight_bits=WEIGHT_BITS,
        seed=SEED,
        output_density=density,
    )


def _same_size(inputs: int, outputs: int, side: int) -> LayerShape:
    return LayerShape("conv2d", C=inputs, H=side, W=side, M=outputs, R=3, S=3, padding=(1, 1))
