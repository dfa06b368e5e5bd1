"""The commands and their options."""

from __future__ import annotations

from typing import Annotated

import typer

from spikecycle.simulator.cli.extensions import ExtensibleGroup, OwnCommand

COMMANDS = {
    "simulate": OwnCommand(
        "simulate_command", "simulate",
        "spikecycle simulate digits-ternary --hw spike_array --format weights=rle --samples 0-3 --verify",
    ),
    "formats": OwnCommand(
        "formats_command", "formats", "spikecycle formats digits-pruned80 --hw spike_array --json formats.json"
    ),
    "sweep": OwnCommand(
        "sweep_command", "sweep",
        "spikecycle sweep digits-pruned80 --hw spike_array --set dataflow.pes=8,16,32 --out sweep_of_pes",
    ),
    "search": OwnCommand(
        "search_command", "search",
        "spikecycle search digits-8bit digits-ternary --set dataflow.pes=4,8,16 --format weights=csr,rle "
        "--out search_of_pes --trials 10",
    ),
    "compare": OwnCommand(
        "compare_command", "compare",
        "spikecycle compare digits-8bit --hw spike_array --hw mint, or spikecycle compare A.json B.json",
    ),
    "synthesize": OwnCommand(
        "synthesize_command", "synthesize",
        "spikecycle synthesize network.csv network.h5 --timesteps 4 --density 0.1 --sparsity 0.8",
    ),
    "advise": OwnCommand(
        "advise_command", "advise", "spikecycle advise digits-pruned80 --hw spike_array --samples 0-1 --goal energy"
    ),
    "check": OwnCommand(
        "check_command", "check", "spikecycle check digits-8bit, or spikecycle check my_machine.yaml"
    ),
    "report": OwnCommand(
        "report_command", "report", "spikecycle report result.json other.json --out report.html"
    ),
    "list": OwnCommand("list_command", "list_components", "spikecycle list"),
    "copy": OwnCommand("copy_command", "copy", "spikecycle copy spike_array my_machine.yaml"),
    "validate": OwnCommand("validate_command", "validate", "spikecycle validate --data FOLDER --machine mint"),
    "audit": OwnCommand("audit_command", "audit", "spikecycle audit --markdown audit.md"),
    "bench": OwnCommand(
        "bench_command", "bench",
        "spikecycle bench vgg9 --hw spike_array --samples 6 --threads 1,all --report bench.html",
    ),
}  # fmt: skip
"""The simulator's own commands, in the order of the help."""


class Program(ExtensibleGroup):
    """The command line of the simulator."""

    own = COMMANDS


app = typer.Typer(
    name="spikecycle",
    cls=Program,
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
