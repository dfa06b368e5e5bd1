"""Verification: every operator recomputed from what entered it, and compared with what was recorded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing

from spikecycle.simulator.dataflows.stage import LONG_WORK, dense_work, layers
from spikecycle.simulator.replay import Comparison, SampleTensors
from spikecycle.simulator.result import VerificationResult
from spikecycle.simulator.side_by_side import Series, side_by_side
from spikecycle.traces import Operator, Trace


def verify_network(network: Trace, samples: Sequence[int], threads: int = 1) -> list[VerificationResult]:
    """Recompute every operator, each from its recorded inputs where there are recordings; `threads` samples and
    operators side by side.

    One entry per layer: a population with the synapses that feed it, or any other operator by itself. Synapses whose
    currents were recorded too have an entry of their own.
    """
    verified = [_Verified(network, layer, operator, samples) for layer, operator in _compared(network)]
    series = [one.series() for one in verified]
    with closing(side_by_side(series, threads, long_work=LONG_WORK // network.timesteps)) as compared:
        for _ in compared:
            pass
    return [one.result() for one in verified]


def _compared(network: Trace) -> Iterator[tuple[str, Operator]]:
    """What has an entry: the layer's name, and the operator."""
    for stage in layers(network):
        *inner, last = stage.operators
        yield from ((operator.name, operator) for operator in inner if network.tensors[operator.output.name].recorded)
        yield stage.name, last


class _Verified:
    """An operator that is recomputed, and how often it differed."""

    def __init__(self, network: Trace, layer: str, operator: Operator, samples: Sequence[int]) -> None:
        self._network, self._layer, self._operator = network, layer, operator
        self._recorded = network.tensors[operator.output.name].recorded
        self._samples = samples if self._recorded else ()
        self._taken = self._compared = self._mismatches = 0
        self._first: list[int] | None = None

    def series(self) -> Series[Comparison]:
        """The jobs, one per sample: none where nothing was recorded."""
        return Series(len(self._samples), self._compare, self._take, work=dense_work([self._operator]))

    def _compare(self, index: int) -> Comparison:
        comparison = SampleTensors(self._network, self._samples[index]).verify(self._operator)
        assert comparison is not None
        return comparison

    def _take(self, comparison: Comparison) -> None:
        self._compared += comparison.compared
        self._mismatches += comparison.mismatches
        if self._first is None and comparison.first_mismatch is not None:
            self._first = [self._samples[self._taken], *comparison.first_mismatch]
        self._taken += 1

    def result(self) -> VerificationResult:
        """The entry, when all samples are compared."""
        return VerificationResult(
            layer=self._layer, recorded=self._recorded, spikes_compared=self._compared, mismatches=self._mismatches,
            first_mismatch=self._first,
        )  # fmt: skip
