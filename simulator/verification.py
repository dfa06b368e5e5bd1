"""Verification: every operator recomputed from what entered it, and compared with what was recorded."""

from __future__ import annotations

from collections.abc import Sequence

from spikecycle.simulator.dataflows.stage import layers
from spikecycle.simulator.replay import SampleTensors
from spikecycle.simulator.result import VerificationResult
from spikecycle.traces import Operator, Trace


def verify_network(network: Trace, samples: Sequence[int]) -> list[VerificationResult]:
    """Recompute every operator, each from its recorded inputs where there are recordings.

    One entry per layer: a population with the synapses that feed it, or any other operator by itself. Synapses whose
    currents were recorded too have an entry of their own.
    """
    results = []
    for stage in layers(network):
        *inner, last = stage.operators
        for operator in inner:
            if network.tensors[operator.output.name].recorded:
                results.append(_verify_operator(network, operator.name, operator, samples))
        results.append(_verify_operator(network, stage.name, last, samples))
    return results


def _verify_operator(network: Trace, layer: str, operator: Operator, samples: Sequence[int]) -> VerificationResult:
    """One operator, over all samples."""
    compared = mismatches = 0
    first: list[int] | None = None
    for sample in samples:
        comparison = SampleTensors(network, sample).verify(operator)
        if comparison is None:
            break
        compared += comparison.compared
        mismatches += comparison.mismatches
        if first is None and comparison.first_mismatch is not None:
            first = [sample, *comparison.first_mismatch]
    return VerificationResult(
        layer=layer,
        recorded=network.tensors[operator.output.name].recorded,
        spikes_compared=compared,
        mismatches=mismatches,
        first_mismatch=first,
    )
