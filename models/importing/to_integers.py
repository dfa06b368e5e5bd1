"""A lowered network as the operators of a trace, and the same network in real numbers with the integers' values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from spikecycle.models.importing.graph import (
    INPUT,
    FloatGraph,
    FloatJoin,
    FloatOperator,
    FloatPooling,
    FloatPopulation,
    FloatProduct,
    FloatSum,
    FloatSynapse,
    reduced,
)
from spikecycle.models.importing.injected import added, arriving, inject
from spikecycle.models.importing.inputs import InputEncoding
from spikecycle.models.importing.leak import Leak, nearest_leak
from spikecycle.models.importing.neuron import ZERO, FloatNeuron, Reals
from spikecycle.models.importing.refusal import Refusal
from spikecycle.models.importing.units import Unit, units_of
from spikecycle.models.importing.weights import (
    WeightCodes,
    common_units,
    integer_bias,
    integer_threshold,
    to_codes,
    whole,
)
from spikecycle.traces import GraphBuilder, Neuron, Source, TraceError
from spikecycle.traces.schema import MAX_POTENTIAL_BITS

NeuronChoice = Literal["exact", "plain"]
HEADROOM = 2.0
"""Potentials may become so many times as large as on the calibration samples before they saturate."""


@dataclass(frozen=True, eq=False)
class Quantized:
    """builder: the integer network, its input without values; faked: the same with the integers' values, which lacks
    the rounding of leaks, and saturation; scales: by population, the value of a code of each channel (M,)."""

    builder: GraphBuilder
    faked: FloatGraph
    scales: Mapping[str, Reals]
    neurons: Mapping[str, Neuron]
    remarks: tuple[str, ...] = ()
    """What was added to it, one line for each population."""


@dataclass(frozen=True, eq=False)
class Reach:
    """The largest magnitudes of a population on samples: potentials and synaptic currents, by channel (M,)."""

    potential: Reals
    current: Reals


def in_hardware(graph: FloatGraph, tolerance: float, neurons: NeuronChoice) -> FloatGraph:
    """The network with leaks as fractions; `plain`: with neurons that every machine has.

    Plain neurons start at 0, reset in the timestep of the spike, and where they only read out they are neurons whose
    threshold is never reached. A subtraction after the leak, v' = leak v + I - threshold, is one before it in
    u = v + s with s = threshold (1 - leak) / leak, u' = leak (u - threshold - s) + I + (1 - leak) s, whose threshold
    is threshold + s; that u starts at 0 and not at s leaks away.
    """
    made: list[FloatOperator] = []
    biases: dict[str, Reals] = {}
    for each in graph.operators:
        if isinstance(each, FloatPopulation):
            neuron = replace(each.neuron, leak=nearest_leak(each.neuron.leak, tolerance).value)
            if neuron.current_leak is not None:
                neuron = replace(neuron, current_leak=nearest_leak(neuron.current_leak, tolerance).value)
            if neurons == "plain":
                try:
                    neuron, bias = _plain(neuron)
                except Refusal as refusal:
                    raise refusal.of(each.name) from None
                if bias.any():
                    biases[each.inputs[0].source] = bias.reshape(-1)
            made.append(replace(each, neuron=neuron))
        else:
            made.append(each)
    made = [
        replace(each, bias=each.bias + biases[each.name])
        if isinstance(each, FloatSynapse) and each.name in biases
        else each
        for each in made
    ]
    return replace(graph, operators=tuple(made))


def _plain(neuron: FloatNeuron) -> tuple[FloatNeuron, Reals]:
    if neuron.current_leak is not None:
        raise Refusal("plain neurons have no synaptic current; supported: neurons=exact")
    neuron = replace(neuron, start=ZERO)
    if neuron.reset_timing == "same" or neuron.reset != "soft":
        return replace(neuron, reset_timing="same"), ZERO
    if not (neuron.leak > 0).all():
        raise Refusal("subtracts the threshold from a potential that keeps nothing; supported: neurons=exact")
    shift = neuron.threshold * (1 - neuron.leak) / neuron.leak
    if shift.ndim == 3 and shift.shape[1:] != (1, 1):
        raise Refusal("leaks or thresholds that differ between neurons of a channel; supported: neurons=exact")
    moved = replace(neuron, threshold=neuron.threshold + shift, reset_timing="same")
    return moved, (1 - neuron.leak) * shift


def quantize(
    graph: FloatGraph,
    encoding: InputEncoding,
    weight_bits: int,
    potential_bits: int | None,
    steps: int,
    reach: Mapping[str, Reach],
    plain: bool,
) -> Quantized:
    """The network of `in_hardware` with weights of weight_bits, receiving integers of the encoding for `steps` steps.

    potential_bits: None for what the calibration's reach needs with HEADROOM. Refusal, naming the operator, where
    something does not fit.
    """
    return _Quantizer(graph, encoding, weight_bits, potential_bits, steps, reach, plain).run()


class _Quantizer:
    def __init__(
        self, graph: FloatGraph, encoding: InputEncoding, weight_bits: int, potential_bits: int | None, steps: int,
        reach: Mapping[str, Reach], plain: bool,
    ) -> None:  # fmt: skip
        self._graph, self._weight_bits, self._potential_bits = graph, weight_bits, potential_bits
        self._steps, self._reach, self._plain = steps, reach, plain
        self._units = units_of(graph)
        self._builder = GraphBuilder(steps)
        self._builder.input(INPUT, shape=graph.input_shape, bits=encoding.bits)
        self._made: list[FloatOperator] = []
        self._scales: dict[int, Reals] = {}
        self._codes: dict[str, WeightCodes] = {}
        self._neurons: dict[str, Neuron] = {}
        self._remarks: list[str] = []

    def run(self) -> Quantized:
        for each in self._graph.operators:
            try:
                self._made.append(self._quantized(each))
            except (Refusal, TraceError) as error:
                refusal = (
                    error if isinstance(error, Refusal) else Refusal(str(error).removeprefix(f"operator {each.name}: "))
                )
                raise refusal.of(each.name) from None
        scales = {each.name: self._scale(self._units[each.name], each.shape[0]) for each in self._graph.populations}
        return Quantized(
            self._builder,
            replace(self._graph, operators=tuple(self._made)),
            scales,
            self._neurons,
            tuple(self._remarks),
        )

    def _scale(self, unit: Unit, channels: int) -> Reals:
        if id(unit) not in self._scales:
            most = max([each.layer.M for each in unit.synapses] + [each.shape[0] for each in unit.populations])
            largest = {
                name: float(spec.range.highest) for name, spec in self._builder.tensors.items() if not spec.signed
            }
            self._scales[id(unit)] = unit.scale(most, self._weight_bits, self._steps, largest)
        scale = self._scales[id(unit)]
        return np.full(channels, scale[0]) if unit.one_scale else scale[:channels]

    def _sources(self, operator: FloatOperator) -> list[Source]:
        sources = []
        for wire in operator.inputs:
            if wire.delay:
                sources.append(self._builder.delayed(wire.source, self._graph.shape_of(wire.source)))
            else:
                sources.append(Source(wire.source))
        return sources

    def _quantized(self, operator: FloatOperator) -> FloatOperator:
        sources = self._sources(operator)
        name, builder = operator.name, self._builder
        if isinstance(operator, FloatSynapse):
            return self._synapse(operator, sources[0])
        if isinstance(operator, FloatPopulation):
            return self._population(operator, sources)
        if isinstance(operator, FloatPooling):
            builder.pool(
                name, sources[0], operator.mode, operator.window, stride=operator.stride, padding=operator.padding
            )
        elif isinstance(operator, FloatSum):
            builder.add(name, sources)
        elif isinstance(operator, FloatJoin):
            builder.concatenate(name, sources)
        elif isinstance(operator, FloatProduct):
            builder.attention(
                name, sources[0], sources[1], heads=operator.heads, transpose_left=operator.transpose_left,
                transpose_right=operator.transpose_right,
            )  # fmt: skip
        else:
            raise AssertionError(name)
        return operator

    def _synapse(self, operator: FloatSynapse, source: Source) -> FloatOperator:
        layer = operator.layer
        scale = self._scale(self._units[operator.name], layer.M)
        codes = self._codes[operator.name] = to_codes(operator.weight, scale, self._weight_bits)
        bias = integer_bias(operator.bias, scale)
        given = None if not bias.any() else bias
        if layer.operator == "linear":
            self._builder.linear(
                operator.name, source, codes.codes[:, :, 0, 0], weight_bits=self._weight_bits, bias=given,
                weight_scale=scale,
            )  # fmt: skip
        else:
            self._builder.conv2d(
                operator.name, source, codes.codes, weight_bits=self._weight_bits, stride=layer.stride,
                padding=layer.sides, dilation=layer.dilation, groups=layer.groups, bias=given, weight_scale=scale,
            )  # fmt: skip
        weight = codes.codes * scale[:, None, None, None]
        return replace(operator, weight=weight, bias=bias * scale)

    def _population(self, operator: FloatPopulation, sources: list[Source]) -> FloatOperator:
        neuron, shape = operator.neuron, operator.shape
        scale = self._scale(self._units[operator.name], shape[0])
        by_map = scale[:, None, None]
        leak = nearest_leak(neuron.leak)
        kept = neuron.leak.size == 1 and leak.numerator == 2**leak.shift
        values: dict[str, object] = {"leak_numerator": _flat(leak.numerator), "leak_shift": leak.shift}
        reach = self._reach[operator.name]
        largest = max(float((reach.potential / scale).max()), float(np.abs(neuron.start / by_map).max()))
        threshold: npt.NDArray[np.int32] | None = None
        constant = np.round(neuron.drive / by_map).astype(np.int64)
        start = np.round(neuron.start / by_map).astype(np.int64)
        current: Leak | None = None
        if neuron.current_leak is not None:
            current = nearest_leak(neuron.current_leak)
            values["current_leak_numerator"] = _flat(current.numerator)
            values["current_leak_shift"] = current.shift
        if neuron.reads_out and not self._plain:
            bits = self._potential_bits or self._bits(HEADROOM * largest + 1, "potentials")
            kind = "readout"
        elif neuron.reads_out:
            bits = self._potential_bits or self._bits(HEADROOM * largest + 1, "potentials")
            threshold = np.full(1, 2 ** (bits - 1) - 1, np.int32)
            kind = "if" if kept else "lif"
        else:
            threshold = integer_threshold(
                _by_channel_or_neuron(neuron.threshold, shape), scale, neuron.reset, neuron.strict,
                self._may_take_next(operator, scale),
            )  # fmt: skip
            bits = self._potential_bits or self._bits(max(HEADROOM * largest, float(threshold.max())), "potentials")
            if threshold.max() >= 2 ** (bits - 1):
                raise Refusal(
                    f"a threshold of {threshold.max()} does not fit {bits}-bit potentials: it takes "
                    f"{int(threshold.max()).bit_length() + 1} bits, or fewer weight bits"
                )
            kind = "synaptic" if neuron.current_leak is not None else "if" if kept else "lif"
        values |= {"kind": kind, "potential_bits": bits}
        # A trace starts below every threshold; what a channel lacks of its start by that arrives in the first timestep.
        top = 2 ** (bits - 1) - 1 if threshold is None else int(threshold.min()) - 1
        begun = np.clip(start, -(2 ** (bits - 1)), top)
        values["start_potential"] = _flat(begun.astype(np.int32))
        lacking = ((start * leak.numerator) >> leak.shift) - ((begun * leak.numerator) >> leak.shift)
        if constant.any() or lacking.any():
            through = None if current is None else (current.numerator.astype(np.int64), current.shift)
            extra = arriving(constant, lacking, through)
            self._remarks.append(added(operator.name, bool(constant.any())))
            layers = [each.layer for each in self._synapses(operator)]
            extra_source = inject(
                self._builder, operator.name, shape, extra, self._weight_bits, scale, layers[0] if layers else None
            )
            sources = [*sources, extra_source]
        if current is not None:
            carried = float(np.abs(constant).max() + np.abs(lacking).max())
            values["current_bits"] = self._bits(
                HEADROOM * float((reach.current / scale).max()) + carried + 1, "synaptic currents"
            )
        if threshold is not None:
            values["threshold"] = _flat(threshold)
            if not neuron.reads_out:
                values |= {"reset": neuron.reset, "reset_timing": neuron.reset_timing}
                if neuron.reset == "hard":
                    values["reset_value"] = _reset_value(neuron.reset_value, scale)
        if kind == "if":
            values["leak_numerator"], values["leak_shift"] = 1, 0
        built = self._neurons[operator.name] = Neuron(**values)  # type: ignore[arg-type]
        self._builder.neuron(operator.name, sources, built)
        neuron = replace(neuron, drive=reduced(constant * by_map))
        if threshold is None or neuron.reads_out:
            return replace(operator, neuron=neuron)
        faked = replace(neuron, threshold=reduced(threshold * by_map), strict=False)
        return replace(operator, neuron=faked)

    def _synapses(self, operator: FloatPopulation) -> list[FloatSynapse]:
        """Those that it receives currents of, without operators between."""
        found = [self._graph.by_name.get(wire.source) for wire in operator.inputs]
        return [each for each in found if isinstance(each, FloatSynapse)]

    def _may_take_next(self, operator: FloatPopulation, scale: Reals) -> npt.NDArray[np.bool_]:
        """Channels whose soft reset may subtract one more than the threshold, as float neurons fire above it.

        Where codes, biases and threshold are all multiples of m units, what spikes subtract too much stays below m: it
        adds up over `steps`, or over the 1 / (1 - leak) that a potential keeps.
        """
        neuron, none = operator.neuron, np.zeros(operator.shape[0], bool)
        leak = np.broadcast_to(neuron.leak, operator.shape).reshape(len(none), -1).max(axis=1)
        kept = np.minimum(self._steps, 1 / np.maximum(1 - leak, 1 / self._steps))
        synapses = [self._graph[wire.source] for wire in operator.inputs]
        if neuron.reset != "soft" or not neuron.strict or neuron.start.any() or neuron.drive.any():
            return none
        if not all(isinstance(each, FloatSynapse) and each.name in self._codes for each in synapses):
            return none
        exact = ~none
        integers = []
        for each in synapses:
            assert isinstance(each, FloatSynapse)
            exact &= self._codes[each.name].exact & whole(each.bias / scale)
            integers += [self._codes[each.name].codes, integer_bias(each.bias, scale)[:, None]]
        nearest = np.round(_by_channel_or_neuron(neuron.threshold, operator.shape) / scale[:, None, None])
        coarse: npt.NDArray[np.bool_] = common_units(*integers, nearest) > kept
        return exact & coarse

    def _bits(self, largest: float, what: str) -> int:
        """Width of a signed number that reaches `largest`."""
        bits = max(2, int(largest).bit_length() + 1)
        if bits > MAX_POTENTIAL_BITS:
            raise Refusal(f"{what} need {bits} bits, a trace holds {MAX_POTENTIAL_BITS}")
        return bits


def _reset_value(values: Reals, scale: Reals) -> int:
    """The one that a trace holds; Refusal where it would have to be several."""
    found = np.unique(np.round(values / scale[:, None, None]))
    if len(found) > 1:
        raise Refusal(
            f"reset values (v_reset, from where the neurons rest) of {values.min():g} to {values.max():g} in a "
            "population; supported: one for all"
        )
    return int(found[0])


def _flat(values: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """One number (1,), one for each channel (M,), or one for each neuron (M, P, Q)."""
    if values.size == 1 or (values == values.flat[0]).all():
        return values.reshape(-1)[:1]
    if values.ndim == 3 and values.shape[1:] == (1, 1):
        return values.reshape(-1)
    by_channel = values.reshape(len(values), -1)
    return by_channel[:, 0].copy() if (by_channel == by_channel[:, :1]).all() else values


def _by_channel_or_neuron(values: Reals, shape: tuple[int, int, int]) -> Reals:
    """(M, 1, 1), or (M, P, Q) where neurons of a channel differ."""
    by_neuron = values.ndim == 3 and values.shape[1:] != (1, 1)
    found: Reals = np.broadcast_to(values, shape if by_neuron else (shape[0], 1, 1))
    return found
