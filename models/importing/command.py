"""`spikecycle import`: a NIR file and samples to a trace."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from spikecycle.files import check_replaceable, is_regular, is_shipped
from spikecycle.models.errors import ModelsError
from spikecycle.models.extras import require_train_extra
from spikecycle.wording import numbered

if TYPE_CHECKING:
    from spikecycle.models.importing.measure import Measurement
    from spikecycle.models.importing.network import ImportedNetwork

app = typer.Typer(add_completion=False)


def _is_there(network: Path) -> Path:
    """Told before options that are missing: a name with a typing error is what most often goes wrong."""
    if not network.exists():
        raise ModelsError(f"{network}: no such file")
    return network


@app.command(epilog="Example: spikecycle import lenet.nir --samples test.npz --out lenet.h5 --weight-bits 4")
def import_command(
    network: Annotated[
        Path, typer.Argument(metavar="FILE.nir", help="A network in the format NIR.", callback=_is_there)
    ],
    samples: Annotated[
        Path,
        typer.Option(metavar="FILE.npz", help="Arrays samples (N, T, C, H, W) or (N, T, features), and labels (N,)."),
    ],
    out: Annotated[Path, typer.Option(metavar="FILE.h5", help="The trace to write.")],
    weight_bits: Annotated[int, typer.Option(help="Bits of a weight.", min=2, max=16)] = 8,
    potential_bits: Annotated[
        int | None, typer.Option(help="Bits of a potential; as many as each layer needs by default.", min=2, max=32)
    ] = None,
    input_bits: Annotated[int, typer.Option(help="Bits of an input, if inputs are analog.", min=1, max=16)] = 8,
    record: Annotated[
        int | None, typer.Option(metavar="N", help="Record only the first N samples; measure on all.", min=1)
    ] = None,
    dt: Annotated[float, typer.Option(help="Duration of a timestep, in the unit of the file's time constants.")] = 1e-4,
    reset: Annotated[
        Literal["hard", "soft"] | None,
        typer.Option(help="Reset of all neurons; by default to v_reset where the file has it, else by subtraction."),
    ] = None,
    classes: Annotated[
        int | None, typer.Option(help="Classes that groups of output neurons stand for; each is one by default.", min=1)
    ] = None,
    neurons: Annotated[
        Literal["exact", "plain"],
        typer.Option(help="exact: all that a trace can hold; plain: what every machine has, as near as that comes."),
    ] = "exact",
    leak_tolerance: Annotated[
        float, typer.Option(help="Relative error of what leaks away that is accepted for fewer bits of a leak.", min=0)
    ] = 0.0,
    force: Annotated[bool, typer.Option("--force", help="Replace the trace if it is there already.")] = False,
) -> None:
    """Quantize a network made elsewhere (NIR), run it on samples in integers, and write its trace."""
    require_train_extra()
    if not 0 < dt < float("inf"):
        raise ModelsError(f"--dt {dt:g}: must be above 0")
    check_target(out, (network, samples), force)

    from spikecycle.models.importing.measure import check_labels
    from spikecycle.models.importing.network import import_network
    from spikecycle.models.importing.samples_file import read_samples
    from spikecycle.models.pipeline import set_determinism
    from spikecycle.traces.errors import one_line

    set_determinism()
    with _within_floats(network):
        imported = import_network(
            network, dt=dt, reset=reset, classes=classes, neurons=neurons, leak_tolerance=leak_tolerance
        )
        arrays, labels = read_samples(samples)
        try:
            imported.calibrate(arrays, input_bits)
            if labels is not None:
                check_labels(labels, imported.classes)
        except ModelsError as error:
            raise ModelsError(f"{samples}: {error}") from None
        imported.quantize(weight_bits, potential_bits)
        started_s = time.perf_counter()
        with shown(f"measuring {network.name}") as progress:
            measured = imported.measure(arrays, labels, progress)
        seconds = time.perf_counter() - started_s
        with shown(f"recording {out.name}") as progress:
            imported.record(
                out, arrays[:record], None if labels is None else labels[:record], measured, progress, force=True
            )
    recorded = len(arrays[:record])
    lines = [
        f"{out}: {recorded} of {numbered(len(arrays), 'sample')} recorded; inputs are {imported.inputs}",
        *report(imported, measured),
    ]
    lines.append(
        f"measured in {seconds:.1f} s, {1000 * seconds / len(arrays):.1f} ms per sample for all versions of the network"
    )
    lines.append(f"next: spikecycle simulate {out} --verify")
    sys.stdout.write("".join(f"{one_line(line, longest=2000)}\n" for line in lines))


@contextmanager
def _within_floats(network: Path) -> Iterator[None]:
    """ModelsError, not a warning and a wrong number, where a file has numbers too large or small for floats."""
    import numpy as np  # not before: the module is loaded to show help

    try:
        with np.errstate(over="raise", divide="raise", invalid="raise"):
            yield
    except FloatingPointError as error:
        raise ModelsError(f"{network}: its numbers, or the samples', leave the range of floats ({error})") from error


def report(imported: ImportedNetwork, measured: Measurement) -> list[str]:
    """Accuracies, neurons and what to look at, as lines."""
    lines = []
    accuracies = {
        "as it was": measured.accuracy_float,
        "in hardware's neurons": measured.accuracy_mapped,
        "with quantized weights": measured.accuracy_fake_quantized,
        "in integers": measured.accuracy_integer,
    }
    told = [f"{100 * accuracy:.2f} % {what}" for what, accuracy in accuracies.items() if accuracy is not None]
    if told:
        lines.append(f"accuracy: {', '.join(told)}")
    leaks, bits = imported.leaks, imported.potential_bits
    for name, words in imported.resets.items():
        original, leak = leaks[name]
        parts = [words, f"{bits[name]}-bit potentials"]
        if name in measured.firing_rates:
            parts = [
                f"{measured.firing_rates[name]:.4f} spikes a neuron and timestep", *parts[:1],
                f"leak as {_span(leak.numerator)}/2**{leak.shift} (error {abs(leak.value - original).max():.2g})",
                *parts[1:],
                f"for each spike as it was, {measured.spike_difference_integer[name]:.4f} differ",
            ]  # fmt: skip
            causes = measured.spike_difference_causes[name]
            parts += [f"{count} by {cause}" for cause, count in causes.items()]
        lines.append(f"neurons {name}: {'; '.join(parts)}")
    beyond = imported.beyond_plain
    if beyond:
        lines.append(
            f"neurons that not every machine has: {', '.join(beyond[:8])}{', ...' if len(beyond) > 8 else ''}; "
            "--neurons plain makes others of those without a synaptic current, as near as that comes"
        )
    lines += [f"look: {remark}" for remark in (*measured.remarks, *imported.unfit())]
    return lines


def _span(values: Any) -> str:
    low, high = int(values.min()), int(values.max())
    return f"{low}" if low == high else f"{low}..{high}"


def _is_of(path: Path, out: Path) -> bool:
    """Whether a file is this input, or in it where it is a folder."""
    return path.samefile(out) if is_regular(path) else path.is_dir() and out.resolve().is_relative_to(path.resolve())


def check_target(out: Path, inputs: tuple[Path, ...], force: bool) -> None:
    """Known now rather than after the measuring."""
    if is_regular(out) and any(_is_of(path, out) for path in inputs):
        raise ModelsError(f"--out {out}: would overwrite an input")
    if is_shipped(out):
        raise ModelsError(f"--out {out}: is a file of spikecycle itself; name another")
    try:
        check_replaceable(out)
    except OSError as error:
        raise ModelsError(f"--out {out}: {error.strerror}") from error
    if out.exists() and not force:
        raise ModelsError(f"--out {out}: is there already; name another, or replace it with --force")
    if not out.parent.is_dir() or not os.access(out.parent, os.W_OK):
        raise ModelsError(f"--out {out}: {out.parent} is no folder that can be written to")


@contextmanager
def shown(title: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error, where a person watches."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(file=sys.stderr)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        task = bars.add_task(title, total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)
