"""What the scripts are told, for argparse: types that refuse what is not there, before anything is measured.

The simulator is imported when it is asked: these scripts are imported again by processes whose memory is measured.
"""

from __future__ import annotations

import argparse


def machine(text: str) -> str:
    """The name of a machine, or the path of its file."""
    from spikecycle.simulator import SimulatorError, load_machine

    try:
        load_machine(text)
    except SimulatorError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return text


def machines(text: str) -> tuple[str, ...]:
    """Several, with commas, or all shipped ones."""
    from spikecycle.simulator import shipped_machines

    return tuple(shipped_machines()) if text == "all" else tuple(machine(name) for name in text.split(","))


def trace(text: str) -> str:
    """The path of a trace, or the name of a shipped one."""
    from spikecycle.traces import TraceError, open_trace

    try:
        with open_trace(text):
            return text
    except TraceError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def count(text: str) -> int:
    """At least one."""
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text}: a whole number from 1 on is needed")
    return int(text)


def share(text: str) -> float:
    """From 0 to 1."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text}: a number from 0 to 1 is needed")
    return value
