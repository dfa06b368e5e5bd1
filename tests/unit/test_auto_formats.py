"""The weight format "auto": each operator in the format that is best for it alone, checked against running them all."""

from __future__ import annotations

import pytest

import spikecycle
from spikecycle.simulator.errors import MappingError
from spikecycle.simulator.formats import WEIGHT_FORMATS
from spikecycle.simulator.result import LayerResult, RunResult

TRACE, MACHINE = "digits-pruned80", "spike_array"
MEASURES = {
    "energy": lambda layer: layer.sum_energy_pj,
    "cycles": lambda layer: layer.sum_cycles,
    "edp": lambda layer: layer.sum_energy_pj * layer.sum_cycles,
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


def layers_of(result: RunResult) -> dict[str, LayerResult]:
    return {layer.name: layer for layer in result.layers}


def picked(result: RunResult) -> dict[str, str]:
    """The format of each operator."""
    formats = result.machine["formats"]
    assert isinstance(formats, dict)
    return {name: choice["weights"]["format"] for name, choice in formats["per_operator"].items()}


def counted_pj(layer: LayerResult) -> float:
    """Energy of everything but clock and leakage."""
    return sum(one.sum_energy_pj for one in layer.counters if one.resource != "clock")


@pytest.mark.parametrize("by", MEASURES)
def test_each_operator_costs_what_it_costs_in_its_best_format(by: str, every_format: dict[str, RunResult]) -> None:
    measure = MEASURES[by]
    result = spikecycle.simulate(
        TRACE, MACHINE, settings={"formats.weights.auto_by": by}, formats={"weights": "auto"}, samples=[0]
    )
    chosen = picked(result)
    for name, layer in layers_of(result).items():
        in_each = {format_: measure(layers_of(one)[name]) for format_, one in every_format.items()}
        assert in_each[chosen[name]] == pytest.approx(min(in_each.values()), rel=1e-12)
        alone = layers_of(every_format[chosen[name]])[name]
        assert layer.sum_cycles == alone.sum_cycles
        # clock and leakage are those of the whole array, which has the decoders of all chosen formats
        assert counted_pj(layer) == pytest.approx(counted_pj(alone), rel=1e-12)


def test_what_was_picked_is_in_the_result(every_format: dict[str, RunResult]) -> None:
    result = spikecycle.simulate(TRACE, MACHINE, formats={"weights": "auto"}, samples=[0])
    assert picked(result).keys() == layers_of(result).keys()
    for name, chosen in picked(result).items():
        alone = layers_of(every_format[chosen])[name]
        assert (alone.sum_cycles, alone.storage) == (
            layers_of(result)[name].sum_cycles,
            layers_of(result)[name].storage,
        )


def test_an_operator_with_a_format_of_its_own_keeps_it() -> None:
    result = spikecycle.simulate(
        TRACE, MACHINE, formats={"weights": "auto", "weights.conv1": "uncompressed"}, samples=[0]
    )
    formats = result.machine["formats"]
    assert isinstance(formats, dict)
    assert formats["per_operator"]["conv1"]["weights"]["format"] == "uncompressed"


def test_a_windowed_spike_format_is_refused_from_the_declaration() -> None:
    message = r"\(dataflow spike_array\) cannot take spikes in the format 'firing_words': "
    with pytest.raises(MappingError, match=message):
        spikecycle.simulate(TRACE, MACHINE, formats={"spikes": "firing_words"})
