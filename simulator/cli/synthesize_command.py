"""`spikecycle synthesize`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from spikecycle.simulator.cli import options
from spikecycle.simulator.cli.output import check_targets, standard_output, write_document
from spikecycle.simulator.errors import OutputError, UsageError
from spikecycle.wording import printable


def synthesize(
    network: Annotated[
        str, typer.Argument(metavar="NETWORK.yaml | TOPOLOGY.csv", help="Shapes, or a topology as SCALE-Sim reads it.")
    ],
    trace: Annotated[str, typer.Argument(metavar="TRACE.h5", help="The trace to write.")],
    timesteps: Annotated[int | None, typer.Option("--timesteps", metavar="T", help="Timesteps of a sample.")] = None,
    samples: Annotated[
        int | None, typer.Option("--samples", metavar="N", help="Samples to draw; 1 if not said.")
    ] = None,
    density: Annotated[
        float | None, typer.Option("--density", metavar="SHARE", help="Share of inputs with a spike, 0 to 1.")
    ] = None,
    sparsity: Annotated[
        float | None, typer.Option("--sparsity", metavar="SHARE", help="Share of weights that are zero; 0 by default.")
    ] = None,
    weight_bits: Annotated[
        int | None, typer.Option("--weight-bits", metavar="BITS", help="Bits of a weight; 8 by default.")
    ] = None,
    time_correlation: Annotated[
        float | None,
        typer.Option("--time-correlation", metavar="R", help="Of a position with itself a timestep later, 0 to 0.95."),
    ] = None,
    space_correlation: Annotated[
        float | None, typer.Option("--space-correlation", metavar="R", help="Of neighbouring positions, 0 to 0.95.")
    ] = None,
    channel_variation: Annotated[
        float | None,
        typer.Option("--channel-variation", metavar="CV", help="Deviation over mean of the densities of channels."),
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", metavar="N", help="Of all that is drawn; 0 by default.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the trace if it is there already.")] = False,
    max_memory: options.MaxMemoryOption = None,
    json: Annotated[
        str | None,
        typer.Option("--json", metavar="FILE", help="Write the statistics that were asked for and drawn as JSON too."),
    ] = None,
) -> None:
    """Draw a trace from shapes, densities and sparsities, for a network of which there is no recording.

    Spikes are clustered in time and space by the statistics that are stated. The trace, and every result of it, says
    that it is synthetic. Options stand above what the file says for all layers.
    """
    max_memory_bytes = options.parse_max_memory(max_memory)
    check_targets({"TRACE.h5": trace, "--json": json}, (network,))
    if not trace.endswith((".h5", ".hdf5")):
        raise UsageError(f"{trace}: a trace is HDF5, name it .h5")
    if Path(trace).exists() and not force:
        raise OutputError(f"{trace}: is there already; name another, or replace it with --force")

    import json as documents

    from spikecycle.simulator.explore.synthesis import channel_notes, measured, parse_synthesis
    from spikecycle.simulator.explore.synthesis import synthesize as draw
    from spikecycle.simulator.explore.topology import unread_columns
    from spikecycle.simulator.machine.yaml_file import read_yaml
    from spikecycle.simulator.report.synthesis_table import synthesis_report
    from spikecycle.traces.clustered import FEWEST_VALUES

    said: dict[str, Any] = {
        "timesteps": timesteps, "samples": samples, "density": density, "weight_sparsity": sparsity,
        "weight_bits": weight_bits, "time_correlation": time_correlation, "space_correlation": space_correlation,
        "channel_variation": channel_variation, "seed": seed,
    }  # fmt: skip
    given = {key: value for key, value in said.items() if value is not None}
    file = Path(network)
    is_topology = file.suffix.lower() == ".csv"
    unread = unread_columns(file) if is_topology else []
    base = {"topology": file.name} if is_topology else read_yaml(file)
    option_of = {key: "--sparsity" if key == "weight_sparsity" else f"--{key.replace('_', '-')}" for key in said}
    asked, layers = parse_synthesis(
        {**base, **given}, network, file.parent,
        {key: option for key, option in option_of.items() if key in given or is_topology},
    )  # fmt: skip
    if asked.topology is not None:  # a file that the file names
        check_targets({"TRACE.h5": trace, "--json": json}, (network, str(file.parent / asked.topology)))
    wanted = draw(asked, layers, trace, network, max_memory_bytes)
    found = measured(trace)
    notes = channel_notes(layers)
    if unread:
        notes.append(f"Columns that are not read: {', '.join(map(printable, unread))}.")
    if json is not None:
        document = {"trace": trace, "synthetic": True, "asked": wanted, "drawn": found, "notes": notes}
        write_document(json, documents.dumps(document, indent=2) + "\n")
    if json != "-":
        standard_output().show(synthesis_report(printable(trace), wanted, found, FEWEST_VALUES, notes))
