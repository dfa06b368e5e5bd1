"""The digits network: two 3x3 convolutions and two dense layers, the last one a population of voters per class."""

from __future__ import annotations

from traces.shape import LayerShape

VOTERS_PER_CLASS = 8


def digits_shapes(
    side_px: int = 16, channels: tuple[int, int] = (16, 32), hidden: int = 128, classes: int = 10
) -> dict[str, LayerShape]:
    """Layer shapes by name, for ON / OFF frames of side_px x side_px pixels.

    The second convolution halves the map by its stride instead of pooling, so that the recorded outputs of every
    layer are the recorded inputs of the next.
    """
    first, second = channels
    conv1 = LayerShape("conv2d", C=2, H=side_px, W=side_px, M=first, R=3, S=3, padding=(1, 1))
    conv2 = LayerShape("conv2d", C=first, H=conv1.P, W=conv1.Q, M=second, R=3, S=3, stride=(2, 2), padding=(1, 1))
    return {
        "conv1": conv1,
        "conv2": conv2,
        "fc1": LayerShape.linear(conv2.output_count, hidden),
        "fc2": LayerShape.linear(hidden, classes * VOTERS_PER_CLASS),
    }
