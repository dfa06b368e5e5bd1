"""The training loop: surrogate gradients through time, the same for float and for quantized networks."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from spikecycle.models.data.augment import shift_at_random
from spikecycle.models.data.frames import DataSplit, FrameSet, Labels
from spikecycle.models.errors import ModelsError
from spikecycle.models.networks.network import AnyNode, SpikingNetwork
from spikecycle.models.readout import predicted_classes, voter_rates
from spikecycle.models.training_schedule import TrainingSchedule


@dataclass(frozen=True)
class EpochReport:
    """What a progress display shows."""

    epoch: int
    epochs: int
    loss: float
    samples_per_second: float


OnEpoch = Callable[[EpochReport], None]
OnStep = Callable[[float], object]
Penalty = Callable[[Sequence[Tensor]], Tensor]
"""A term of the loss, from the spikes (T, B, M, P, Q) of all layers that fire."""


def time_first(frames: FrameSet) -> Tensor:
    """Frames as float32 (T, B, C, H, W)."""
    return torch.from_numpy(frames.frames).transpose(0, 1).to(torch.float32).contiguous()


def train(
    network: SpikingNetwork[AnyNode],
    data: DataSplit,
    schedule: TrainingSchedule,
    generator: torch.Generator,
    on_epoch: OnEpoch,
    on_step: OnStep | None = None,
    penalty: Penalty | None = None,
) -> None:
    """Train in place. Raises ModelsError as soon as a loss or its gradient is not finite.

    on_step is called before every batch with the share of the training that is done, and with 1 at the end. penalty:
    added to the loss, from the spikes of all layers.
    """
    batches = -(-len(data.train) // schedule.batch_size)
    optimizer = torch.optim.Adam(_parameter_groups(network, schedule))
    decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, schedule.epochs * batches)
    network.train()
    for epoch in range(schedule.epochs):
        started_s = time.perf_counter()
        order = torch.randperm(len(data.train), generator=generator)
        total = 0.0
        for batch, indices in enumerate(torch.split(order, schedule.batch_size)):
            if on_step is not None:
                on_step((epoch + batch / batches) / schedule.epochs)
            chosen = data.train.take(indices.numpy())
            frames = shift_at_random(time_first(chosen), schedule.shift_px, generator)
            loss = _loss(network, frames, chosen.labels, data.classes, schedule, penalty)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            total += _finite_loss(network, loss, epoch, schedule) * len(chosen)
            optimizer.step()
            decay.step()
        rate = len(data.train) / (time.perf_counter() - started_s)
        on_epoch(EpochReport(epoch + 1, schedule.epochs, total / len(data.train), rate))
    if on_step is not None:
        on_step(1.0)


def accuracy(network: SpikingNetwork[AnyNode], samples: FrameSet, classes: int, batch_size: int = 128) -> float:
    """Share of samples whose class the network finds, in evaluation mode."""
    return int((predictions(network, samples, classes, batch_size) == samples.labels).sum()) / len(samples)


@torch.no_grad()
def predictions(
    network: SpikingNetwork[AnyNode],
    samples: FrameSet,
    classes: int,
    batch_size: int = 128,
) -> npt.NDArray[np.int64]:
    """The class of every sample, int64 (N,), in evaluation mode."""
    network.eval()
    found = np.zeros(len(samples), np.int64)
    for start in range(0, len(samples), batch_size):
        places = range(start, min(start + batch_size, len(samples)))
        spikes = network(time_first(samples.take(places))).transpose(0, 1).numpy().astype(np.uint8)
        found[places] = predicted_classes(spikes, classes)
    return found


@torch.no_grad()
def mean_loss(
    network: SpikingNetwork[AnyNode], samples: FrameSet, classes: int, rate_to_logit: float, batch_size: int = 128
) -> float:
    """Mean cross entropy of the samples, in evaluation mode and without the penalty on firing."""
    network.eval()
    total = 0.0
    for start in range(0, len(samples), batch_size):
        chosen = samples.take(range(start, min(start + batch_size, len(samples))))
        logits = rate_to_logit * voter_rates(network(time_first(chosen)), classes)
        total += float(F.cross_entropy(logits, torch.from_numpy(chosen.labels), reduction="sum"))
    return total / len(samples)


def _loss(
    network: SpikingNetwork[AnyNode], frames: Tensor, labels: Labels, classes: int, schedule: TrainingSchedule,
    penalty: Penalty | None = None,
) -> Tensor:  # fmt: skip
    spikes = network.spikes(frames)
    error = _ERRORS[schedule.loss](voter_rates(spikes[-1], classes), torch.from_numpy(labels), schedule)
    busy = torch.stack([hidden.mean() for hidden in spikes[:-1]]).mean()
    loss = error + schedule.rate_penalty * busy
    return loss if penalty is None else loss + penalty(spikes)


def _cross_entropy(rates: Tensor, labels: Tensor, schedule: TrainingSchedule) -> Tensor:
    return F.cross_entropy(schedule.rate_to_logit * rates, labels)


def _squared_error(rates: Tensor, labels: Tensor, schedule: TrainingSchedule) -> Tensor:
    return F.mse_loss(rates, F.one_hot(labels, rates.shape[1]).to(rates.dtype))


_ERRORS: Mapping[str, Callable[[Tensor, Tensor, TrainingSchedule], Tensor]] = {
    "cross_entropy": _cross_entropy,
    "squared_error": _squared_error,
}


def _finite_loss(network: SpikingNetwork[AnyNode], loss: Tensor, epoch: int, schedule: TrainingSchedule) -> float:
    """The loss as a number. A potential that is not a number never spikes, so the gradient is checked as well."""
    gradients = [parameter.grad for parameter in network.parameters() if parameter.grad is not None]
    value, norm = float(loss.detach()), float(torch.nn.utils.get_total_norm(gradients))
    if not (math.isfinite(value) and math.isfinite(norm)):
        raise ModelsError(
            f"training diverged in epoch {epoch + 1} (loss {value:g}, gradient norm {norm:g}); "
            f"lower the learning rate, now {schedule.learning_rate:g}"
        )
    return value


def _parameter_groups(network: SpikingNetwork[AnyNode], schedule: TrainingSchedule) -> list[dict[str, object]]:
    """Quantizer scales learn slower than weights: one step of theirs moves every code of a channel."""
    scales: list[Tensor] = []
    others: list[Tensor] = []
    for name, parameter in network.named_parameters():
        (scales if name.endswith("log_scale") else others).append(parameter)
    scale_rate = schedule.learning_rate * schedule.scale_learning_rate_share
    groups: list[dict[str, object]] = [{"params": others, "lr": schedule.learning_rate}]
    return [*groups, {"params": scales, "lr": scale_rate}] if scales else groups
