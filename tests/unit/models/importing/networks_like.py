"""Networks in the shapes of well-known ones, small, with random weights: what importers have to understand.

snnTorch's tutorials 5, 6 and its recurrent one; the network of SpikingJelly's CIFAR10-DVS example (Fang et al., ICCV
2021); SEW-ResNet (Fang et al., NeurIPS 2021); MS-ResNet (Hu et al., 2021); Spikformer (Zhou et al., ICLR 2023).
"""

from __future__ import annotations

from typing import Any

import snntorch as snn
import torch
from torch import Tensor, nn

from tests.unit.models.importing.neurons_like import IFNode, LIFNode, SeqToANN


class TutorialFive(nn.Module):
    """Two linear layers on one picture, shown in every timestep."""

    def __init__(self, inputs: int = 784, hidden: int = 60, steps: int = 25) -> None:
        super().__init__()
        self.fc1, self.lif1 = nn.Linear(inputs, hidden), snn.Leaky(beta=0.95)
        self.fc2, self.lif2, self.steps = nn.Linear(hidden, 10), snn.Leaky(beta=0.95), steps

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mem1, mem2 = self.lif1.init_leaky(), self.lif2.init_leaky()
        spikes, potentials = [], []
        for _ in range(self.steps):
            spk1, mem1 = self.lif1(self.fc1(x), mem1)
            spk2, mem2 = self.lif2(self.fc2(spk1), mem2)
            spikes.append(spk2)
            potentials.append(mem2)
        return torch.stack(spikes, dim=0), torch.stack(potentials, dim=0)


def tutorial_six() -> nn.Sequential:
    """Max pooling of currents, before the neurons; a low threshold, as the weights are not trained."""
    hidden: dict[str, Any] = {"beta": 0.5, "init_hidden": True, "threshold": 0.2}
    return nn.Sequential(
        nn.Conv2d(1, 6, 5), nn.MaxPool2d(2), snn.Leaky(**hidden),
        nn.Conv2d(6, 12, 5), nn.MaxPool2d(2), snn.Leaky(**hidden),
        nn.Flatten(), nn.Linear(12 * 4 * 4, 10), snn.Leaky(**hidden, output=True),
    )  # fmt: skip


class TutorialRecurrent(nn.Module):
    """Recurrent layers, all to all and one to one."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.lif1 = nn.Linear(30, 20), snn.RLeaky(beta=0.9, linear_features=20)
        self.fc2 = nn.Linear(20, 5)
        self.lif2 = snn.RLeaky(beta=0.8, all_to_all=False, V=torch.linspace(-0.5, 0.5, 5), threshold=0.3)

    def forward(self, x: Tensor) -> Tensor:
        (spk1, mem1), (spk2, mem2) = self.lif1.init_rleaky(), self.lif2.init_rleaky()
        spikes = []
        for step in range(x.shape[0]):
            spk1, mem1 = self.lif1(self.fc1(x[step]), spk1, mem1)
            spk2, mem2 = self.lif2(self.fc2(spk1), spk2, mem2)
            spikes.append(spk2)
        return torch.stack(spikes)


class Dvs(nn.Module):
    """Convolutions with batch norm, neurons and max pooling, dropout, voting; takes (N, T, C, H, W)."""

    def __init__(self, channels: int = 8, size: int = 16) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for place in range(3):
            layers.append(SeqToANN(nn.Conv2d(channels if place else 2, channels, 3, padding=1, bias=False),
                                   nn.BatchNorm2d(channels)))  # fmt: skip
            layers += [LIFNode(tau=2.0, step_mode="m"), SeqToANN(nn.MaxPool2d(2, 2))]
        features = channels * (size // 8) ** 2
        self.layers = nn.Sequential(
            *layers, nn.Flatten(2), nn.Dropout(0.5), nn.Linear(features, 20), LIFNode(step_mode="m")
        )

    def forward(self, x: Tensor) -> Tensor:
        voting = self.layers(x.transpose(0, 1)).unflatten(2, (10, 2)).mean(3)
        return voting.mean(0)  # type: ignore[no-any-return]


def _convolution(inputs: int, outputs: int, stride: int = 1, kernel: int = 3) -> SeqToANN:
    return SeqToANN(nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(outputs))


class SewBlock(nn.Module):
    """Spikes plus spikes."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.sn1 = _convolution(inputs, outputs, stride), IFNode(step_mode="m")
        self.conv2, self.sn2 = _convolution(outputs, outputs), IFNode(step_mode="m")
        self.down: nn.Module | None = None
        if stride > 1 or inputs != outputs:
            self.down = nn.Sequential(_convolution(inputs, outputs, stride, 1), IFNode(step_mode="m"))

    def forward(self, x: Tensor) -> Tensor:
        out = self.sn2(self.conv2(self.sn1(self.conv1(x))))
        return out + (x if self.down is None else self.down(x))  # type: ignore[no-any-return]


class SewResNet(nn.Module):
    """SEW-ResNet-18: eight blocks in four stages; takes (T, N, C, H, W)."""

    def __init__(self, width: int = 4, blocks: tuple[int, ...] = (2, 2, 2, 2)) -> None:
        super().__init__()
        self.stem, self.sn = _convolution(2, width), IFNode(step_mode="m")
        stages, inputs = [], width
        for place, count in enumerate(blocks):
            for block in range(count):
                outputs = width * 2 ** (place // 2)
                stages.append(SewBlock(inputs, outputs, 2 if place and not block else 1))
                inputs = outputs
        self.blocks, self.pool, self.fc = nn.Sequential(*stages), nn.AdaptiveAvgPool2d((1, 1)), nn.Linear(inputs, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.blocks(self.sn(self.stem(x)))
        pooled = self.pool(x.flatten(0, 1)).unflatten(0, x.shape[:2]).flatten(2)
        return self.fc(pooled.mean(dim=0))  # type: ignore[no-any-return]


class MsBlock(nn.Module):
    """Currents plus currents: neurons come first in a block."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.sn1, self.conv1 = LIFNode(v_threshold=0.5), nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1, self.sn2 = nn.BatchNorm2d(outputs), LIFNode(v_threshold=0.5)
        self.conv2, self.bn2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs)
        self.down: nn.Module | None = None
        if stride > 1 or inputs != outputs:
            self.down = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        spikes = self.sn1(x)
        out = self.bn2(self.conv2(self.sn2(self.bn1(self.conv1(spikes)))))
        return out + (x if self.down is None else self.down(spikes))  # type: ignore[no-any-return]


class MsResNet(nn.Module):
    """One timestep a call."""

    def __init__(self, width: int = 6) -> None:
        super().__init__()
        self.stem, self.bn = nn.Conv2d(2, width, 3, padding=1), nn.BatchNorm2d(width)
        self.blocks = nn.Sequential(MsBlock(width, width, 1), MsBlock(width, width, 1), MsBlock(width, 2 * width, 2))
        self.sn, self.fc, self.out = LIFNode(v_threshold=0.5), nn.Linear(2 * width, 10), LIFNode(v_threshold=0.1)

    def forward(self, x: Tensor) -> Tensor:
        spikes = self.sn(self.blocks(self.bn(self.stem(x))))
        return self.out(self.fc(spikes.mean((2, 3))))  # type: ignore[no-any-return]


class SpikingAttention(nn.Module):
    """Spiking self-attention: queries, keys and values are spikes, and nothing is normalized."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads, self.scale = heads, 0.125
        for name in "qkv":
            setattr(self, f"{name}_conv", nn.Conv1d(dim, dim, 1, bias=False))
            setattr(self, f"{name}_bn", nn.BatchNorm1d(dim))
            setattr(self, f"{name}_lif", LIFNode(step_mode="m"))
        self.attn_lif = LIFNode(step_mode="m", v_threshold=0.5)
        self.proj_conv, self.proj_bn = nn.Conv1d(dim, dim, 1), nn.BatchNorm1d(dim)
        self.proj_lif = LIFNode(step_mode="m")

    def _heads(self, name: str, x: Tensor, steps: int, batch: int) -> Tensor:
        _, channels, tokens = x.shape
        made = getattr(self, f"{name}_bn")(getattr(self, f"{name}_conv")(x)).reshape(steps, batch, channels, tokens)
        made = getattr(self, f"{name}_lif")(made).transpose(-1, -2)
        by_head = made.reshape(steps, batch, tokens, self.heads, channels // self.heads)
        return by_head.permute(0, 1, 3, 2, 4).contiguous()

    def forward(self, x: Tensor) -> Tensor:
        steps, batch, channels, height, width = x.shape
        flat = x.flatten(3)
        rows = flat.flatten(0, 1)
        q, k, v = (self._heads(name, rows, steps, batch) for name in "qkv")
        out = ((q @ k.transpose(-2, -1)) @ v) * self.scale
        out = out.transpose(3, 4).reshape(steps, batch, channels, height * width).contiguous()
        out = self.attn_lif(out).flatten(0, 1)
        made = self.proj_bn(self.proj_conv(out)).reshape(steps, batch, channels, height, width)
        return self.proj_lif(made)  # type: ignore[no-any-return]


class SpikformerBlock(nn.Module):
    """Attention and a two-layer perceptron of 1x1 convolutions, spikes added around both."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.attn = SpikingAttention(dim, heads)
        self.fc1, self.lif1 = _convolution(dim, 2 * dim, kernel=1), LIFNode(step_mode="m")
        self.fc2, self.lif2 = _convolution(2 * dim, dim, kernel=1), LIFNode(step_mode="m")

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(x)
        return x + self.lif2(self.fc2(self.lif1(self.fc1(x))))  # type: ignore[no-any-return]


class Spikformer(nn.Module):
    """Patches by convolutions, blocks, mean of tokens and timesteps; takes (N, C, H, W), shown in every timestep."""

    def __init__(self, dim: int = 16, heads: int = 2, blocks: int = 2, steps: int = 4) -> None:
        super().__init__()
        self.steps = steps
        self.conv1, self.lif1 = _convolution(3, dim // 2), LIFNode(step_mode="m")
        self.conv2, self.lif2, self.pool = _convolution(dim // 2, dim), LIFNode(step_mode="m"), nn.MaxPool2d(2)
        self.rpe, self.rpe_lif = _convolution(dim, dim), LIFNode(step_mode="m")
        self.blocks = nn.ModuleList(SpikformerBlock(dim, heads) for _ in range(blocks))
        self.head = nn.Linear(dim, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = x.unsqueeze(0).repeat(self.steps, 1, 1, 1, 1)
        x = self.lif2(self.conv2(self.lif1(self.conv1(x))))
        x = self.pool(x.flatten(0, 1)).unflatten(0, x.shape[:2])
        x = x + self.rpe_lif(self.rpe(x))
        for block in self.blocks:
            x = block(x)
        return self.head(x.flatten(3).mean(3).mean(0))  # type: ignore[no-any-return]


def excited(module: nn.Module, seed: int = 0) -> nn.Module:
    """Weights and batch norms that make neurons fire, evaluation mode."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for part in module.modules():
            if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d):
                part.bias.copy_(torch.rand(part.bias.shape, generator=generator) * 0.8 + 0.1)
                part.weight.copy_(torch.rand(part.weight.shape, generator=generator) + 1)
                assert part.running_var is not None
                part.running_var.copy_(torch.rand(part.running_var.shape, generator=generator) * 0.2 + 0.1)
    return module.eval()
