"""Traces of version 1: lists of layers."""

from __future__ import annotations

from pathlib import Path

from tests.bad_input.inputs import small_trace
from tests.fuzz.surfaces.trace_checks import TraceFuzzer
from tests.unit.traces.builders import write_two_layers


class LayerTraces(TraceFuzzer):
    """Files of layers, with outputs and without, of spikes and of counts."""

    name = "layer-traces"
    share = 6

    def prepare(self, folder: Path) -> None:
        """Two small traces."""
        self.start_from([small_trace(folder), write_two_layers(folder / "two.h5")])
