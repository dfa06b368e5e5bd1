"""What a sweep varies: the file that describes it, and the points that follow from it.

    traces: [digits-8bit, digits-pruned80]
    machines: [spike_array, my_machine.yaml]
    set:
      dataflow.pes: [8, 16, 32]
      buffers.weights.size_kib: {from: 8, to: 64, factor: 2}
    together:
      - {dataflow.lanes: [2, 4], buffers.potentials.banks: [2, 4]}
    formats: {weights: [bitmask, rle]}
    residency: {weights: [inference, resident]}
    samples: 0-3

Every combination is a point; the keys of one entry of `together` change side by side. Paths are seen from the folder of
the file.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, PrivateAttr, ValidationError, model_validator

from spikecycle.simulator.errors import MachineError, UsageError
from spikecycle.simulator.machine.problems import validation_problems
from spikecycle.simulator.machine.schema import Section
from spikecycle.simulator.machine.yaml_file import read_yaml
from spikecycle.simulator.sample_list import parse_sample_list, sample_list_text

MOST_POINTS = 10**6
"""Of a sweep: beyond, it is a typing error, or a search."""
SUFFIXES = (".yaml", ".yml")
"""Of sweep files."""
ALWAYS = ("trace", "machine")
"""Columns of every sweep, whether they vary or not."""
_PRICES = ("dram.", "overlap.", "logic.", "technology.", "energy.")
"""Beginnings of keys that seldom decide on what an array does, so that points that differ in them share most."""


def _listed(value: Any) -> Any:
    """A single value is short for a list of one."""
    return value if isinstance(value, list) else [value]


def _expanded(value: Any) -> Any:
    """A range {from, to, step} or {from, to, factor}, both ends included, as the list of its values."""
    if not isinstance(value, dict):
        return _listed(value)
    kind = next((kind for kind in ("step", "factor") if kind in value), "step")
    if set(value) != {"from", "to", kind}:
        raise ValueError(f"a range has the keys from, to, and step or factor, found {', '.join(map(str, value))}")
    first, last, change = value["from"], value["to"], value[kind]
    if not all(_is_finite(number) for number in (first, last, change)):
        raise ValueError("a range is made of numbers")
    if not (change > 0 if kind == "step" else change > 1 and first > 0) or last < first:
        raise ValueError("a range goes up: from <= to, step > 0, factor > 1")
    values: list[Any] = []
    for index in range(MOST_POINTS + 1):
        try:
            number = first + index * change if kind == "step" else first * change**index
            if number > last and not math.isclose(number, last, rel_tol=1e-9):
                return values
        except OverflowError:  # beyond all floats, and so beyond the last
            return values
        values.append(number)
    raise ValueError(f"a range has at most {MOST_POINTS:,} values")


def _is_finite(number: Any) -> bool:
    if not isinstance(number, int | float) or isinstance(number, bool):
        return False
    try:
        return math.isfinite(number)
    except OverflowError:
        return False


def _length(values: Any) -> float:
    """About how many values a list or range has, without making it; 0 for what is none."""
    if not isinstance(values, dict):
        return len(values) if isinstance(values, list) else 1
    first: Any = values.get("from")
    last: Any = values.get("to")
    change: Any = values.get("step", values.get("factor"))
    if not all(_is_finite(number) for number in (first, last, change)):
        return 0
    try:
        return float((last - first) / change if "step" in values else math.log(last / first) / math.log(change))
    except (ArithmeticError, ValueError):
        return 0


def _different(values: list[Any]) -> list[Any]:
    if not values:
        raise ValueError("at least one value is needed")
    seen = Counter(json.dumps(value, sort_keys=True, default=str) for value in values)
    twice = next((text for text, count in seen.items() if count > 1), None)
    if twice is not None:
        raise ValueError(f"{twice} is named twice")
    return values


def _sample_list(value: Any) -> Any:
    """Text as "0,2-5" is short for its samples."""
    if not isinstance(value, str):
        return value if value is None else _listed(value)
    try:
        return parse_sample_list(value, "samples")
    except UsageError as error:
        raise ValueError(str(error)) from error


def _is_key(key: str) -> str:
    if not all(part.isidentifier() for part in key.split(".")):
        raise ValueError("a key of a machine file is of the form key.path")
    return key


def _one_line(word: str) -> str:
    if len(word.splitlines()) != 1 or word.endswith("\n"):
        raise ValueError("text of one line is needed")
    return word


Word = Annotated[str, AfterValidator(_one_line)]
"""Names of files and components: they are repeated in messages and tables."""
Values = Annotated[list[Any], BeforeValidator(_expanded), AfterValidator(_different)]
Words = Annotated[list[Word], BeforeValidator(_listed), AfterValidator(_different)]
Key = Annotated[str, AfterValidator(_is_key)]


class SweepSpec(Section):
    """A sweep: what it runs, and what it varies. Every list may be a single value."""

    traces: Words
    """Trace files, or names of sample traces."""
    machines: Words
    """Machine files, or names of shipped machines."""
    set: dict[Key, Values] = Field(default_factory=dict)
    """Values by machine key: a list, or a range {from, to, step} or {from, to, factor}."""
    together: list[dict[Key, Values]] = Field(default_factory=list)
    """Keys whose values change side by side: the first of each, the second of each, and so on."""
    formats: dict[str, Words] = Field(default_factory=dict)
    """Formats by operand (weights, spikes), or by operand and operator (weights.fc1)."""
    residency: dict[str, Words] = Field(default_factory=dict)
    """What stays on chip: weights: [inference, resident, "batch:4"], activations: [dram, chip]."""
    samples: Annotated[
        Annotated[list[Annotated[int, Field(ge=0)]], AfterValidator(_different)] | None, BeforeValidator(_sample_list)
    ] = None
    """Samples that every point replays: a list, or text as "0,2-5". All by default."""
    ideal_memory: Annotated[list[bool], BeforeValidator(_listed), AfterValidator(_different)] = Field(
        default_factory=lambda: [False]
    )
    """DRAM without latency and with infinite bandwidth."""
    plugins: Annotated[list[Word], BeforeValidator(_listed)] = Field(default_factory=list)
    """Files with dataflows, formats or policies that machines name."""
    _origin: str = PrivateAttr(default="sweep")

    @property
    def origin(self) -> str:
        """What messages about it begin with: its file, or the command."""
        return self._origin

    @model_validator(mode="before")
    @classmethod
    def _is_small(cls, data: Any) -> Any:
        """Before any range is made: a few kilobytes can stand for more values than there is memory."""
        together = data.get("together") if isinstance(data, Mapping) else None
        groups = (
            [data.get("set"), *(together if isinstance(together, list) else ())] if isinstance(data, Mapping) else []
        )
        total = 0.0
        for key, values in (item for group in groups if isinstance(group, Mapping) for item in group.items()):
            total += _length(values)
            if total > MOST_POINTS:
                raise ValueError(f"{key}: all keys together have more than {MOST_POINTS:,} values")
        return data

    @model_validator(mode="after")
    def _is_possible(self) -> SweepSpec:
        for group in self.together:
            if len({len(values) for values in group.values()}) != 1:
                raise ValueError("together: keys that change side by side need equally many values each")
        names = [name for axis in self.axes() for name in axis.names]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"{twice} is varied twice")
        return self

    def axes(self) -> list[Axis]:
        """What varies, in the order of the file; the last one changes fastest."""
        return self.made_axes

    @cached_property
    def made_axes(self) -> list[Axis]:
        """The same, made once: every point asks for them, and values may be many."""
        return [
            Axis.of("trace", "trace", self.traces),
            Axis.of("machine", "machine", self.machines),
            *(Axis.of("formats", f"format.{what}", names) for what, names in self.formats.items()),
            *(Axis.of("residency", f"residency.{what}", hows) for what, hows in self.residency.items()),
            *(Axis.of("settings", key, values) for key, values in self.set.items()),
            *(Axis("settings", tuple(group), list(zip(*group.values(), strict=True))) for group in self.together),
            Axis.of("ideal_memory", "ideal_memory", self.ideal_memory),
        ]

    @property
    def files(self) -> tuple[str, ...]:
        """Everything that it reads: files, and names of what is shipped."""
        return (*self.traces, *self.machines, *self.plugins)

    @property
    def count(self) -> int:
        """Points in all."""
        return math.prod(len(axis.values) for axis in self.axes())

    def columns(self) -> tuple[str, ...]:
        """Names of what varies, and of trace and machine, in the order of the file."""
        varied = (axis for axis in self.axes() if len(axis.values) > 1 or axis.kind in ALWAYS)
        return tuple(name for axis in varied for name in axis.names)

    @property
    def any_point(self) -> SweepPoint:
        """The first one of the file: all have the same columns."""
        return self.point([0] * len(self.axes()))

    def points(self) -> Iterator[SweepPoint]:
        """Every point, in the order in which stages have to be run anew most seldom."""
        axes = self.axes()
        order = sorted(range(len(axes)), key=lambda index: axes[index].names[0].startswith(_PRICES))
        for chosen in itertools.product(*(range(len(axes[index].values)) for index in order)):
            places = dict(zip(order, chosen, strict=True))
            yield self.point([places[index] for index in range(len(axes))])

    def point(self, places: Sequence[int]) -> SweepPoint:
        """The point at a place along each axis."""
        axes = self.axes()
        number = 0
        chosen: dict[str, dict[str, Any]] = {axis.kind: {} for axis in axes}
        for axis, place in zip(axes, places, strict=True):
            number = number * len(axis.values) + place
            chosen[axis.kind] |= zip(axis.names, axis.values[place], strict=True)
        return SweepPoint(
            number=number,
            trace=chosen["trace"]["trace"],
            machine=chosen["machine"]["machine"],
            settings=chosen.get("settings", {}),
            formats=_without_head(chosen.get("formats", {})),
            residency=_without_head(chosen.get("residency", {})),
            samples=self.samples,
            ideal_memory=chosen["ideal_memory"]["ideal_memory"],
        )


@dataclass(frozen=True)
class Axis:
    """One thing that varies.

    kind: what it is an argument of. names: of the columns that change side by side. values: one tuple for each step.
    """

    kind: str
    names: tuple[str, ...]
    values: Sequence[tuple[Any, ...]]

    @classmethod
    def of(cls, kind: str, name: str, values: Sequence[Any]) -> Axis:
        """One column by itself."""
        return cls(kind, (name,), [(value,) for value in values])


@dataclass(frozen=True)
class SweepPoint:
    """One run of a sweep. number: its place in the order of the file. The others are arguments of `simulate`."""

    number: int
    trace: str
    machine: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    formats: Mapping[str, str] = field(default_factory=dict)
    residency: Mapping[str, str] = field(default_factory=dict)
    samples: Sequence[int] | None = None
    ideal_memory: bool = False

    @property
    def choice(self) -> dict[str, Any]:
        """What was chosen, by the name of its column."""
        return {
            "trace": self.trace,
            "machine": self.machine,
            **{f"format.{what}": name for what, name in self.formats.items()},
            **{f"residency.{what}": how for what, how in self.residency.items()},
            **self.settings,
            "ideal_memory": self.ideal_memory,
            "samples": sample_list_text(self.samples),
        }

    def identity(self) -> str:
        """SHA-256, in hexadecimal, of everything that the point says, so that it is known again wherever it stands."""
        said = {**self.choice, "samples": None if self.samples is None else list(self.samples)}
        return hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()


def read_sweep(path: str | Path, most_points: int | None = MOST_POINTS) -> SweepSpec:
    """The sweep that a file describes; MachineError, one line per problem, each naming file and key."""
    file = Path(path)
    return parse_sweep(_seen_from(file.parent, read_yaml(file)), str(path), most_points)


def parse_sweep(data: Mapping[str, Any], origin: str, most_points: int | None = MOST_POINTS) -> SweepSpec:
    """The sweep that such keys describe; origin: what messages begin with. most_points: None for any number of them."""
    try:
        spec = SweepSpec.model_validate(data)
    except ValidationError as error:
        problems = validation_problems(error, SweepSpec)
        raise MachineError("\n".join(f"{origin}: {problem}" for problem in problems)) from error
    if most_points is not None and spec.count > most_points:
        raise MachineError(f"{origin}: at most {most_points:,} points can be swept, found {spec.count:,}; search them")
    spec._origin = origin
    return spec


def _seen_from(folder: Path, data: Mapping[str, Any]) -> dict[str, Any]:
    """The data with the paths of files as they are seen from here; bare names stay."""

    def moved(name: Any) -> Any:
        is_path = isinstance(name, str) and (Path(name).suffix or len(Path(name).parts) > 1)
        return str(folder / name) if is_path else name

    paths = ("traces", "machines", "plugins")
    return {key: [moved(name) for name in _listed(value)] if key in paths else value for key, value in data.items()}


def _without_head(values: Mapping[str, str]) -> dict[str, str]:
    return {name.partition(".")[2]: value for name, value in values.items()}
