"""Measures how far the simulator agrees with the RTL: `python -m tests.rtl`. Exit status 1 if anything differs."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable

from tests.rtl.harness.build import verilator
from tests.rtl.harness.comparison import Agreement
from tests.rtl.harness.measure import measure_generated, measure_shipped, summary


def report(title: str, measured: Iterable[Agreement]) -> bool:
    """Print what differs and a summary; whether nothing does."""
    started = time.monotonic()
    agreements = list(measured)
    for agreement in agreements:
        for difference in agreement.differences:
            print(f"{agreement.name}: {difference}")  # noqa: T201
    print(f"{title}: {summary(agreements)} ({time.monotonic() - started:.0f} s)", flush=True)  # noqa: T201
    return not any(agreement.differences for agreement in agreements)


def main() -> int:
    """Everything; 2 without Verilator."""
    if verilator() is None:
        print("Verilator is not installed: apt-get install verilator", file=sys.stderr)  # noqa: T201
        return 2
    generated_agree = report("generated", measure_generated())
    return 0 if report("shipped traces", measure_shipped()) and generated_agree else 1


if __name__ == "__main__":
    sys.exit(main())
