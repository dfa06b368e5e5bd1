"""The outcome of `--verify` as text."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from spikecycle.simulator.report import human
from spikecycle.simulator.result import VerificationResult


def is_exact(layers: Sequence[VerificationResult]) -> bool:
    """Whether there was something to compare, and all of it was equal."""
    return any(layer.recorded for layer in layers) and not any(layer.mismatches for layer in layers)


def verification_report(layers: Sequence[VerificationResult]) -> Text:
    """One line if all is well; else one line for each layer that differs."""
    recorded = [layer for layer in layers if layer.recorded]
    unrecorded = [layer.layer for layer in layers if not layer.recorded]
    compared = sum(layer.spikes_compared for layer in recorded)
    wrong = [layer for layer in recorded if layer.mismatches]
    if not recorded:
        return Text("verify: the trace has no recorded output spikes, there is nothing to compare with", style="red")
    if wrong:
        lines = [
            f"verify: layer {layer.layer}: {layer.mismatches:,} of {layer.spikes_compared:,} recomputed outputs differ "
            f"from the recorded ones{_first(layer)}"
            for layer in wrong
        ]
        return Text("\n".join(lines), style="red")
    of = human.numbered(len(recorded), "layer")
    text = f"verify: exact, {human.numbered(compared, 'recomputed output')} of {of} equal the recorded ones"
    if unrecorded:
        text += f" (not recorded: {', '.join(unrecorded)})"
    return Text(text, style="green")


def _first(layer: VerificationResult) -> str:
    if layer.first_mismatch is None:
        return ""
    places = zip(("sample", "timestep", "channel", "row", "column"), layer.first_mismatch, strict=True)
    return f", first at {', '.join(f'{name} {index}' for name, index in places)}"
