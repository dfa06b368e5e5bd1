"""Cells of a PE of the spike array's RTL, synthesized by Yosys, beside the area model's logic: a sanity figure.

    python -m benchmarks.pe_area [--machine NAME]

Generic gates without technology mapping or ABC (`synth -noabc`), memories left out (the SRAM model prices them). Gate
equivalents are areas of NanGate's open 45 nm library over its NAND2's 0.798 um2 (recalled, not read again). Caveats:

- The area model counts a machine's adders, multipliers and comparators only. The RTL has all of a PE: FIFO, fetch,
  decoder, addresses.
- The RTL is written to be compared, not to be small: divisions by a layer's sizes, the choice of any value of a fiber
  in any lane, and 16-bit coordinates are combinational and general. Nothing is said of a clock.
- Registers of a layer (fiber table, thresholds) and the fiber buffer are kept small: 4 rows, 8 channels, 4 words.

Takes about two minutes of processor time. Needs Yosys.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from spikecycle.simulator.dataflows.spike_array import SpikeArrayMachine
from spikecycle.simulator.machine.loader import load_machine
from spikecycle.simulator.pricing import Pricing
from tests.rtl.harness.build import SOURCES
from tests.rtl.harness.coverage import Capacities, parameters

NAND2_UM2 = 0.798
UM2_PER_MM2 = 1e6
CELL_UM2 = {
    "NOT": 0.532,
    "AND": 1.064,
    "OR": 1.064,
    "XOR": 1.596,
    "MUX": 1.862,
    "DFF": 4.522,
    "DFFE": 4.522 + 1.862,
    "SDFF": 4.522 + 1.064,
    "SDFFE": 4.522 + 1.064 + 1.862,
    "SDFFCE": 4.522 + 1.064 + 1.862,
}
"""NanGate 45 nm open cell library, smallest drive (recalled); enables and resets as the gates they take."""
WITHOUT_PE = ("counters", "spike_array", "sequencer", "encoder", "dispatcher")
CAPACITIES = Capacities(fibers=4, fiber_words=4, channels=8, tile_neurons=1)


def synthesize(machine: SpikeArrayMachine) -> str:
    """What Yosys' `stat` says of the PE and its modules."""
    with tempfile.TemporaryDirectory() as folder:
        sources = []
        for source in SOURCES:
            if source.stem in WITHOUT_PE:
                continue
            text = source.read_text()
            if source.stem == "pe":
                for name, value in parameters(machine, CAPACITIES).items():
                    text = re.sub(rf"(parameter \w+ {name} =) [^,\n]+", rf"\1 {value}", text, count=1)
            sources.append(Path(folder) / source.name)
            sources[-1].write_text(text)
        found = Path(folder) / "stat"
        read = f"read_verilog -sv {' '.join(map(str, sources))}"
        script = f"{read}; hierarchy -top pe; blackbox *sram*; synth -noabc; tee -o {found} stat"
        subprocess.run(["yosys", "-q", "-p", script], check=True, stdout=subprocess.DEVNULL)
        return found.read_text()


def cells(part: str) -> dict[str, int]:
    """Gates and registers of one part of the report, by kind."""
    counted: dict[str, int] = {}
    for kind, count in re.findall(r"^ +\$_([A-Z]+)_(?:[PN01]+_)? +(\d+)$", part, re.MULTILINE):
        counted[kind] = counted.get(kind, 0) + int(count)
    return counted


def main() -> int:
    """Synthesize and print; 2 without Yosys."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--machine", default="spike_array")
    arguments = parser.parse_args()
    if shutil.which("yosys") is None:
        print("Yosys is not installed: make rtl-tools")
        return 2
    machine = load_machine(arguments.machine)
    assert isinstance(machine, SpikeArrayMachine)
    for part in re.split(r"^=== ", synthesize(machine), flags=re.MULTILINE)[1:]:
        name = part.split(" ===")[0].removeprefix("$paramod").split("\\")
        title = next((piece for piece in name if piece and not piece.startswith("$") and "=" not in piece), part[:20])
        counted = cells(part)
        area_um2 = sum(count * CELL_UM2[kind] for kind, count in counted.items())
        registers = sum(count for kind, count in counted.items() if "DFF" in kind)
        print(
            f"{title:18} {sum(counted.values()):8,} cells ({registers:5,} registers)"
            f" {area_um2 / NAND2_UM2:10,.0f} gates {area_um2 / UM2_PER_MM2:8.4f} mm2"
        )
    logic_mm2 = Pricing(machine).logic_area_mm2() / machine.pe_count
    print(f"the area model's arithmetic of a PE: {logic_mm2:.4f} mm2 (the rest of a PE's logic is not modelled)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
