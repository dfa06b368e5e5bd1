"""Measures how far the simulator agrees with the RTL.

    python -m tests.rtl                   generated layers on generated machines, shipped traces on shipped machines
    python -m tests.rtl --machine FILE    generated layers on a machine of one's own (a file, or a shipped one's name)

Exit status 1 if anything differs, 2 without Verilator or for a machine that the RTL cannot be built for.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable

from tests.rtl.harness import generated
from tests.rtl.harness.build import verilator
from tests.rtl.harness.comparison import Agreement
from tests.rtl.harness.coverage import NotCoveredError
from tests.rtl.harness.measure import Group, measure_generated, measure_shipped, summary, workers
from tests.rtl.harness.simulator import SimulatorError, machine_of


def report(title: str, measured: Iterable[Agreement]) -> bool:
    """Print what differs and a summary; whether nothing does."""
    started = time.monotonic()
    agreements = list(measured)
    for agreement in agreements:
        for difference in agreement.differences:
            print(f"{agreement.name}: {difference}")  # noqa: T201
    print(f"{title}: {summary(agreements)} ({time.monotonic() - started:.0f} s)", flush=True)  # noqa: T201
    return not any(agreement.differences for agreement in agreements)


def own_machine(name: str) -> bool:
    """Generated layers on one machine; whether nothing differs."""
    machine = machine_of(name)
    return report(f"machine {machine.name!r}", Group(machine, generated.samples(machine, number=0)).agreements())


def everything() -> bool:
    """All that `make rtl` compares; whether nothing differs."""
    with workers() as pool:
        generated_agree = report("generated", measure_generated(pool))
        return report("shipped traces", measure_shipped(pool)) and generated_agree


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--machine", metavar="FILE")
    arguments = parser.parse_args()
    if verilator() is None:
        print("Verilator is not installed: apt-get install verilator", file=sys.stderr)  # noqa: T201
        return 2
    try:
        agree = own_machine(arguments.machine) if arguments.machine else everything()
    except (SimulatorError, NotCoveredError) as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 2
    return 0 if agree else 1


if __name__ == "__main__":
    sys.exit(main())
