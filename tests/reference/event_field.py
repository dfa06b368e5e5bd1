"""Events by receptive field in plain Python: every event goes to every neuron that sees it."""

from __future__ import annotations

from itertools import product
from math import ceil
from typing import Any

from tests.reference.expected import Expected, Sample, arriving
from tests.reference.workload import Geometry


def expected(machine: Any, stage: Any, network: Any, sample: Sample) -> Expected:
    """One operator and sample."""
    (operator,) = stage.operators
    parameters = machine.dataflow
    if operator.kind == "neuron":
        values = sample[operator.output.name].ravel().tolist()
        of_value = operator.output.bits if operator.output.bits > 1 else None
        sent = [of_value or parameters.event_bits for value in values if of_value or value]
        return Expected(0, writes={"outputs": sum(sent)})
    shape = operator.shape
    geometry = Geometry(
        shape.C, shape.H, shape.W, shape.M, shape.R, shape.S, shape.stride, shape.sides, shape.dilation, shape.groups
    )
    clusters = parameters.slices * parameters.clusters
    rows, columns = geometry.outputs()
    if operator.kind == "linear":
        # deal neurons to clusters, one after the other; a pass fills every cluster at most
        passes, left = 0, shape.M
        while left > 0:
            left -= clusters * parameters.tile_side**2
            passes += 1
        steps = max(len(range(cluster, shape.M, clusters * passes)) for cluster in range(clusters * passes))
    else:
        side = parameters.tile_side
        places = product(range(shape.M), range(0, len(rows), side), range(0, len(columns), side))
        passes = ceil(len(list(places)) / clusters)
        steps = shape.R * shape.S
    inputs = arriving(operator.inputs[0], sample).reshape(-1, *shape.input_shape)
    events = updates = 0
    for frame, (c, h, w) in product(inputs, product(*map(range, shape.input_shape))):
        for _ in range(int(frame[c, h, w]).bit_count()):
            events += 1
            for h0, w0, r, s in product(rows, columns, range(shape.R), range(shape.S)):
                if (h0 + r * shape.dilation[0], w0 + s * shape.dilation[1]) == (h, w):
                    updates += shape.M // shape.groups
    cycles = sum(parameters.cycles_per_state * (steps + parameters.overhead_states) for _ in range(events * passes))
    weights = operator.weights()
    return Expected(
        cycles,
        {"compute": cycles},
        {
            "pe.add": updates, "states.read": updates, "states.write": updates,
            "weights.read": events * passes * steps * parameters.slices,
        },
        {"weights": weights.size * operator.weight_bits, "spikes": events * passes * parameters.event_bits},
    )  # fmt: skip
