"""What the commands' options mean: their types, help, and how their text is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from spikecycle.cores import cores
from spikecycle.simulator.errors import UsageError

TraceArgument = Annotated[str, typer.Argument(metavar="TRACE", help="A trace file, or the name of a sample trace.")]
HardwareOption = Annotated[str, typer.Option("--hw", metavar="HW", help="A machine file, or a shipped machine's name.")]
FormatOption = Annotated[
    list[str] | None,
    typer.Option(
        "--format",
        metavar="OPERAND[.OPERATOR]=NAME",
        help="Store an operand so, or that of one operator: weights=rle, spikes=aer, weights.fc1=bitmask, weights=auto "
        "(the best for each operator). Repeatable.",
    ),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Replace a key of the machine: buffers.weights.banks=8. Repeatable."
    ),
]
ResidencyOption = Annotated[
    list[str] | None,
    typer.Option(
        "--residency",
        metavar="WHAT=HOW",
        help="What stays on chip: weights=inference (loaded in every inference), weights=batch:4 (once in every 4), "
        "weights=resident, activations=dram, activations=chip (where they fit). Repeatable.",
    ),
]
SamplesOption = Annotated[
    str | None,
    typer.Option(
        "--samples", metavar="LIST", help="Samples to replay, e.g. 0,2-5 (both ends included). All by default."
    ),
]
JsonOption = Annotated[
    str | None,
    typer.Option(
        "--json", metavar="FILE", help="Write everything as JSON too; - is standard output, then without tables."
    ),
]
PictureOption = Annotated[
    str | None,
    typer.Option("--picture", metavar="FILE", help="Write the tables and bars as a picture too (SVG)."),
]
ReportOption = Annotated[
    str | None,
    typer.Option("--report", metavar="FILE.html", help="Write a page of charts too, which opens in any browser."),
]
TimelineOption = Annotated[
    str | None,
    typer.Option(
        "--timeline",
        metavar="FILE.json",
        help="Write when everything of the first sample happens, for ui.perfetto.dev or chrome://tracing.",
    ),
]
TimelineWindowOption = Annotated[
    str | None,
    typer.Option("--timeline-window", metavar="FROM-TO", help="Only these cycles of it, e.g. 0-20000. All by default."),
]
PluginOption = Annotated[
    list[str] | None,
    typer.Option(
        "--plugin", metavar="FILE.py", help="Run a file that adds dataflows, formats or overlap policies. Repeatable."
    ),
]

MaxMemoryOption = Annotated[
    str | None,
    typer.Option(
        "--max-memory",
        metavar="SIZE",
        help="Memory that a run may need by its estimate, e.g. 4G. Three quarters of what is free by default.",
    ),
]

ThreadsOption = Annotated[
    str,
    typer.Option(
        "--threads", metavar="N|all", help="Samples and stages worked on side by side; all: one for each core."
    ),
]
SampleThreadsOption = Annotated[
    str, typer.Option("--threads", metavar="N|all", help="Samples worked on side by side; all: one for each core.")
]

SetValuesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=A,B,C",
        help="Values of a key of the machine: dataflow.pes=8,16,32, or {from: 8, to: 64, factor: 2} (or step). "
        "Repeatable.",
    ),
]
FormatsOption = Annotated[
    list[str] | None,
    typer.Option("--format", metavar="OPERAND=A,B", help="Formats: weights=rle,bitmask. Repeatable."),
]
ResidenciesOption = Annotated[
    list[str] | None,
    typer.Option("--residency", metavar="WHAT=A,B", help="What stays on chip: weights=inference,resident. Repeatable."),
]
MachinesOption = Annotated[
    list[str] | None, typer.Option("--hw", metavar="HW", help="A machine, as simulate takes it. Repeatable.")
]
JobsOption = Annotated[
    int | None,
    typer.Option("--jobs", metavar="N", min=1, help="Processes on this computer. As many as cores by default."),
]
ClusterOption = Annotated[
    str | None,
    typer.Option(
        "--cluster", metavar="ADDRESS", help="Run on the Dask cluster whose scheduler is there: tcp://host:8786."
    ),
]

DEFAULT_HARDWARE = "spike_array"
DEFAULT_THREADS = "1"
MOST_THREADS = 1024
LONGEST_CYCLE_DIGITS = 18


def parse_samples(text: str | None) -> list[int] | None:
    """The sample indices in "0,2-5"; None for all. UsageError on anything else, and on a sample named twice."""
    if text is None:
        return None
    from spikecycle.simulator.sample_list import parse_sample_list

    return parse_sample_list(text, f"--samples {text}")


def parse_formats(texts: Sequence[str] | None) -> dict[str, str]:
    """Format by operand, or operand and operator, from ["weights=rle", "spikes=aer", "weights.fc1=bitmask"].

    UsageError on unknown operands and formats; which operators there are, only the trace tells.
    """
    formats: dict[str, str] = {}
    for text in texts or ():
        target, equals, name = text.rpartition("=")
        operand, dot, operator = target.partition(".")
        if not equals or not name or (dot and not operator):
            raise UsageError(f"--format {text}: write OPERAND=NAME or OPERAND.OPERATOR=NAME, e.g. weights=rle")
        if operand not in ("weights", "spikes"):
            raise UsageError(f"--format {text}: no format can be chosen for {operand!r}, allowed: weights, spikes")
        if operand == "spikes" and operator:
            raise UsageError(
                f"--format {text}: what one operator writes, another reads: spikes have one format, write spikes={name}"
            )
        if target in formats:
            raise UsageError(f"--format {text}: the format of {target} is given twice")
        formats[target] = name
    _check_names(formats)
    return formats


def parse_max_memory(text: str | None) -> int | None:
    """Bytes from "4G"; None by default. UsageError on what is no size."""
    if text is None:
        return None
    from spikecycle.simulator.memory import parse_bytes

    return parse_bytes(text)


def parse_threads(text: str) -> int:
    """A number of threads from "4", or from "all" that of the cores that there are; UsageError on anything else."""
    if text == "all":
        return cores()
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(MOST_THREADS))
    if not is_number or not 1 <= int(text) <= MOST_THREADS:
        raise UsageError(f"--threads {text}: write a number from 1 to {MOST_THREADS}, or all")
    return int(text)


def parse_settings(texts: Sequence[str] | None) -> dict[str, Any]:
    """Machine keys and values from ["buffers.weights.banks=8"]; UsageError where it is no KEY=VALUE."""
    from spikecycle.simulator.machine.loader import parse_setting

    settings: dict[str, Any] = {}
    for text in texts or ():
        try:
            key, value = parse_setting(text)
        except UsageError as error:
            raise UsageError(f"--set {error}") from error
        if key in settings:
            raise UsageError(f"--set {text}: the key {key} is given twice")
        settings[key] = value
    return settings


def parse_values(option: str, texts: Sequence[str] | None) -> dict[str, Any]:
    """Values by key from ["dataflow.pes=8,16"], read as YAML; a range {from, to, step} stays one.

    UsageError where it is no KEY=VALUES.
    """
    from spikecycle.simulator.machine.loader import parse_setting

    found: dict[str, Any] = {}
    for text in texts or ():
        key, equals, values = text.partition("=")
        try:
            name, listed = parse_setting(f"{key}=[{values}]" if equals else text)
        except UsageError as error:
            raise UsageError(f"{option} {text}: write KEY=A,B,C, e.g. dataflow.pes=8,16,32") from error
        if name in found:
            raise UsageError(f"{option} {text}: the key {name} is given twice")
        found[name] = listed[0] if len(listed) == 1 and isinstance(listed[0], dict) else listed
    return found


def parse_words(option: str, texts: Sequence[str] | None) -> dict[str, list[str]]:
    """Names by what they are of from ["weights=rle,bitmask"]; UsageError where it is no WHAT=NAMES."""
    found: dict[str, list[str]] = {}
    for text in texts or ():
        what, equals, names = text.rpartition("=")
        if not equals or not what or not all(names.split(",")):
            raise UsageError(f"{option} {text}: write WHAT=A,B, e.g. weights=rle,bitmask")
        if what in found:
            raise UsageError(f"{option} {text}: {what} is given twice")
        found[what] = names.split(",")
    return found


def parse_space(
    traces: Sequence[str],
    machines: Sequence[str] | None,
    settings: Sequence[str] | None,
    formats: Sequence[str] | None,
    residency: Sequence[str] | None,
    samples: str | None,
    plugins: Sequence[str] | None,
) -> dict[str, Any]:
    """What a sweep file would say, from options: every combination of traces, machines, keys, formats, residencies."""
    return {
        "traces": list(traces),
        "machines": list(machines or [DEFAULT_HARDWARE]),
        "set": parse_values("--set", settings),
        "formats": parse_words("--format", formats),
        "residency": parse_words("--residency", residency),
        "samples": parse_samples(samples),
        "plugins": list(plugins or []),
    }


def parse_window(text: str | None) -> tuple[int, int] | None:
    """First cycle, and that after the last, from "0-20000"; UsageError on anything else, and on an empty window."""
    if text is None:
        return None
    first, dash, last = text.partition("-")
    if not dash or not first.isascii() or not first.isdigit() or not last.isascii() or not last.isdigit():
        raise UsageError(f"--timeline-window {text}: write FROM-TO in cycles, e.g. 0-20000")
    if max(len(first), len(last)) > LONGEST_CYCLE_DIGITS:
        raise UsageError(f"--timeline-window {text}: no run has so many cycles")
    window = int(first), int(last)
    if window[0] >= window[1]:
        raise UsageError(f"--timeline-window {text}: there is nothing between {window[0]:,} and {window[1]:,}")
    return window


def refuse_doubled(file: str, given: Mapping[str, object]) -> None:
    """UsageError where an option says what a sweep file says. given: values by option."""
    doubled = [option for option, value in given.items() if value]
    if doubled:
        raise UsageError(f"{doubled[0]}: the sweep file {file} says that; change it there")


def load_plugins(plugins: Sequence[str] | None) -> None:
    """Load the plugin files, before anything that they add is named; PluginError where one fails."""
    if plugins:
        from spikecycle.simulator import plugins as files

        files.load_plugins(plugins)


def parse_residency(texts: Sequence[str] | None) -> dict[str, str]:
    """How what stays on chip from ["weights=batch:4", "activations=chip"]; UsageError where it is no WHAT=HOW.

    What can be asked for, `spikecycle.simulator.residency` says.
    """
    asked: dict[str, str] = {}
    for text in texts or ():
        what, equals, how = text.partition("=")
        if not equals or not what or not how:
            raise UsageError(f"--residency {text}: write WHAT=HOW, e.g. weights=resident")
        if what in asked:
            raise UsageError(f"--residency {text}: the residency of {what} is given twice")
        asked[what] = how
    return asked


def _check_names(formats: dict[str, str]) -> None:
    if not formats:
        return
    from spikecycle.simulator.formats import SPIKE_FORMATS, check_weight_format

    for target, name in formats.items():
        try:
            (SPIKE_FORMATS.lookup if target == "spikes" else check_weight_format)(name)
        except UsageError as error:
            raise UsageError(f"--format {target}={name}: {error}") from error
