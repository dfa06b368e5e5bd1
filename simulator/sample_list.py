"""Lists of samples as people write them: "0,2-5"."""

from __future__ import annotations

from collections.abc import Sequence

from spikecycle.simulator.errors import UsageError

LONGEST_LIST = 10**6
"""Samples that a range may name: a typing error should not fill the memory."""


def parse_sample_list(text: str, where: str) -> list[int]:
    """The sample indices in "0,2-5", both ends included; UsageError, which begins with `where`, on anything else, and
    on a sample named twice."""
    samples: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not _is_index(first) or (dash and not _is_index(last)):
            raise UsageError(f"{where}: {part.strip()!r} is neither an index nor a range, write e.g. 0,2-5")
        low, high = int(first), int(last) if dash else int(first)
        if high < low:
            raise UsageError(f"{where}: the range {part.strip()} runs backwards")
        if high - low >= LONGEST_LIST:
            raise UsageError(f"{where}: the range {part.strip()} is longer than {LONGEST_LIST:,} samples")
        samples.extend(range(low, high + 1))
    twice = (
        sorted({sample for sample in samples if samples.count(sample) > 1}) if len(set(samples)) < len(samples) else []
    )
    if twice:
        raise UsageError(f"{where}: sample {twice[0]} is named twice")
    return samples


def sample_list_text(samples: Sequence[int] | None) -> str:
    """The samples as people write them, "0,2-5"; "all" for None. What `parse_sample_list` reads."""
    if samples is None:
        return "all"
    runs: list[list[int]] = []
    for sample in samples:
        if runs and sample == runs[-1][-1] + 1:
            runs[-1].append(sample)
        else:
            runs.append([sample])
    return ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def _is_index(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10
