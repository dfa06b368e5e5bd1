"""From a machine file's choice of a format to the format."""

from __future__ import annotations

from dataclasses import replace

from spikecycle.simulator.formats.base import WEIGHT_FORMATS, WeightFormat
from spikecycle.simulator.formats.spikes import SPIKE_FORMATS, SpikeFormat
from spikecycle.simulator.machine.schema import SpikeFormatChoice, WeightFormatChoice


def weight_format(choice: WeightFormatChoice) -> WeightFormat:
    """The weight format that a machine file names, with its run_bits; UsageError if there is none of that name."""
    chosen = WEIGHT_FORMATS.lookup(choice.format)
    return replace(chosen, run_bits=choice.run_bits) if chosen.run_bits else chosen


def spike_format(choice: SpikeFormatChoice) -> SpikeFormat:
    """The spike format that a machine file names; UsageError if there is none of that name."""
    return SPIKE_FORMATS.lookup(choice.format)
