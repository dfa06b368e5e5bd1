"""Cells of the spike array's RTL, synthesized by Yosys, beside the area model's logic: a sanity figure.

    python -m benchmarks.pe_area [--machine NAME]

A PE with its modules, and the dispatcher. Two figures for each module:

- *generic*: Yosys' own gates before any logic optimization (`synth -noabc`). Constants in unrolled loops and shifts
  remain as multiplexers, which makes this figure too large by about a half.
- *mapped*: the same netlist after ABC has optimized it and mapped it to simple CMOS gates (`abc -g`).

And the longest path from register or port to register or port, in mapped gates one behind the other (`ltp`); paths end
at memories.

Memories are left out (the SRAM model prices them). Gate equivalents are areas of NanGate's open 45 nm library over
its NAND2's 0.798 um2 (recalled, not read again), without wires, sizing or clock tree. Caveats:

- The area model's cells are those of an earlier RTL after sizing to a whole library (hwconfigs/energy/45nm_gates.yaml).
- The RTL is written to be compared: coordinates and lengths have 16 bits for any layer. No clock is aimed at
  (MICROARCHITECTURE.md of the spike array, "Clock").
- Registers of a layer (fiber table, thresholds) and the fiber buffer are kept small: see CAPACITIES.

Takes a few minutes of processor time. Needs Yosys.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.rtl.harness.build import SOURCES
from tests.rtl.harness.coverage import Capacities, NotCoveredError, parameters
from tests.rtl.harness.simulator import SimulatorError, SpikeArrayMachine, cells_of_pe_mm2, machine_of

NAND2_UM2 = 0.798
UM2_PER_MM2 = 1e6
CELL_UM2 = {
    "NOT": 0.532,
    "NAND": 0.798,
    "NOR": 0.798,
    "AND": 1.064,
    "OR": 1.064,
    "XOR": 1.596,
    "XNOR": 1.596,
    "MUX": 1.862,
    "AOI3": 1.064,
    "OAI3": 1.064,
    "AOI4": 1.330,
    "OAI4": 1.330,
    "DFF": 4.522,
    "DFFE": 4.522 + 1.862,
    "SDFF": 4.522 + 1.064,
    "SDFFE": 4.522 + 1.064 + 1.862,
    "SDFFCE": 4.522 + 1.064 + 1.862,
}
"""NanGate 45 nm open cell library, smallest drive (recalled); enables and resets as the gates they take."""
MAPPED_TO = "AND,NAND,OR,NOR,XOR,XNOR,MUX,AOI3,OAI3,AOI4,OAI4"
TOPS = ("pe", "dispatcher")
OTHERS = ("counters", "spike_array", "sequencer", "encoder")
CAPACITIES = Capacities(fibers=4, fiber_words=4, tap_rows=3, tap_columns=3, channels=8)


@dataclass(frozen=True)
class Synthesized:
    """A module with those in it: what Yosys' `stat` says of generic gates and of mapped ones, and its longest path."""

    generic: str
    mapped: str
    path: str


def synthesize(machine: SpikeArrayMachine, top: str) -> Synthesized:
    """Synthesize a module with those in it."""
    settings = parameters(machine, CAPACITIES)
    if top == "dispatcher":  # its parameters have shorter names
        settings = {"WORD_BITS": settings["SPIKE_BITS"], "AER": settings["AER"]}
    with tempfile.TemporaryDirectory() as folder:
        sources = []
        for source in SOURCES:
            if source.stem in OTHERS or (source.stem in TOPS and source.stem != top):
                continue
            text = source.read_text()
            if source.stem == top:
                for name, value in settings.items():
                    text = re.sub(rf"(parameter \w+ {name} =) [^,\n]+", rf"\1 {value}", text, count=1)
            sources.append(Path(folder) / source.name)
            sources[-1].write_text(text)
        generic, mapped, path = (Path(folder) / name for name in ("generic", "mapped", "path"))
        script = f"read_verilog -sv {' '.join(map(str, sources))}; hierarchy -top {top}; blackbox *sram*"
        script += f"; synth -noabc; tee -o {generic} stat; abc -g {MAPPED_TO}; opt_clean; tee -o {mapped} stat"
        script += f"; flatten; delete t:*sram*; tee -o {path} ltp -noff"  # no path through a memory
        subprocess.run(["yosys", "-q", "-p", script], check=True, capture_output=True)
        return Synthesized(generic.read_text(), mapped.read_text(), path.read_text())


def parts(report: str) -> dict[str, dict[str, int]]:
    """Gates and registers by kind, of each module of a report; numbered where it occurs with several parameters."""
    found: dict[str, dict[str, int]] = {}
    for part in re.split(r"^=== ", report, flags=re.MULTILINE)[1:]:
        names = part.split(" ===")[0].removeprefix("$paramod").split("\\")
        title = next((name for name in names if name and not name.startswith("$") and "=" not in name), part[:20])
        counted: dict[str, int] = {}
        for kind, count in re.findall(r"^ +\$_([A-Z]+[0-9]?)_(?:[PN01]+_)? +(\d+)$", part, re.MULTILINE):
            counted[kind] = counted.get(kind, 0) + int(count)
        same = sum(name.split(" ")[0] == title for name in found)
        found[f"{title} {same + 1}" if same else title] = counted
    return found


def path_length(report: str) -> int:
    """Gates of the longest path."""
    found = re.search(r"Longest topological path in .*length=(\d+)", report)
    assert found
    return int(found.group(1))


def gates(cells: dict[str, int]) -> float:
    """NAND2 equivalents."""
    return sum(count * CELL_UM2[kind] for kind, count in cells.items()) / NAND2_UM2


def main() -> int:
    """Synthesize and print; 2 without Yosys, or for a machine that the RTL does not cover."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--machine", default="spike_array")
    arguments = parser.parse_args()
    if shutil.which("yosys") is None:
        print("Yosys is not installed: make rtl-tools", file=sys.stderr)
        return 2
    try:
        machine = machine_of(arguments.machine)
        parameters(machine, CAPACITIES)
    except (SimulatorError, NotCoveredError) as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{'':18} {'registers':>9} {'generic gates':>14} {'mapped gates':>13} {'mapped mm2':>11}")
    for top in TOPS:
        found = synthesize(machine, top)
        generic, mapped = parts(found.generic), parts(found.mapped)
        for title, cells in mapped.items():
            if not cells:
                continue
            registers = sum(count for kind, count in cells.items() if "DFF" in kind)
            mm2 = gates(cells) * NAND2_UM2 / UM2_PER_MM2
            name = f"{top} in all" if title == "design hierarchy" else title
            print(f"{name:18} {registers:9,} {gates(generic[title]):14,.0f} {gates(cells):13,.0f} {mm2:11.4f}")
        print(f"{top}: longest path {path_length(found.path)} gates")
    print(f"the area model's cells of a PE: {cells_of_pe_mm2(machine):.4f} mm2")
    return 0


if __name__ == "__main__":
    sys.exit(main())
