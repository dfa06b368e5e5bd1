"""Points of a sweep simulated, each as one flat row: what was chosen, what came out, or why nothing did."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

import spikecycle.simulator.loaded_numba  # noqa: F401 (settings that Numba refuses are told now, not in every point)
from spikecycle.simulator.engine import simulate
from spikecycle.simulator.errors import MemoryLimitError, SimulatorError, one_line
from spikecycle.simulator.explore.frames import ENERGIES, UNKNOWABLE, Row, with_unknowns
from spikecycle.simulator.explore.grounds import grounds
from spikecycle.simulator.explore.sweep_spec import SweepPoint
from spikecycle.simulator.machine.loader import load_machine, override
from spikecycle.simulator.machine.schema import Machine
from spikecycle.simulator.plugins import load_plugins
from spikecycle.simulator.result import RunResult
from spikecycle.simulator.reuse import Reuse
from spikecycle.simulator.variant import is_synthetic
from spikecycle.traces import Trace, TraceError, open_trace

ACCURACY = "accuracy_integer"
"""What the provenance of a trace calls the accuracy of its network, integers throughout: a share of 1."""


@dataclass(frozen=True)
class Chunk:
    """Points of one trace that are simulated one after the other, because they share much.

    plugins: files to load first. seconds: when to stop; at least one point is simulated. max_memory_bytes: of a run.
    """

    points: Sequence[SweepPoint]
    plugins: Sequence[str] = ()
    seconds: float = 3.0
    max_memory_bytes: int | None = None


def split(chunk: Chunk, at_most: int) -> list[Chunk]:
    """The chunk in parts of at most so many points."""
    size = max(1, at_most)
    starts = range(0, len(chunk.points), size)
    return [replace(chunk, points=chunk.points[start : start + size]) for start in starts]


def run_chunk(chunk: Chunk) -> list[Row]:
    """The rows of the first points of a chunk, as many as the time allows. A point that fails says why in `problem`."""
    start = time.monotonic()
    rows: list[Row] = []
    try:
        load_plugins(chunk.plugins)
        with open_trace(chunk.points[0].trace) as network:
            session = Session(network, chunk.max_memory_bytes)
            for point in chunk.points:
                rows.append(session.row(point))
                if time.monotonic() - start > chunk.seconds:
                    break
    except (SimulatorError, TraceError) as error:  # of the trace or a plugin: what one cannot open, nobody can
        rows += [failed(point, str(error)) for point in chunk.points[len(rows) :]]
    return rows


FIGURES = (
    "cycles_per_inference", "seconds_per_inference", "energy_per_inference_pj", "edp_per_inference_js", "area_mm2",
    "logic_area_mm2", "utilization", "synaptic_operations_per_inference", "accuracy", "synthetic", "inferences",
)  # fmt: skip
"""Columns of numbers that a point may have on any machine."""
CYCLES = "cycles."
"""Beginning of those of cycles by category, which depend on the machine as those of energy by component do."""
OVER_LIMIT = "over_memory_limit"
"""Column of points that failed because of the memory limit of their run, which is no property of a point."""


class Session:
    """Runs of one open trace, one after the other, that share what they have in common."""

    def __init__(self, network: Trace, max_memory_bytes: int | None = None, threads: int = 1) -> None:
        """threads: samples of a run that are worked on side by side."""
        self._network = network
        self._reuse = Reuse(network)
        self._max_memory_bytes = max_memory_bytes
        self._threads = threads
        self._machines: dict[str, Machine | None] = {}

    def result(self, point: SweepPoint) -> RunResult:
        """The result of a point; raises what `simulate` raises."""
        return simulate(
            self._network,
            self._machine(point),
            residency=point.residency,
            samples=point.samples,
            ideal_memory=point.ideal_memory,
            max_memory_bytes=self._max_memory_bytes,
            reuse=self._reuse,
            threads=self._threads,
        )

    def row(self, point: SweepPoint) -> Row:
        """The row of a point, failed or not."""
        try:
            return {**_header(point), **figures(self.result(point)), "problem": None}
        except MemoryLimitError as error:
            return {**failed(point, str(error)), OVER_LIMIT: True}
        except (SimulatorError, TraceError) as error:
            return failed(point, str(error))
        except MemoryError as error:
            return failed(point, f"not enough memory: {error or 'out of memory'}")
        except Exception as error:  # a fault of the program or a plugin must not end a sweep of thousands
            return failed(point, f"internal error: {one_line(error)}")

    def _machine(self, point: SweepPoint) -> Machine:
        """The point's machine, read from its file once; that may be a machine only together with the settings."""
        name = point.machine
        if name not in self._machines:
            try:
                self._machines[name] = load_machine(name)
            except SimulatorError:
                self._machines[name] = None
        base = self._machines[name]
        if base is None:
            return load_machine(name, point.settings, point.formats)
        return override(base, point.settings, point.formats) if point.settings or point.formats else base


class SharedRuns:
    """Points of any traces simulated in this process, each trace opened once and kept open until the end."""

    def __init__(self, like: Chunk) -> None:
        """like: a chunk without points, for what all have in common."""
        self._like = like
        self._open = ExitStack()
        self._sessions: dict[str, Session] = {}

    def __enter__(self) -> SharedRuns:
        load_plugins(self._like.plugins)
        return self

    def __exit__(self, *raised: object) -> None:
        self._open.close()

    def rows(self, points: Sequence[SweepPoint]) -> list[Row]:
        """The row of each point, failed or not."""
        return [self._row(point) for point in points]

    def _row(self, point: SweepPoint) -> Row:
        if point.trace not in self._sessions:
            try:
                network = self._open.enter_context(open_trace(point.trace))
            except TraceError as error:
                return failed(point, str(error))
            self._sessions[point.trace] = Session(network, self._like.max_memory_bytes)
        return self._sessions[point.trace].row(point)


def figures(result: RunResult) -> Row:
    """The figures of a result, per inference, in flat columns; those that it has not are left out, but energy and area
    are None where the machine does not model them."""
    samples = len(result.samples)
    accuracy = result.provenance.get(ACCURACY)
    found = {
        "cycles_per_inference": result.cycles_per_inference,
        "seconds_per_inference": result.seconds_per_inference,
        "energy_per_inference_pj": result.energy_per_inference_pj,
        "edp_per_inference_js": result.edp_per_inference_js,
        "area_mm2": result.area_mm2,
        "logic_area_mm2": result.logic_area_mm2,
        "utilization": result.utilization,
        "synaptic_operations_per_inference": result.synaptic_operations_per_inference,
        "accuracy": accuracy if isinstance(accuracy, float) else None,
        "synthetic": is_synthetic(result.provenance),
        "too_slow": ", ".join(buffer.buffer for buffer in result.too_slow),
        "inferences": samples,
        "weight_format": result.weight_format,
        "spike_format": result.spike_format,
        "overlap": result.overlap,
        **grounds(result),
        "trace_sha256": result.trace_sha256,
        "machine_sha256": result.machine_sha256,
        **{f"{CYCLES}{category}": cycles / samples for category, cycles in result.sum_cycle_breakdown.items()},
        **{f"{ENERGIES}{part}": energy / samples for part, energy in result.sum_energy_by_component_pj.items()},
    }
    return {name: value for name, value in with_unknowns(found).items() if value is not None or name in UNKNOWABLE}


def failed(point: SweepPoint, problem: str) -> Row:
    """The row of a point that cannot be run."""
    return {**_header(point), "problem": problem}


def _header(point: SweepPoint) -> Row:
    return {"number": point.number, "point": point.identity(), **point.choice}
