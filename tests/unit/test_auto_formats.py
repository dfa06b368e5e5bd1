"""The weight format "auto": each operator in the format that is best for it alone, checked against running them all."""

from __future__ import annotations

import pytest

import spikecycle
from spikecycle.simulator.errors import MappingError
from spikecycle.simulator.formats import WEIGHT_FORMATS
from spikecycle.simulator.result import LayerResult, RunResult

TRACE, MACHINE = "digits-pruned80", "spike_array"
MEASURES = {
    "energy": lambda layer: layer.energy_pj,
    "cycles": lambda layer: layer.cycles,
    "edp": lambda layer: layer.energy_pj * layer.cycles,
}


@pytest.fixture(scope="module")
def every_format() -> dict[str, RunResult]:
    """The network in every format that the machine can take."""
    results = {}
    for name in WEIGHT_FORMATS.names():
        try:
            results[name] = spikecycle.simulate(TRACE, MACHINE, formats={"weights": name}, samples=[0])
        except MappingError:
            continue
    assert len(results) >= 5
    return results


def picked(result: RunResult) -> dict[str, str]:
    """Format by operator, as the result's machine says."""
    formats = result.machine["formats"]
    assert isinstance(formats, dict)
    return {name: choice["weights"]["format"] for name, choice in formats["per_operator"].items()}


def layers_of(result: RunResult) -> dict[str, LayerResult]:
    return {layer.name: layer for layer in result.layers}


@pytest.mark.parametrize("by", MEASURES)
def test_each_operator_gets_the_format_that_costs_it_least(by: str, every_format: dict[str, RunResult]) -> None:
    """Each alone: a machine with several formats has their decoders side by side, and pays for clock and leakage."""
    measure = MEASURES[by]
    result = spikecycle.simulate(
        TRACE, MACHINE, settings={"formats.weights.auto_by": by}, formats={"weights": "auto"}, samples=[0]
    )
    chosen = picked(result)
    assert chosen.keys() == layers_of(result).keys()
    for name, layer in layers_of(result).items():
        in_each = {format_: measure(layers_of(one)[name]) for format_, one in every_format.items()}
        assert in_each[chosen[name]] == min(in_each.values())
        assert layer.cycles == layers_of(every_format[chosen[name]])[name].cycles


def test_what_was_picked_is_in_the_result(every_format: dict[str, RunResult]) -> None:
    result = spikecycle.simulate(TRACE, MACHINE, formats={"weights": "auto"}, samples=[0])
    for name, chosen in picked(result).items():
        alone = layers_of(every_format[chosen])[name]
        assert (alone.cycles, alone.storage) == (layers_of(result)[name].cycles, layers_of(result)[name].storage)


def test_an_operator_with_a_format_of_its_own_keeps_it() -> None:
    result = spikecycle.simulate(
        TRACE, MACHINE, formats={"weights": "auto", "weights.conv1": "uncompressed"}, samples=[0]
    )
    assert picked(result)["conv1"] == "uncompressed"


def test_a_windowed_spike_format_is_refused_from_the_declaration() -> None:
    message = r"\(dataflow spike_array\) cannot decode spikes in the format 'firing_words', it decodes: "
    with pytest.raises(MappingError, match=message):
        spikecycle.simulate(TRACE, MACHINE, formats={"spikes": "firing_words"})
