"""A study of seconds: few digits, a narrow network, one epoch, one machine."""

from __future__ import annotations

import sys
from pathlib import Path

DATA = "name: digits, options: {samples_per_class: 6, timesteps: 4}"
TEXT = f"""
describes: As small as a study can be.
data: {{{DATA}}}
network: {{name: digits, options: {{width: 0.25, voters: 1}}}}
training: {{epochs: 1, learning_rate: 1.0e-3}}
common:
  training: {{epochs: 1, learning_rate: 1.0e-3}}
compressions:
  - name: quantized
    grid: {{weight_bits: [8, 2]}}
  - name: pruned
    pruner: {{kind: global_magnitude}}
    grid: {{pruner.share: [0.5, 0.8]}}
  - name: both
    weight_bits: 2
    order: sequential
    pruner: {{kind: global_magnitude, share: 0.5}}
  - name: mixed
    mixed: {{bits: [2, 8], machine: spike_array, format: bitmask, energy_share: 0.9, samples_per_class: 2}}
  - name: narrow
    width: 0.125
  - name: diverse
    mixed:
      {{bits: [8], pruners: [{{kind: n_m, n: 1, m: 4}}, {{kind: channel, share: 0.5}}], machine: spike_array,
      format: bitmask, energy_share: 0.8, samples_per_class: 2}}
formats: [uncompressed, bitmask]
machines: [spike_array]
"""
COMPRESSIONS = 8
SIMULATIONS = 16


def write_study(folder: Path, text: str = TEXT, name: str = "tiny") -> Path:
    """The study as a file in that folder."""
    path = folder / f"{name}.yaml"
    path.write_text(text)
    return path


def command(*arguments: object) -> list[str]:
    """The command as another process runs it."""
    program = "from spikecycle.models.study.command import app; app()"
    return [sys.executable, "-c", program, *map(str, arguments)]
