"""What must hold of every trace, whatever its version: shared by the surfaces of both."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

from spikecycle.simulator import SimulatorError, load_machine, simulate
from spikecycle.simulator.machine.schema import Machine
from spikecycle.traces import Trace, TraceError, open_trace
from tests.fuzz.hdf5_changes import hostile_hdf5, plainly, with_right_checksums
from tests.fuzz.outcomes import REFUSED_STATUS, Finding, Kind, Outcome, check_refusal, check_same, check_says, run
from tests.fuzz.random_bytes import damaged
from tests.fuzz.surface import Trial
from tests.fuzz.surfaces.machines import check_result

MACHINES = ("spike_array", "eyeriss_snn", "systolic_output_stationary")


class TraceFuzzer:
    """Makes traces from good ones and tries them.

    Accepted, a trace is the same when it is read again, and runs the same twice; one of our own whose bytes were
    damaged has the content that it had.
    """

    needs_models = False

    def __init__(self) -> None:
        self._paths: list[Path] = []
        self._good: list[bytes] = []
        self._contents: list[list[Any]] = []
        self._machines: list[Machine] = []

    def start_from(self, paths: list[Path]) -> None:
        """Take good traces."""
        self._paths = paths
        for path in paths:
            self._good.append(path.read_bytes())
            self._contents.append(content_of(path))
        self._machines = [load_machine(name) for name in MACHINES]

    def warm_up(self) -> None:
        """Check and run the good traces."""
        for machine in self._machines:
            for path in self._paths:
                self._result(path, machine)
        run("check", self._paths[0])

    def make(self, random: Random, folder: Path) -> Trial:
        """A changed trace."""
        number = random.randrange(len(self._good))
        good = self._good[number]
        file = folder / "trace.h5"
        way = random.random()
        if way < 0.25:
            file.write_bytes(damaged(random, good))
            expected = self._contents[number]
        elif way < 0.4:
            file.write_bytes(damaged(random, plainly(good, random)))
            expected = None
        else:
            changed = hostile_hdf5(random, good if way < 0.8 else plainly(good, random), folder)
            file.write_bytes(with_right_checksums(changed) if random.random() < 0.7 else changed)
            expected = None
        machine = random.choice(self._machines) if random.random() < 0.4 else None
        return lambda: self.outcome(file, machine, expected)

    def replay(self, file: Path, folder: Path) -> Outcome:
        """A trace of the corpus, on every machine."""
        return [self.outcome(file, machine, None) for machine in self._machines][-1]

    def outcome(self, file: Path, machine: Machine | None, expected: list[Any] | None) -> Outcome:
        """Check a trace, and run it on a machine where it is accepted. expected: the content that it must have."""
        ended = run("check", file)
        if ended.status == REFUSED_STATUS:
            check_says(ended, [file.name])
            return Outcome(Kind.REFUSED, ended.err)
        try:
            found = content_of(file)
            check_same("the content read again", content_of(file), found)
        except TraceError as error:
            raise Finding(Kind.WRONG_ACCEPTANCE, f"check takes it, and then: {error}") from error
        if expected is not None and found != expected:
            raise Finding(Kind.WRONG_ACCEPTANCE, "damaged, and accepted with another content")
        if machine is None:
            return Outcome(Kind.ACCEPTED)
        result = self._result(file, machine)
        check_same("a second run", self._result(file, machine), result)
        if result.startswith("{"):
            check_result(result)
        return Outcome(Kind.ACCEPTED, result[:200])

    def _result(self, file: Path, machine: Machine) -> str:
        """The result as JSON, or the words of the refusal."""
        try:
            return simulate(file, machine, verify=True).model_dump_json()
        except (SimulatorError, TraceError) as error:
            check_refusal(str(error).splitlines(), beginning="")
            return str(error)


def content_of(path: Path) -> list[Any]:
    """All that a trace says, as comparable values."""
    with open_trace(path) as trace:
        labels = None if trace.labels is None else trace.labels.tolist()
        content: list[Any] = [trace.version, trace.samples, trace.timesteps, repr(trace.provenance), labels]
        for tensor in trace.tensors.values():
            content.append((repr(tensor.spec), tensor.recorded, tensor.producer))
            if tensor.recorded:
                content += [_bytes(tensor.values(sample)) for sample in range(trace.samples)]
        for operator in trace.operators:
            content.append((operator.name, operator.kind, operator.inputs, operator.output, operator.summary()))
            content += [_bytes(getattr(operator, name)()) for name in ("weights", "bias") if hasattr(operator, name)]
        return [*content, *_layers(trace)]


def _layers(trace: Trace) -> list[Any]:
    if not trace.has_layers:
        return []
    return [(layer.name, repr(layer.neuron), layer.weight_scale.tolist()) for layer in trace.layers]


def _bytes(values: Any) -> bytes:
    return b"" if values is None else values.tobytes()
