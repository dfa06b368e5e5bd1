"""Makes a network in real numbers of parts that are named one after the other; each call checks what fits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

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
    Pair,
    Reshaped,
    Shape,
    Sides,
    broadcast,
    ordered,
    product_shape,
)
from spikecycle.models.importing.neuron import ONE, ZERO, FloatNeuron, Reals
from spikecycle.models.importing.refusal import Refusal
from spikecycle.traces import LayerShape, TraceError
from spikecycle.traces.shape import output_size

MOST_LATE = 256
"""Timesteps of a delay, each of which takes an operator of the trace."""


def three(shape: Sequence[int]) -> Shape:
    """(C, H, W) of (C, H, W), (C, L), (C,), or one of these behind axes of size 1."""
    sizes = [int(size) for size in shape]
    while len(sizes) > 3 and sizes[0] == 1:
        sizes = sizes[1:]
    if not 1 <= len(sizes) <= 3:
        raise Refusal(f"maps of shape {tuple(shape)}; supported: (C,), (C, L), (C, H, W)")
    channels, height, width = {1: (sizes[0], 1, 1), 2: (sizes[0], 1, sizes[-1]), 3: tuple(sizes)}[len(sizes)]
    return (channels, height, width)


class GraphMaker:
    """Every method adds an operator of that name and returns its wire; Refusal where it does not fit."""

    def __init__(self, input_shape: Sequence[int]) -> None:
        self.input_shape = three(input_shape)
        self.operators: dict[str, FloatOperator] = {}
        self.shapes: dict[str, Shape] = {INPUT: self.input_shape}
        self.input = FloatWire(INPUT)
        self._ahead: dict[str, str] = {}
        """By the name of what is received ahead of its making, the node that makes it."""
        self._settled: dict[str, FloatWire] = {}
        self._held: dict[tuple[str, int], FloatWire] = {}

    def announce(self, name: str, shape: Shape) -> None:
        """The shape of what is made later, and received before (recurrence)."""
        self.shapes.setdefault(name, shape)

    def linear(self, name: str, wire: FloatWire, weight: Reals, bias: Reals | None) -> FloatWire:
        """weight: (M, inputs); the inputs are flattened in the order channel, row, column."""
        shape = self.shapes[wire.source]
        if weight.ndim != 2 or weight.shape[1] != np.prod(shape):
            raise Refusal(f"weights of shape {weight.shape} for inputs of shape {shape}")
        return self._synapse(
            name, wire, LayerShape.linear(weight.shape[1], weight.shape[0]), weight[:, :, None, None], bias
        )

    def convolve(
        self, name: str, wire: FloatWire, weight: Reals, bias: Reals | None, stride: Pair, padding: Sides,
        dilation: Pair, groups: int,
    ) -> FloatWire:  # fmt: skip
        """weight: (M, C / groups, R, S)."""
        c, h, w = self.shapes[wire.source]
        if weight.ndim != 4 or weight.shape[1] * groups != c:
            raise Refusal(f"weights of shape {weight.shape} in {groups} groups for inputs of shape {(c, h, w)}")
        m, _, r, s = weight.shape
        try:
            layer = LayerShape("conv2d", c, h, w, m, r, s, stride, padding, groups, dilation)
        except TraceError as error:
            raise Refusal(str(error)) from None
        return self._synapse(name, wire, layer, weight, bias)

    def _synapse(self, name: str, wire: FloatWire, layer: LayerShape, weight: Reals, bias: Reals | None) -> FloatWire:
        if not (np.isfinite(weight).all() and (bias is None or np.isfinite(bias).all())):
            raise Refusal("weights or biases that are not finite")
        if bias is not None and bias.shape != (layer.M,):
            raise Refusal(f"biases of shape {bias.shape} for {layer.M} output channels")
        offset = np.zeros(layer.M) if bias is None else bias
        return self._add(FloatSynapse(name, (wire,), layer.output_shape, layer, weight, offset))

    def neurons(self, name: str, wires: Sequence[FloatWire], neuron: FloatNeuron, assumed: bool = False) -> FloatWire:
        """Neurons that sum what arrives; parameters of any shape that fits the maps."""
        shape = self._same(wires)
        fitted = {what: broadcast(what, values, shape) for what, values in neuron.arrays().items()}
        placed = FloatNeuron(reset=neuron.reset, strict=neuron.strict, reset_timing=neuron.reset_timing, **fitted)
        unlimited = np.isinf(placed.threshold) & (placed.threshold > 0)
        if placed.reads_out or unlimited.all():
            placed = FloatNeuron(  # a readout, written with a threshold that is never reached
                leak=placed.leak, threshold=ONE, reset="none", gain=placed.gain, drive=placed.drive,
                start=placed.start, current_leak=placed.current_leak,
            )  # fmt: skip
        for what, values in placed.arrays().items():
            if not np.isfinite(values).all():
                raise Refusal(
                    f"{what} of {values[~np.isfinite(values)].flat[0]:g}; supported: finite ones, and thresholds that "
                    "are all infinite (a readout)"
                )
        lowest = placed.reset_value if placed.reset == "hard" else ZERO
        if not placed.reads_out and not (placed.threshold > lowest).all():
            raise Refusal("v_threshold must lie above v_reset, or above 0 where spikes subtract it")
        return self._add(FloatPopulation(name, tuple(wires), shape, placed, assumed))

    def pool(
        self, name: str, wire: FloatWire, mode: str, window: Pair, stride: Pair, padding: Sides = (0, 0, 0, 0),
        rounds_up: bool = False,
    ) -> FloatWire:  # fmt: skip
        """The max, sum or average of windows; of the average, the padding counts. rounds_up: torch's ceil_mode."""
        c, h, w = self.shapes[wire.source]
        if rounds_up:
            padding = _ceiled((h, w), window, stride, padding)
        p, q = (
            output_size(side, kernel, step, pads)
            for side, kernel, step, pads in zip((h, w), window, stride, (padding[:2], padding[2:]), strict=True)
        )
        if p < 1 or q < 1:
            raise Refusal(f"windows {window} do not fit a map of {h}x{w}")
        if mode != "average":
            return self._add(
                FloatPooling(name, (wire,), (c, p, q), "max" if mode == "max" else "sum", window, stride, padding)
            )
        total = self._add(FloatPooling(name, (wire,), (c, p, q), "sum", window, stride, padding))
        return self.scale(f"{name}, divided", total, np.asarray(1 / (window[0] * window[1])))

    def late(self, name: str, wire: FloatWire, steps: int) -> FloatWire:
        """What the wire carries, so many timesteps later, and zeros before: each but the last is held by an operator
        of its own, whose windows are of one value."""
        if not steps:
            return wire
        steps += wire.delay
        if steps > MOST_LATE:
            raise Refusal(f"a delay of {steps} timesteps; supported: up to {MOST_LATE}")
        shape = self.shapes[wire.source]
        for step in range(1, steps):
            held = f"{name}, {step} late" if step > 1 else f"{name}, late"
            wire = self._add(FloatPooling(held, (wire._replace(delay=1),), shape, "sum", (1, 1), (1, 1)))
        return wire._replace(delay=1)

    def ahead(self, name: str, shape: Shape, delay: int, fires: bool) -> FloatWire:
        """The wire of what is made later, and received before (recurrence); of what does not fire, `settle` has to be
        told which it is."""
        label = name if fires else f"{name}, made later"
        if not fires:
            self._ahead[label] = name
        self.announce(label, shape)
        return FloatWire(label, delay)

    def settle(self, wires: Mapping[str, FloatWire]) -> None:
        """Everything that was received ahead of its making is received from what was made, by name of the node."""
        for label, name in self._ahead.items():
            self._settled[label] = wires[name]
        for each in [*self.operators.values()]:
            if any(wire.source in self._settled for wire in each.inputs):
                inputs = tuple(self.settled(wire) for wire in each.inputs)
                self.operators[each.name] = replace(each, inputs=inputs)
        for name in {self.settled(FloatWire(label)).source for label in self._ahead}:
            self._spikes_wait(self.operators[name])

    def _spikes_wait(self, operator: FloatOperator) -> None:
        """Within a loop: what all others receive of an operator without state a timestep later, its inputs are instead.
        So spikes wait, not currents, whose bits a trace cannot promise before they are made; a bias does not."""
        wires = [
            (each, wire) for each in self.operators.values() for wire in each.inputs if wire.source == operator.name
        ]
        stateless = not isinstance(operator, FloatPopulation)
        if not stateless or not wires or not all(wire.delay for _, wire in wires):
            return
        if any(wire.delay or wire.source == INPUT for wire in operator.inputs):
            return
        self.operators[operator.name] = replace(
            operator, inputs=tuple(wire._replace(delay=1) for wire in operator.inputs)
        )
        for name in {each.name for each, _ in wires}:
            inputs = tuple(
                wire._replace(delay=0) if wire.source == operator.name else wire for wire in self.operators[name].inputs
            )
            self.operators[name] = replace(self.operators[name], inputs=inputs)

    def settled(self, wire: FloatWire) -> FloatWire:
        """The wire itself, or that of what it was announced for."""
        seen: set[str] = set()
        delay = wire.delay
        while wire.source in self._settled:
            if wire.source in seen:
                raise Refusal(
                    f"{self._ahead[wire.source]} receives nothing but itself; supported: loops through neurons"
                )
            seen.add(wire.source)
            announced = self.shapes[wire.source]
            wire = self._settled[wire.source]
            if self.shapes[wire.source] != announced:
                raise Refusal(f"makes maps of {self.shapes[wire.source]}, where {announced} are received before")
            delay += wire.delay
        wire = wire._replace(delay=0)
        key = (wire.source, delay)
        if delay > 1 and key not in self._held:
            self._held[key] = self.late(f"{wire.source}, {delay} timesteps", wire, delay)
        return self._held.get(key, wire._replace(delay=delay))

    def scale(self, name: str, wire: FloatWire, gain: Reals, shift: Reals = ZERO) -> FloatWire:
        """gain x values + shift; by element, by channel, or one; the wire itself where that is nothing."""
        if np.all(gain == 1) and not np.any(shift):
            return wire
        shape = self.shapes[wire.source]
        fitted = (broadcast("scale", gain, shape), broadcast("shift", shift, shape))
        if not all(np.isfinite(part).all() for part in fitted):
            raise Refusal("a scale or shift that is not finite")
        if wire.source not in self.operators and wire.source != INPUT:  # made later: recurrence
            return self._add(Gain(name, (wire,), shape, *fitted))
        made = self._add(Gain(name, (wire._replace(delay=0),), shape, *fitted))
        return made._replace(delay=wire.delay)

    def reshape(self, name: str, wire: FloatWire, shape: Shape) -> FloatWire:
        """The same values in the same order; the wire itself where the shape is that already."""
        if self.shapes[wire.source] == shape:
            return wire
        made = self._add(Reshaped(name, (wire._replace(delay=0),), shape))
        return made._replace(delay=wire.delay)

    def add(self, name: str, wires: Sequence[FloatWire]) -> FloatWire:
        """The sum of tensors of one shape; the wire itself where there is one."""
        return wires[0] if len(wires) == 1 else self._add(FloatSum(name, tuple(wires), self._same(wires)))

    def join(self, name: str, wires: Sequence[FloatWire]) -> FloatWire:
        """Channels one after the other."""
        shapes = [self.shapes[wire.source] for wire in wires]
        if len({shape[1:] for shape in shapes}) > 1:
            raise Refusal(f"channels of maps of shapes {', '.join(map(str, shapes))} one after the other")
        joined = (sum(shape[0] for shape in shapes), *shapes[0][1:])
        return self._add(FloatJoin(name, tuple(wires), joined))

    def product(
        self, name: str, left: FloatWire, right: FloatWire, heads: int, transposed: tuple[bool, bool]
    ) -> FloatWire:
        """See `FloatProduct`."""
        shape = product_shape(self.shapes[left.source], self.shapes[right.source], heads, *transposed)
        return self._add(FloatProduct(name, (left, right), shape, heads, *transposed))

    def readout(self, name: str, wire: FloatWire) -> FloatWire:
        """The values themselves as potentials of neurons that keep nothing."""
        return self.neurons(name, [wire], FloatNeuron(leak=ZERO, threshold=ONE, reset="none"))

    def finish(self, outputs: Sequence[str]) -> FloatGraph:
        """The network."""
        operators = tuple(self.operators.values())
        if not any(isinstance(each, FloatSynapse) for each in operators):
            raise Refusal("the network has no weights")
        return FloatGraph(self.input_shape, ordered(operators), tuple(outputs))

    def _same(self, wires: Sequence[FloatWire]) -> Shape:
        shapes = [self.shapes[wire.source] for wire in wires]
        if len(set(shapes)) > 1:
            named = ", ".join(f"{wire.source} of {shape}" for wire, shape in zip(wires, shapes, strict=True))
            raise Refusal(f"adds maps of different shapes: {named}")
        return shapes[0]

    def _add(self, operator: FloatOperator) -> FloatWire:
        if operator.name in self.operators or operator.name == INPUT:
            raise Refusal(f"a second operator of the name {operator.name}")
        announced = self.shapes.get(operator.name, operator.shape)
        if announced != operator.shape:
            raise Refusal(f"makes maps of {operator.shape}, where {announced} are received a timestep later")
        self.operators[operator.name] = operator
        self.shapes[operator.name] = operator.shape
        return FloatWire(operator.name)


def _ceiled(sides: Pair, window: Pair, stride: Pair, padding: Sides) -> Sides:
    """Padding with which as many windows fit as torch takes in its ceil mode."""
    grown = list(padding)
    for axis, (side, kernel, step) in enumerate(zip(sides, window, stride, strict=True)):
        before, after = padding[2 * axis : 2 * axis + 2]
        padded = side + before + after
        windows = -(-(padded - kernel) // step) + 1
        if (windows - 1) * step >= side + before:  # a window that starts in the padding is dropped
            windows -= 1
        grown[2 * axis + 1] = after + max(0, (windows - 1) * step + kernel - padded)
    return (grown[0], grown[1], grown[2], grown[3])
