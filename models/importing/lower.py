"""A network in real numbers as operators that integers can take the place of: gains, shifts and batch norms go into
the weights around them.

What a wire carries is then either *whole* (spikes, counts, codes of inputs: integers times a gain that the weights
behind it take up) or a *current* (sums of weights, whose unit is still free).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import singledispatchmethod

import numpy as np

from spikecycle.models.importing.bare_neuron import placed_neuron, without_drive, without_gain
from spikecycle.models.importing.current_sums import Joined, Late, Plus, Shared
from spikecycle.models.importing.currents import Current, Pooled, Weighted, identity
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
    FloatWire,
    Gain,
    Reshaped,
    ordered,
    product_shape,
    reduced,
)
from spikecycle.models.importing.inputs import InputEncoding
from spikecycle.models.importing.neuron import ONE, FloatNeuron
from spikecycle.models.importing.refusal import Refusal
from spikecycle.models.importing.whole import (
    Ones,
    Whole,
    by_channel,
    check_natural,
    inside,
    ones_for,
    placed,
    weighted_shift,
)
from spikecycle.traces import LayerShape, TraceError


@dataclass(frozen=True, eq=False)
class Potentials:
    """What neurons that never fire give: the end of a network."""

    wire: str


State = Whole | Current | Potentials


def lower(graph: FloatGraph, encoding: InputEncoding | None = None) -> FloatGraph:
    """The network on what the encoding makes of its inputs; without one, on its inputs as they are.

    It is a network in real numbers too, and fires as the other does. Refusal, naming the operator, where that cannot
    be.
    """
    return _Lowering(graph, encoding).run()


class _Lowering:
    def __init__(self, graph: FloatGraph, encoding: InputEncoding | None) -> None:
        self._graph = graph
        self._made: list[FloatOperator] = []
        self._begun: set[str] = set()
        step, doubled = (1.0, False) if encoding is None else (encoding.step, encoding.signed)
        c, h, w = graph.input_shape
        natural = (2 * c, h, w) if doubled else (c, h, w)
        self._natural_input = natural
        self._states: dict[str, State] = {INPUT: Whole(INPUT, natural, (c, h, w), np.asarray(step), doubled)}
        for each in graph.populations:  # a delayed wire may come from one that follows
            self._states[each.name] = Whole(each.name, each.shape, each.shape, ONE)
        self._uses = {each.name: len(graph.consumers(each.name)) for each in graph.operators}

    def run(self) -> FloatGraph:
        for operator in self._graph.operators:
            self._lower(operator)
        return FloatGraph(self._natural_input, ordered(self._received()), self._graph.outputs)

    def _lower(self, operator: FloatOperator) -> None:
        """Once; where it receives something a timestep later that follows it in order, that first."""
        if operator.name in self._begun:
            return
        self._begun.add(operator.name)
        try:
            state = self._lowered(operator)
        except Refusal as refusal:
            raise refusal.of(operator.name) from None
        except TraceError as error:
            raise Refusal(str(error)).of(operator.name) from None
        if isinstance(state, Current) and self._uses[operator.name] > 1:
            state = Shared(state.emit(self._emit), state)
        self._states[operator.name] = state

    def _received(self) -> list[FloatOperator]:
        """What was made, without what nobody receives, as all who would have made their own of it."""
        kept = self._made
        while True:
            taken = {wire.source for each in kept for wire in each.inputs}
            still = [each for each in kept if isinstance(each, FloatPopulation) or each.name in taken]
            if len(still) == len(kept):
                return kept
            kept = still

    def _emit(self, operator: FloatOperator) -> str:
        names = {each.name for each in self._made}
        name, number = operator.name, 2
        while name in names:
            name, number = f"{operator.name} ({number})", number + 1
        self._made.append(replace(operator, name=name))
        return name

    @singledispatchmethod
    def _lowered(self, operator: FloatOperator) -> State:
        raise AssertionError(type(operator).__name__)

    def _inputs(self, operator: FloatOperator) -> list[tuple[Whole | Current, int]]:
        found: list[tuple[Whole | Current, int]] = []
        for wire in operator.inputs:
            if wire.source not in self._states:
                self._lower(self._graph[wire.source])
            state = self._states.get(wire.source)
            if state is None:
                raise Refusal(f"a loop with {wire.source} without neurons that fire; supported: through neurons")
            if isinstance(state, Potentials):
                raise Refusal(f"receives potentials of {wire.source}, not spikes; supported: potentials at the output")
            found.append((state, wire.delay))
        return found

    @_lowered.register
    def _(self, operator: FloatSynapse) -> State:
        ((state, delay),) = self._inputs(operator)
        if not isinstance(state, Whole):
            return (Late(state) if delay else state).through(operator)
        layer, weight = operator.layer, operator.weight
        bias = operator.bias + weighted_shift(operator, state, delay)
        gain = np.broadcast_to(state.gain, state.shape)
        if layer.operator == "linear":
            weight = weight * gain.reshape(1, -1, 1, 1)
            if state.doubled:
                weight = np.concatenate([weight, -weight], axis=1)
            layer = LayerShape.linear(weight.shape[1], layer.M)
        else:
            by_group = by_channel("a gain before it", state.gain, state.shape, state.shape).reshape(layer.groups, -1)
            weight = weight * by_group.repeat(layer.M // layer.groups, axis=0)[:, :, None, None]
            layer = placed(layer, state)
            if state.doubled:
                if layer.groups > 1:
                    raise Refusal(
                        "negative inputs need OFF channels, which a grouped convolution cannot take; split the inputs "
                        "into ON and OFF channels yourself"
                    )
                weight, layer = np.concatenate([weight, -weight], axis=1), replace(layer, C=2 * layer.C)
        made = replace(
            operator, inputs=(FloatWire(state.wire, delay),), shape=layer.output_shape, layer=layer, weight=weight,
            bias=bias,
        )  # fmt: skip
        ones = ones_for(operator, made, state)
        if ones is None:
            return Weighted(made, operator.shape)
        shifted = inside(operator, state, ones, self._ones(ones, state))
        parts = (Weighted(made, operator.shape), Weighted(shifted, operator.shape))
        return Plus(FloatSum(f"sum in {operator.name}", (), operator.shape), parts)

    def _ones(self, ones: Ones, state: Whole) -> FloatWire:
        """A map of ones beside that of the state: of neurons that fire in every timestep, whatever arrives."""
        name, (channels, height, width) = f"always on beside {state.wire}", state.natural
        shape = (1, height, width)
        if all(each.name != name for each in self._made):
            layer = LayerShape("conv2d", channels, height, width, 1, 1, 1)
            weight = np.zeros(layer.weight_shape)
            to = FloatSynapse(f"to {name}", (FloatWire(state.wire),), shape, layer, weight, np.ones(1), parts=())
            neuron = FloatNeuron(leak=ONE, threshold=ONE, reset="hard", strict=False)
            self._made.append(FloatPopulation(name, (FloatWire(self._emit(to)),), shape, neuron))
        wire = FloatWire(name)
        for _ in range(ones.doublings):
            wire = FloatWire(self._emit(FloatSum(f"doubled {name}", (wire, wire), shape)))
        if ones.copies > 1:
            copies = (wire,) * ones.copies
            wire = FloatWire(self._emit(FloatJoin(f"copies of {name}", copies, (ones.copies, height, width))))
        return wire

    @_lowered.register
    def _(self, operator: Gain) -> State:
        ((state, delay),) = self._inputs(operator)
        gain, shift = reduced(operator.gain), reduced(operator.shift)
        if isinstance(state, Whole) and not delay:
            return replace(
                state,
                gain=reduced(np.broadcast_to(state.gain, state.shape) * gain),
                shift=reduced(np.broadcast_to(state.shift, state.shape) * gain + shift),
            )
        current = self._current(state, delay, operator.name)
        return current.scaled(
            by_channel("a scale", gain, operator.shape, current.natural),
            by_channel("a shift", shift, operator.shape, current.natural),
        )

    @_lowered.register
    def _(self, operator: Reshaped) -> State:
        ((state, _),) = self._inputs(operator)
        if isinstance(state, Whole):
            gain, shift = (
                values if values.size == 1 else np.broadcast_to(values, state.shape).reshape(operator.shape)
                for values in (state.gain, state.shift)
            )
            return replace(state, shape=operator.shape, gain=gain, shift=shift)
        return state.viewed(operator.shape)

    @_lowered.register
    def _(self, operator: FloatPooling) -> State:
        ((state, delay),) = self._inputs(operator)
        if isinstance(state, Whole):
            check_natural(state)
            gain = by_channel("a gain before it", state.gain, state.shape, state.shape)
            if operator.mode == "max" and (state.doubled or not (gain > 0).all()):
                raise Refusal(
                    "max pooling of negative inputs, which need OFF channels; split the inputs into ON and OFF "
                    "channels yourself"
                    if state.doubled
                    else "max pooling behind a scale that is not positive"
                )
            shift = by_channel("a shift before it", state.shift, state.shape, state.shape)
            if shift.any() and (delay or (operator.mode == "sum" and any(operator.padding))):
                raise Refusal(
                    "sums of windows with padding, or a timestep later, of what a batch norm or constant shifts"
                )
            if operator.mode == "sum":
                shift = shift * (operator.window[0] * operator.window[1])
            natural = (state.natural[0], *operator.shape[1:])
            made = replace(operator, inputs=(FloatWire(state.wire, delay),), shape=natural)
            factors, shifts = (reduced(values.reshape(-1, 1, 1)) for values in (gain, shift))
            return Whole(self._emit(made), natural, operator.shape, factors, state.doubled, shifts)
        if operator.mode == "sum" and not delay:
            summed = state.summed(operator)
            if summed is not None:
                return summed
        return Pooled(operator, Late(state) if delay else state)

    @_lowered.register
    def _(self, operator: FloatSum) -> State:
        states = self._inputs(operator)
        whole = [state for state, _ in states if isinstance(state, Whole)]
        if len(whole) == len(states) and not any(state.doubled or state.shift.any() for state in whole):
            first = whole[0]
            same = all(
                state.natural == first.natural and state.gain.size == first.gain.size == 1 and state.gain == first.gain
                for state in whole
            )
            if same:
                made = replace(
                    operator, shape=first.natural,
                    inputs=tuple(FloatWire(s.wire, d) for s, (_, d) in zip(whole, states, strict=True)),
                )  # fmt: skip
                return Whole(self._emit(made), first.natural, operator.shape, first.gain)
        parts = [
            self._current(state, delay, f"{operator.name} takes {wire.source}")
            for (state, delay), wire in zip(states, operator.inputs, strict=True)
        ]
        return Plus(operator, tuple(parts))

    @_lowered.register
    def _(self, operator: FloatJoin) -> State:
        states = self._inputs(operator)
        whole = [state for state, _ in states if isinstance(state, Whole)]
        if len(whole) == len(states) and not any(state.doubled for state in whole):
            for state in whole:
                check_natural(state)
            if any(s.shift.any() and delay for s, (_, delay) in zip(whole, states, strict=True)):
                raise Refusal("receives a shift a timestep later; supported: in the same timestep")
            gain = np.concatenate([by_channel("a gain", s.gain, s.shape, s.shape) for s in whole])
            shift = np.concatenate([by_channel("a shift", s.shift, s.shape, s.shape) for s in whole])
            made = replace(
                operator, inputs=tuple(FloatWire(s.wire, d) for s, (_, d) in zip(whole, states, strict=True))
            )
            factors, shifts = (reduced(values.reshape(-1, 1, 1)) for values in (gain, shift))
            return Whole(self._emit(made), operator.shape, operator.shape, factors, shift=shifts)
        parts = [
            self._current(state, delay, f"{operator.name} takes {wire.source}")
            for (state, delay), wire in zip(states, operator.inputs, strict=True)
        ]
        return Joined(operator, tuple(parts))

    @_lowered.register
    def _(self, operator: FloatProduct) -> State:
        states = self._inputs(operator)
        if not all(
            isinstance(state, Whole) and state.gain.size == 1 and not state.doubled and not state.shift.any()
            for state, _ in states
        ):
            raise Refusal("a product of currents; supported: products of what neurons emit, and of such products")
        (left, right) = (state for state, _ in states if isinstance(state, Whole))
        natural = product_shape(
            left.natural, right.natural, operator.heads, operator.transpose_left, operator.transpose_right
        )
        wires = tuple(FloatWire(each.wire, delay) for each, (_, delay) in zip((left, right), states, strict=True))
        made = self._emit(replace(operator, inputs=wires, shape=natural))
        return Whole(made, natural, operator.shape, left.gain * right.gain)

    @_lowered.register
    def _(self, operator: FloatPopulation) -> State:
        parts = [
            self._current(state, delay, f"{operator.name} takes {wire.source}")
            for (state, delay), wire in zip(self._inputs(operator), operator.inputs, strict=True)
        ]
        current = parts[0] if len(parts) == 1 else Plus(FloatSum(operator.name, (), operator.shape), tuple(parts))
        natural = current.natural
        neuron, gain = without_gain(placed_neuron(operator.neuron, operator.shape, natural), natural)
        neuron, shift = without_drive(neuron)
        drives = "what drives it (v_leak, a reset value)"
        drive = by_channel(drives, shift, natural, natural)
        by_channel(drives, neuron.drive, natural, natural)
        if (gain != 1).any() or drive.any():
            current = current.scaled(gain, drive)
        wires = tuple(current.wires(self._emit))
        self._made.append(FloatPopulation(operator.name, wires, natural, neuron, operator.reset_assumed))
        if neuron.reads_out:
            return Potentials(operator.name)
        return Whole(operator.name, natural, operator.shape, ONE)

    def _current(self, state: Whole | Current, delay: int, name: str) -> Current:
        """What arrives at neurons: whole numbers get a weight of their own."""
        if isinstance(state, Whole):
            natural = (state.shape[0], *state.natural[1:]) if state.doubled else state.natural
            gain = by_channel("a gain", state.gain, state.shape, natural)
            own = identity(name, FloatWire(state.wire, delay), natural, state.shape, gain, state.doubled)
            if not state.shift.any():
                return own
            if delay:
                raise Refusal("receives a shift a timestep later; supported: in the same timestep")
            return own.scaled(np.ones(natural[0]), by_channel("a shift", state.shift, state.shape, natural))
        return Late(state) if delay else state
