"""The weight format "auto": every operator in every format that the machine can take, and the best one picked.

What is best, least energy, cycles or energy x cycles, is the machine's choice (`formats.weights.auto_by`). An operator
is tried by itself, on the samples that are simulated, with the machine's residency: where stages overlap in time
(a pipeline of layers), the best one by itself need not be the best one beside others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from spikecycle.simulator.dataflows.base import Dataflow
from spikecycle.simulator.dataflows.stage import Stage
from spikecycle.simulator.errors import MappingError
from spikecycle.simulator.formats import OperatorCost, candidates, pick, with_picked
from spikecycle.simulator.machine.schema import AUTO, Machine
from spikecycle.simulator.non_zeros import NonZeros
from spikecycle.simulator.reuse import Reuse
from spikecycle.simulator.stage_run import StageRunner
from spikecycle.simulator.summary import stage_cost
from spikecycle.simulator.timing import NetworkTiming
from spikecycle.traces import Trace


def pick_weight_formats(
    network: Trace,
    machine: Machine,
    dataflow: Dataflow,
    stages: Sequence[Stage],
    samples: Sequence[int],
    kept: Sequence[frozenset[str]],
    reuse: Reuse | None = None,
    threads: int = 1,
) -> Machine:
    """The machine with a format for every operator whose choice is "auto"; as it is if there is none.

    Raises MappingError, with the reason of each format, where an operator can be mapped in none.
    """
    formats = machine.formats
    if formats is None:
        return machine
    picked = {}
    non_zeros = NonZeros.between(stages)
    for stage in stages:
        choice = formats.weights_of(stage.name)
        if choice.format != AUTO or not any(stage.synapses()):
            continue
        reuse = reuse or Reuse(network)  # all formats take the same spikes and weights
        costs: dict[str, OperatorCost] = {}
        problems: list[str] = []
        for name in candidates(choice):
            variant = machine.model_copy(update={"formats": with_picked(formats, {stage.name: name})})
            try:
                runner = StageRunner(network, variant, dataflow, samples, kept, non_zeros, reuse, threads)
                (run,) = runner.run([stage])
            except MappingError as problem:
                problems.append(str(problem))
                continue
            timing = NetworkTiming.of(variant, dataflow, [], len(samples))
            timing.add_stage(run.activities)
            timing.finish()
            run.totals.schedules = timing.stages[0]
            costs[name] = OperatorCost(*stage_cost(variant, run.totals))
        if not costs:
            raise MappingError("\n".join(_few(problems)))
        picked[stage.name] = pick(costs, choice.auto_by)
    return machine.model_copy(update={"formats": with_picked(formats, picked)}) if picked else machine


def _few(problems: Sequence[str], most: int = 5) -> Iterator[str]:
    yield from problems[:most]
    if len(problems) > most:
        yield f"and {len(problems) - most} more"
