"""The network in a recording of a forward: from each population's inputs back to what they are made of.

One timestep and one sample are looked at; that the others are alike is the probe's to find out (`probe`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from spikecycle.models.importing.arrays import sides_of
from spikecycle.models.importing.functions import FUNCTIONS, View
from spikecycle.models.importing.graph import INPUT, FloatWire, Shape
from spikecycle.models.importing.maker import GraphMaker
from spikecycle.models.importing.neuron import FloatNeuron
from spikecycle.models.importing.recorder import CHANGED, ZEROS, Call
from spikecycle.models.importing.refusal import Refusal
from spikecycle.models.importing.spiking import Recurrence
from spikecycle.models.importing.views import Numbers, function_of, input_numbers

SUPPORTED = (
    "supported: convolutions, linear layers, batch norm, pooling, sums, scales, concatenation, matrix products and "
    "movements of what they give"
)


@dataclass(frozen=True)
class Moment:
    """The timestep and sample that is looked at. batched: whether tensors have an axis of samples."""

    step: int
    sample: int
    batched: bool


@dataclass(eq=False)
class Structure:
    """A recording on its way to a network. locate: where in the input numbers of a timestep and sample lie, flat;
    steps: timesteps of the recording."""

    calls: list[Call]
    moment: Moment
    maker: GraphMaker
    locate: Callable[[Call, Numbers], Numbers]
    steps: int = 1
    layouts: dict[str, Numbers] = field(default_factory=dict)
    made: dict[tuple[object, ...], View] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._bases = np.array([call.base for call in self.calls])

    def population(self, call: Call, name: str, assumed_start: FloatNeuron) -> FloatWire:
        """A population, from its call at the moment. `layouts` then has, by place in the module's output, the place
        in the operator's."""
        spiking = call.spiking
        assert spiking is not None
        view = self.view(self.chosen_inputs(call))
        shape = self.maker.shapes[view.wire.source]
        if view.places.size != int(np.prod(shape)) or len(np.unique(view.places)) != view.places.size:
            raise Refusal(f"gets a part of what {view.wire.source} gives; supported: all of it")
        order = view.places.reshape(-1)
        self.layouts[name] = order
        feature_shape = view.places.shape
        neuron = self._placed(assumed_start, feature_shape, order, shape)
        wires = [view.wire._replace(delay=1) if spiking.late else view.wire]
        if spiking.recurrence is not None:
            self.maker.announce(name, shape)
            wires.append(self._recurrent(name, spiking.recurrence, shape, order))
        return self.maker.neurons(name, wires, neuron)

    def _placed(self, neuron: FloatNeuron, features: tuple[int, ...], order: Numbers, shape: Shape) -> FloatNeuron:
        """Parameters in the order of the operator; they broadcast along the module's last axes."""
        placed = {}
        for what, values in neuron.arrays().items():
            if values.size == 1:
                placed[what] = values.reshape(())
                continue
            try:
                spread = np.broadcast_to(values, features).reshape(-1)
            except ValueError:
                raise Refusal(f"{what} has shape {values.shape}, for neurons of shape {features}") from None
            by_place = np.empty(spread.size)
            by_place[order] = spread
            placed[what] = by_place.reshape(shape)
        return replace(neuron, **placed)  # type: ignore[arg-type]

    def _recurrent(self, name: str, recurrence: Recurrence, shape: Shape, order: Numbers) -> FloatWire:
        own, label = FloatWire(name, 1), f"{name} recurrent"
        if recurrence.kind == "linear":
            weight = np.empty_like(recurrence.weight)
            weight[np.ix_(order, order)] = recurrence.weight
            bias = None
            if recurrence.bias is not None:
                bias = np.empty_like(recurrence.bias)
                bias[order] = recurrence.bias
            return self.maker.linear(label, own, weight, bias)
        if recurrence.kind == "conv2d":
            sides = sides_of(recurrence.padding)
            return self.maker.convolve(label, own, recurrence.weight, recurrence.bias, (1, 1), sides, (1, 1), 1)
        gain = np.broadcast_to(
            recurrence.weight, order.shape if recurrence.weight.ndim < 2 else recurrence.weight.shape
        )
        by_place = np.empty(order.size)
        by_place[order] = gain.reshape(-1)
        return self.maker.scale(label, own, by_place.reshape(shape))

    def chosen_inputs(self, call: Call) -> Numbers:
        """The numbers of what a population gets at the moment, in the shape of its features."""
        numbers = input_numbers(call)
        if numbers is None:
            raise Refusal("gets something that no layer before it gave")
        assert call.spiking is not None
        if call.spiking.over_time:
            numbers = numbers[self.moment.step]
        return numbers[self.moment.sample] if self.moment.batched else numbers

    def view(self, numbers: Numbers) -> View:
        """The operator that gives the elements of these numbers, made where it is not there yet."""
        if (numbers == CHANGED).any():
            raise Refusal("gets something else than layers give: elements that were written or mixed in an unknown way")
        known = numbers[numbers != ZEROS]
        if not known.size:
            raise Refusal("gets zeros only")
        owners = np.searchsorted(self._bases, known, side="right") - 1
        if (known.size != numbers.size) or owners.min() != owners.max():
            return self._joined(numbers)
        call = self.calls[int(owners[0])]
        chosen = numbers - call.base
        key = (call.index, chosen.shape, chosen.tobytes())
        if key not in self.made:
            self.made[key] = self._viewed(call, chosen)
        return self.made[key]

    def _viewed(self, call: Call, chosen: Numbers) -> View:
        name = function_of(call)
        if call.kind == "input":
            return View(FloatWire(INPUT, self._input_delay(call)), self.locate(call, chosen))
        if call.kind == "neuron":
            return self._of_population(call, chosen)
        if call.kind == "state":
            raise Refusal(f"gets potentials of {call.where}, not spikes; supported: potentials at the output")
        converter = FUNCTIONS.get(name)
        if converter is None:
            raise Refusal(f"gets the result of {name}; {SUPPORTED}")
        try:
            return converter(self, call, chosen)
        except Refusal as refusal:
            raise refusal.of(call.where or name) from None

    def _input_delay(self, call: Call) -> int:
        return 0

    def _of_population(self, call: Call, chosen: Numbers) -> View:
        assert call.spiking is not None
        lead = call.shape[: int(call.spiking.over_time) + int(self.moment.batched)]
        size = int(np.prod(call.shape[len(lead) :]))
        leading = np.unique(chosen // size)
        if len(leading) != 1:
            raise Refusal(f"takes spikes of {call.where} from several samples or timesteps")
        sample = int(leading[0]) % lead[-1] if self.moment.batched else 0
        step = int(leading[0]) // (lead[-1] if self.moment.batched else 1) if call.spiking.over_time else call.turn
        delay = self.moment.step - step
        if sample != self.moment.sample or delay not in (0, 1):
            raise Refusal(f"takes spikes of {call.where} {delay} timesteps before; supported: this one and the last")
        if call.where in self.layouts:
            places = self.layouts[call.where][chosen % size]
        else:  # made later: recurrence
            features = call.shape[len(lead) :]
            self.maker.announce(call.where, as_maps(features))
            places = chosen % size
        return View(FloatWire(call.where, delay), places)

    def _joined(self, numbers: Numbers) -> View:
        """Channels of several operators, one after the other."""
        rows = numbers.reshape(numbers.shape[0], -1)
        if (rows == ZEROS).any():
            raise Refusal("gets zeros beside what layers give; supported: padding of convolutions")
        owners = np.searchsorted(self._bases, rows, side="right") - 1
        if (owners != owners[:, :1]).any():
            raise Refusal("gets a mixture of what several layers give; supported: concatenation along channels")
        starts = [0, *(np.flatnonzero(np.diff(owners[:, 0])) + 1).tolist(), len(rows)]
        views = []
        for first, last in pairwise(starts):
            view = self.view(numbers[first:last])
            if not complete(view, self.maker.shapes[view.wire.source]):
                raise Refusal(f"concatenates a part of what {view.wire.source} gives; supported: all of it, in order")
            views.append((view, as_maps(numbers[first:last].shape)))
        sizes = {self.maker.shapes[view.wire.source][1:] for view, _ in views}
        flat_maps = numbers.ndim == 1 and len(sizes) == 1  # channels side by side are in the same order when flat
        wires = [view.wire if flat_maps else self.shaped(view.wire, shape) for view, shape in views]
        name = self.new_name("concatenation", "")
        wire = self.maker.join(name, wires)
        return View(wire, np.arange(numbers.size).reshape(numbers.shape))

    def apart(self, numbers: Numbers) -> list[Numbers]:
        """Places of flat numbers that one operator gives, or several that can be concatenated; zeros left out.

        What layers of different maps give has no concatenation.
        """
        places = np.flatnonzero(numbers != ZEROS)
        known = numbers[places]
        if (known == CHANGED).any() or not known.size:
            return [np.arange(numbers.size)]
        owners = np.searchsorted(self._bases, known, side="right") - 1
        if len(np.unique(owners)) == 1:
            return [places]
        try:
            sizes = {self._map_of(known[owners == owner]) for owner in np.unique(owners)}
            whole = known.size == numbers.size and len(sizes) == 1 and None not in sizes
        except Refusal:
            whole = False
        if whole and np.count_nonzero(np.diff(owners)) == len(np.unique(owners)) - 1:
            return [places]
        return [places[owners == owner] for owner in np.unique(owners)]

    def _map_of(self, numbers: Numbers) -> tuple[int, int] | None:
        """Rows and columns of the maps that these numbers are all of, in order; None where they are not."""
        view = self.view(numbers)
        shape = self.maker.shapes[view.wire.source]
        return shape[1:] if complete(view, shape) else None

    def shaped(self, wire: FloatWire, shape: Shape) -> FloatWire:
        if self.maker.shapes[wire.source] == shape:
            return wire
        return self.maker.reshape(self.new_name(f"{wire.source} reshaped", ""), wire, shape)

    def new_name(self, what: str, place: str) -> str:
        """A name that is not taken: the place, or what it is."""
        base = place or what
        name, number = base, 2
        while name in self.maker.shapes:
            name, number = f"{base} ({number})", number + 1
        return name

    def in_order(self, numbers: Numbers, what: str) -> FloatWire:
        """The wire that gives these numbers (C, ...), whole and in order, as maps of their shape."""
        view = self.view(numbers)
        if not complete(view, self.maker.shapes[view.wire.source]):
            raise Refusal(f"gets a part of what {view.wire.source} gives, or in another order; supported: {what}")
        return self.shaped(view.wire, as_maps(numbers.shape))


def as_maps(shape: tuple[int, ...]) -> Shape:
    """(C, H, W) of features of one, two, three or more axes."""
    if len(shape) == 1:
        return (shape[0], 1, 1)
    if len(shape) == 2:
        return (shape[0], 1, shape[1])
    if len(shape) == 3:
        return (shape[0], shape[1], shape[2])
    return (int(np.prod(shape[:-2])), shape[-2], shape[-1])


def complete(view: View, shape: Shape) -> bool:
    """Whether it is all of a map of that shape, in order."""
    size = int(np.prod(shape))
    return view.places.size == size and bool((view.places.reshape(-1) == np.arange(size)).all())
