"""Verification: every operator recomputed from what entered it, and compared with what was recorded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import partial

from spikecycle.simulator.dataflows.stage import layers
from spikecycle.simulator.replay import Comparison, SampleTensors
from spikecycle.simulator.result import VerificationResult
from spikecycle.simulator.side_by_side import in_order
from spikecycle.traces import Operator, Trace


def verify_network(network: Trace, samples: Sequence[int], threads: int = 1) -> list[VerificationResult]:
    """Recompute every operator, each from its recorded inputs where there are recordings; `threads` samples and
    operators side by side.

    One entry per layer: a population with the synapses that feed it, or any other operator by itself. Synapses whose
    currents were recorded too have an entry of their own.
    """
    compared = list(_compared(network))
    jobs = (
        partial(_compare, network, operator, sample)
        for _, operator in compared
        if network.tensors[operator.output.name].recorded
        for sample in samples
    )
    with closing(in_order(jobs, threads)) as comparisons:
        return [_verified(network, layer, operator, samples, comparisons) for layer, operator in compared]


def _compared(network: Trace) -> Iterator[tuple[str, Operator]]:
    """What has an entry: the layer's name, and the operator."""
    for stage in layers(network):
        *inner, last = stage.operators
        yield from ((operator.name, operator) for operator in inner if network.tensors[operator.output.name].recorded)
        yield stage.name, last


def _compare(network: Trace, operator: Operator, sample: int) -> Comparison:
    """One operator whose output is recorded, on one sample."""
    comparison = SampleTensors(network, sample).verify(operator)
    assert comparison is not None
    return comparison


def _verified(
    network: Trace, layer: str, operator: Operator, samples: Sequence[int], comparisons: Iterator[Comparison]
) -> VerificationResult:
    """One operator, over all samples: its comparisons are next."""
    recorded = network.tensors[operator.output.name].recorded
    compared = mismatches = 0
    first: list[int] | None = None
    for sample, comparison in zip(samples if recorded else (), comparisons, strict=False):
        compared += comparison.compared
        mismatches += comparison.mismatches
        if first is None and comparison.first_mismatch is not None:
            first = [sample, *comparison.first_mismatch]
    return VerificationResult(
        layer=layer, recorded=recorded, spikes_compared=compared, mismatches=mismatches, first_mismatch=first
    )
