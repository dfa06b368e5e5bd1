"""Run CACTI for every SRAM of a grid, or of a table: how the shipped SRAM tables were made.

    python benchmarks/cacti_sweep.py FOLDER CELL KELVIN PORTS [TABLE.csv] > rows.csv

FOLDER is that of the installed package hwcomponents_cacti 1.0.40: its `cacti/cacti` is run with its default
configuration (`default_cfg.cfg`) but for cell, temperature and ports. PORTS: 1rw (one port that reads and writes) or
1r1w (one that reads, one that writes). Without a table, every cell of the grid whose banks are at least 64 words deep;
with one, its rows. Prints rows as hwconfigs/energy has them; about a quarter of a second a row.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from spikecycle.simulator.energy.sram_table import COORDINATES, QUANTITIES, read_table
from spikecycle.simulator.units import BITS_PER_KIB

NODES_NM = (22, 32, 45, 65)
SIZES_KIB = tuple(2.0**k for k in range(-1, 12))
WIDTHS_BITS = (32, 64, 128, 256, 512)
BANKS = (1, 2, 4, 8, 16, 32)
LEAST_DEPTH_WORDS = 64
PORTS = {"1rw": (1, 0, 0), "1r1w": (0, 1, 1)}
"""Ports that read and write, that only read, that only write."""
_LONGEST_RUN_S = 120
_PJ_PER_NJ = 1000


def grid() -> Iterator[tuple[float, float, int, int]]:
    """Cells of the grid that CACTI can run."""
    for node in NODES_NM:
        for size in SIZES_KIB:
            for width in WIDTHS_BITS:
                for banks in BANKS:
                    if size * BITS_PER_KIB >= LEAST_DEPTH_WORDS * width * banks:
                        yield node, size, width, banks


def configuration(text: str, cell: str, kelvin: int, ports: str, sram: tuple[float, float, int, int]) -> str:
    """CACTI's input for one SRAM."""
    node, size, width, banks = sram
    both, read, write = PORTS[ports]
    text = text.replace("itrs-lstp", cell).replace("temperature (K) 300", f"temperature (K) {kelvin}")
    text = text.replace("-exclusive read port 0", f"-exclusive read port {read}")
    text = text.replace("-exclusive write port 0", f"-exclusive write port {write}")
    return text + (
        f"\n-size (bytes) {round(size * 1024)}\n-read-write port {both}\n-block size (bytes) {width // 8}\n"
        f"-technology (u) {node / 1000}\n-output/input bus width {width}\n-UCA bank {banks}\n"
        '-cache type "ram"\n-tag size (b) 0\n-associativity 1\n'
    )


def run(package: Path, text: str, banks: int) -> list[float]:
    """QUANTITIES of one SRAM."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "in"
        path.write_text(text)
        subprocess.run(
            ["./cacti", "-infile", str(path)],
            cwd=package / "cacti", check=True, stdout=subprocess.DEVNULL, timeout=_LONGEST_RUN_S,
        )  # fmt: skip
        found = list(csv.DictReader(Path(f"{path}.out").read_text().splitlines()))[-1]
    row = {key.strip(): value for key, value in found.items()}
    return [
        float(row["Dynamic read energy (nJ)"]) * _PJ_PER_NJ,
        float(row["Dynamic write energy (nJ)"]) * _PJ_PER_NJ,
        float(row["Standby leakage per bank(mW)"]) * banks,
        float(row["Area (mm2)"]),
        float(row["Access time (ns)"]),
        float(row["Random cycle time (ns)"]),
    ]


def main() -> None:
    """See the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("package", type=Path, metavar="FOLDER", help="of the installed package hwcomponents_cacti")
    parser.add_argument("cell", metavar="CELL", help="as CACTI calls it: itrs-lstp, itrs-lop, itrs-hp")
    parser.add_argument("kelvin", type=int, metavar="KELVIN")
    parser.add_argument("ports", choices=tuple(PORTS), metavar="PORTS", help=" or ".join(PORTS))
    parser.add_argument(
        "table", nargs="?", type=Path, metavar="TABLE.csv", help="whose rows are run instead of the grid"
    )
    given = parser.parse_args()
    for path in (given.package / "default_cfg.cfg", given.table):
        if path and not path.is_file():
            parser.error(f"{path}: there is no such file")
    srams = list(grid())
    if given.table:
        rows = np.exp2(read_table(given.table).points)
        srams = [(node, size, round(width), round(banks)) for node, size, width, banks in rows]
    default = (given.package / "default_cfg.cfg").read_text()
    print(",".join([*COORDINATES, *QUANTITIES]))
    for sram in srams:
        text = configuration(default, given.cell, given.kelvin, given.ports, sram)
        values = run(given.package, text, sram[3])
        print(",".join([*(f"{part:g}" for part in sram), *(f"{value:.5g}" for value in values)]), flush=True)


if __name__ == "__main__":
    main()
