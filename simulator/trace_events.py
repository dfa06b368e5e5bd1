"""Timelines as Chrome's trace events (JSON), which ui.perfetto.dev and chrome://tracing open.

The format is the "Trace Event Format" of the Catapult project: complete events ("X") on threads, whose names are
metadata events ("M"). **One microsecond of the viewer is one cycle**, so that every moment is a whole number; seconds
follow from the clock in `otherData`. Threads are lanes:

- *operators*: one event per stage, from its beginning to its end, with its cycles by category;
- *DRAM channel*: every load and store (double buffering), or the traffic of a stage or timestep (other policies);
- *buffers*: with double buffering, for how long each half of the input buffers belongs to a pass, from the beginning of
  its load to the end of its work, and each half of the output buffers, from the beginning of the work to the end of the
  store;
- *array*: one event per row of work (a pass, a timestep, an operator) and, inside it, its phases in order of time. What
  is inside a phase is known by category only, so categories are arguments of the event, not events;
- *units*: the phases again, by what is at work in them: dispatcher, PEs, neuron units, ...;
- *waiting*: gaps between rows of work, and what is left of the stage ahead of them and behind;
- *barrier*, *step*: of policies that have them.

With a policy that overlaps stages, each stage has lanes of its own. A window in cycles bounds the file: events that
reach beyond it are cut.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from spikecycle.simulator.schedule import Spans
from spikecycle.simulator.timeline import TimedStage, Timeline

MOST_EVENTS = 400_000
"""Of a file without a window: about 60 MB, which viewers still open at once."""
_LINES_OF_PART = 1000
_GROUPS = {"operators": 1, "DRAM": 2, "buffers": 3, "array": 4, "units": 5}


@dataclass(frozen=True)
class Event:
    """Something that took from one moment to another, in cycles from the beginning of the network."""

    group: str
    lane: str
    name: str
    start: int
    end: int
    arguments: Mapping[str, Any]


def events(timeline: Timeline, window: tuple[int, int] | None = None) -> Iterator[Event]:
    """Everything that took time, within the window, by default that of the timeline; of events that begin together, the
    longer one first."""
    low, high = window or timeline.window or (0, timeline.cycles)
    for stage in timeline.stages:
        schedule = stage.schedule
        if schedule.end <= low or schedule.start >= high:
            continue
        suffix = "" if timeline.in_turn else f": {stage.name}"
        about = {"cycles": schedule.cycles, "breakdown": {k: v for k, v in schedule.breakdown.items() if v}}
        lane = f"operators{suffix}"
        found = [Event("operators", lane, stage.name, schedule.start, schedule.end, about)] if schedule.cycles else []
        for event in chain(found, _of_memory(stage, suffix, low, high), _of_work(stage, suffix, low, high)):
            yield _cut(event, low, high)


def to_trace_events(
    timeline: Timeline, about: Mapping[str, Any], window: tuple[int, int] | None = None
) -> tuple[str, int]:
    """The JSON document, one event per line, and the cycle that it reaches to.

    about: what is simulated, for `otherData`. Without a window, the document ends with the stage of event MOST_EVENTS.
    """
    window = window or timeline.window
    parts: list[str] = []  # many lines each: as strings of their own, lines take half as much again
    lines: list[str] = []
    lanes: dict[tuple[str, str], int] = {}
    reached = min(window[1], timeline.cycles) if window is not None else timeline.cycles
    for number, event in enumerate(events(timeline, window)):
        if window is None and number >= MOST_EVENTS:
            reached = max(event.start, 0)
            break
        lane = lanes.setdefault((event.group, event.lane), len(lanes) + 1)
        lines.append(
            json.dumps(
                {
                    "name": event.name,
                    "cat": event.group,
                    "ph": "X",
                    "ts": event.start,
                    "dur": event.end - event.start,
                    "pid": _GROUPS[event.group],
                    "tid": lane,
                    "args": event.arguments,
                }
            )
        )
        if len(lines) == _LINES_OF_PART:
            parts.append(",\n".join(lines))
            lines = []
    heads = [json.dumps(line) for line in _names(lanes)]
    other = {**about, "cycles": timeline.cycles, "unit": "1 us in the viewer is 1 cycle"}
    parts = [*heads, *parts, *lines] or [""]
    parts[0] = f'{{"displayTimeUnit": "ns",\n"otherData": {json.dumps(other)},\n"traceEvents": [\n{parts[0]}'
    parts[-1] += "\n]}\n"
    return ",\n".join(parts), reached


def _names(lanes: Mapping[tuple[str, str], int]) -> Iterator[dict[str, Any]]:
    """What groups and lanes are called, and their order."""
    for group, process in _GROUPS.items():
        if any(of == group for of, _ in lanes):
            yield {"name": "process_name", "ph": "M", "pid": process, "tid": 0, "args": {"name": group}}
            yield {"name": "process_sort_index", "ph": "M", "pid": process, "tid": 0, "args": {"sort_index": process}}
    for (group, lane), thread in lanes.items():
        yield {"name": "thread_name", "ph": "M", "pid": _GROUPS[group], "tid": thread, "args": {"name": lane}}


def _of_memory(stage: TimedStage, suffix: str, low: int, high: int) -> Iterator[Event]:
    """Transfers on the DRAM channel, halves of buffers, barriers and timesteps: what the policy has spans of."""
    spans, moves, numbers = stage.schedule.spans, stage.moves, stage.numbers
    for name, bits in (("load", moves.load_bits), ("store", moves.store_bits)):
        if name not in spans:
            continue
        for row, start, end in _within(spans[name], low, high):
            moved = {operand: int(n) for operand, n in zip(moves.operands, bits[row], strict=True) if n}
            words = f"{name} {', '.join(moved)}".rstrip()
            yield Event("DRAM", f"DRAM channel{suffix}", words, start, end, {"row": numbers[row], "bits": moved})
    for row, start, end in _within(spans["traffic"], low, high) if "traffic" in spans else ():
        yield Event("DRAM", f"DRAM channel{suffix}", "traffic", start, end, {"part": row})
    if "load" in spans and "store" in spans:
        halves = (
            ("input buffers", Spans(spans["load"].starts, spans["compute"].ends), moves.load_bits),
            ("output buffers", Spans(spans["compute"].starts, spans["store"].ends), moves.store_bits),
        )
        for buffers, held, bits in halves:
            for row, start, end in _within(held, low, high):
                if bits[row].any():
                    number = numbers[row]
                    lane = f"{buffers}, half {number % 2}{suffix}"
                    yield Event("buffers", lane, f"{stage.name} {number}", start, end, {"row": number})
    for name in ("barrier", "step"):
        for row, start, end in _within(spans[name], low, high) if name in spans else ():
            yield Event("array", f"{name}s{suffix}", f"{name} {row}", start, end, {"timestep": row})


def _of_work(stage: TimedStage, suffix: str, low: int, high: int) -> Iterator[Event]:
    """Rows of work with their phases, the units that are at work, and the gaps."""
    work, spans, numbers = stage.work, stage.schedule.spans["compute"], stage.numbers
    columns = {name: index for index, name in enumerate(work.categories)}
    for row, start, end in _within(spans, low, high):
        lane = f"{work.resources[work.resource[row]]}{suffix}"
        places = {name: int(values[row]) for name, values in work.places.items()} or {"timestep": int(work.step[row])}
        parts = {name: int(work.breakdown[row, index]) for name, index in columns.items() if work.breakdown[row, index]}
        words = " ".join(f"{name.replace('_', ' ')} {value}" for name, value in places.items())
        yield Event("array", lane, words, start, end, {"row": numbers[row], **places, "breakdown": parts})
        moment = start
        for phase in work.phases:
            inside = {name: parts[name] for name in phase.categories if name in parts}
            after = moment + sum(inside.values())
            if after > moment and after > low and moment < high:
                yield Event("array", lane, phase.name, moment, after, {"breakdown": inside})
                for unit in phase.units:
                    yield Event(
                        "units",
                        f"{unit}{suffix}",
                        phase.name,
                        moment,
                        after,
                        {"row": numbers[row], "breakdown": inside},
                    )
            moment = after
    if len(work.resources) == 1 and "step" not in stage.schedule.spans:
        yield from _gaps(stage, suffix, low, high)


def _gaps(stage: TimedStage, suffix: str, low: int, high: int) -> Iterator[Event]:
    """Where the one resource of a stage does nothing."""
    spans = stage.schedule.spans["compute"]
    begins = np.concatenate([[stage.schedule.start], spans.ends])
    ends = np.concatenate([spans.starts, [stage.schedule.end]])
    numbers, last = stage.numbers, len(stage.numbers)
    for row, start, end in _within(Spans(begins, ends), low, high):
        number = numbers[row] if row < last else numbers[-1] + 1 if last else 0
        yield Event("array", f"waiting{suffix}", "waits for DRAM", start, end, {"before row": number})


def _within(spans: Spans, low: int, high: int) -> Iterator[tuple[int, int, int]]:
    """Index, start and end of those that take time and touch the window."""
    touched = (spans.ends > spans.starts) & (spans.ends > low) & (spans.starts < high)
    for row in np.flatnonzero(touched).tolist():
        yield row, int(spans.starts[row]), int(spans.ends[row])


def _cut(event: Event, low: int, high: int) -> Event:
    if low <= event.start and event.end <= high:
        return event
    arguments = {**event.arguments, "whole": [event.start, event.end]}
    start, end = max(event.start, low), min(event.end, high)
    return Event(event.group, event.lane, event.name, start, end, arguments)
