"""Random shifts of training samples by whole pixels."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def shift_at_random(frames: Tensor, most_px: int, generator: torch.Generator) -> Tensor:
    """Every sample moved by its own -most_px .. most_px pixels up or down and sideways; what enters is empty.

    frames: (T, B, C, H, W), one shift for all timesteps of a sample.
    """
    if most_px == 0:
        return frames
    height, width = frames.shape[-2:]
    padded = F.pad(frames, (most_px,) * 4)
    starts = torch.randint(0, 2 * most_px + 1, (frames.shape[1], 2), generator=generator).tolist()
    moved = [padded[:, sample, :, top : top + height, left : left + width] for sample, (top, left) in enumerate(starts)]
    return torch.stack(moved, dim=1)
