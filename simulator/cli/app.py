"""The commands and their options."""

from __future__ import annotations

from typing import Annotated

import typer

from spikecycle.simulator.cli.advise_command import advise
from spikecycle.simulator.cli.audit_command import audit
from spikecycle.simulator.cli.bench_command import bench
from spikecycle.simulator.cli.check_command import check
from spikecycle.simulator.cli.compare_command import compare
from spikecycle.simulator.cli.copy_command import copy
from spikecycle.simulator.cli.extensions import ExtensibleGroup
from spikecycle.simulator.cli.formats_command import formats
from spikecycle.simulator.cli.list_command import list_components
from spikecycle.simulator.cli.report_command import report
from spikecycle.simulator.cli.search_command import search
from spikecycle.simulator.cli.simulate_command import simulate
from spikecycle.simulator.cli.sweep_command import sweep
from spikecycle.simulator.cli.synthesize_command import synthesize
from spikecycle.simulator.cli.validate_command import validate

app = typer.Typer(
    name="spikecycle",
    cls=ExtensibleGroup,
    rich_markup_mode="rich",
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    epilog="Start with: spikecycle simulate digits-8bit --verify",
)


@app.callback(invoke_without_command=True)
def program(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version and stop.")] = False,
    debug: Annotated[  # `main` reads it, wherever it stands on the line
        bool, typer.Option("--debug", help="Show the traceback of an error. Works anywhere on the line.")
    ] = False,
) -> None:
    """Replay a compressed spiking neural network on a described accelerator, and count cycles, accesses and energy."""
    from spikecycle.simulator.cli.output import standard_output

    if version:
        from importlib import metadata

        standard_output().text(f"spikecycle {metadata.version('spikecycle')}\n")
    elif context.invoked_subcommand is None:
        standard_output().text(context.get_help() + "\n")


app.command(
    epilog="Example: spikecycle simulate digits-ternary --hw spike_array --format weights=rle --samples 0-3 --verify"
)(simulate)
app.command(epilog="Example: spikecycle formats digits-pruned80 --hw spike_array --json formats.json")(formats)
app.command(
    epilog="Example: spikecycle sweep digits-pruned80 --hw spike_array --set dataflow.pes=8,16,32 --out sweep_of_pes"
)(sweep)
app.command(
    epilog="Example: spikecycle search digits-8bit digits-ternary --set dataflow.pes=4,8,16 --format weights=csr,rle "
    "--out search_of_pes --trials 10"
)(search)
app.command(
    epilog="Example: spikecycle compare digits-8bit --hw spike_array --hw mint, or spikecycle compare A.json B.json"
)(compare)
app.command(epilog="Example: spikecycle synthesize network.csv network.h5 --timesteps 4 --density 0.1 --sparsity 0.8")(
    synthesize
)
app.command(epilog="Example: spikecycle advise digits-pruned80 --hw spike_array --samples 0-1 --goal energy")(advise)
app.command(epilog="Example: spikecycle check digits-8bit, or spikecycle check my_machine.yaml")(check)
app.command(epilog="Example: spikecycle report result.json other.json --out report.html")(report)
app.command("list", epilog="Example: spikecycle list")(list_components)
app.command(epilog="Example: spikecycle copy spike_array my_machine.yaml")(copy)
app.command(epilog="Example: spikecycle validate --data FOLDER --machine mint")(validate)
app.command(epilog="Example: spikecycle audit --markdown audit.md")(audit)
app.command(epilog="Example: spikecycle bench vgg9 --hw spike_array --samples 6 --threads 1,all")(bench)
