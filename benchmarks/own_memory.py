"""Machines of the literature by their publications' rules of memory, and with this project's DRAM, overlap and prices.

    python benchmarks/own_memory.py [--spikes NAME=FILE.npz] [TRACE ...]

The comparison study of Prosperity counts single bits at full bandwidth, no latency, and neurons that hide behind the
operator before; Eyeriss, SATO and MINT have no memory at all there, LoAS and its baselines, SpinalFlow, Phi, GustavSNN
and Bishop hide what a layer waits for at its start. Here the same dataflow hands its traffic to the overlap policy
`roofline`, with bursts of 512 bits and 50 ns of latency, nothing hidden; of the three without memory, each operand of
a layer crosses the DRAM once, at least. "Counted" is the energy of what is counted, at this project's prices, instead
of the published power times the time; DRAM at the machine's own price is in all energies. One sample of each trace, by
default of all shipped ones. --spikes adds a network of recorded spikes (`simulator/validation/spike_files.py`), whose
weights are all 1: not for machines that skip weights of 0.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import arguments

from spikecycle.simulator import simulate
from spikecycle.simulator.machine.loader import load_machine
from spikecycle.simulator.validation.spike_files import read_layers, write_network
from spikecycle.traces import list_samples

BURSTS = {"dram.burst_bits": 512, "dram.latency_ns": 50}
ROOFLINE = {"overlap": {"policy": "roofline", "start": "first_row"}}
OWN_DRAM = {"bandwidth_gbit_per_s": 512, "burst_bits": 512, "latency_ns": 50, "energy_pj_per_bit": 12.45}
"""The DRAM of the comparison study, with bursts and latency."""
STUDY: dict[str, Any] = ROOFLINE | BURSTS | {"dataflow.memory": "scheduled"}
WITHOUT: dict[str, Any] = ROOFLINE | {"dataflow.traffic": "once", "dram": OWN_DRAM}
HIDDEN: dict[str, Any] = ROOFLINE | BURSTS
OWN = {
    "eyeriss": WITHOUT, "sato": WITHOUT, "mint": WITHOUT, "ptb": STUDY, "prosperity_bit": STUDY, "prosperity": STUDY,
    "spinalflow": HIDDEN, "loas": HIDDEN, "sparten_s": HIDDEN, "gospa_s": HIDDEN, "gamma_s": HIDDEN, "phi": HIDDEN,
    "gustavsnn": HIDDEN, "bishop": HIDDEN,
}  # fmt: skip
"""Machines, and the settings that make their memory this project's."""
SKIPS_WEIGHTS = ("loas", "sparten_s", "gospa_s", "gamma_s", "gustavsnn")
HEAD = ("trace", "machine", "cycles, published", "own memory", "change", "uJ, published", "own memory", "counted")
UJ_PER_PJ = 1e-6


def row(name: str, trace: str | Path, machine: str) -> tuple[str, ...]:
    """Cycles and energy of one sample by both."""
    has_power = load_machine(machine).energy.on_chip_power_mw is not None
    published = simulate(trace, machine, samples=[0])
    own = simulate(trace, machine, samples=[0], settings=OWN[machine])
    settings = OWN[machine] | ({"energy.on_chip_power_mw": None} if has_power else {})
    counted = simulate(trace, machine, samples=[0], settings=settings)
    energies = [
        f"{result.sum_energy_pj * UJ_PER_PJ:.1f}" if result is not counted or has_power else "the same"
        for result in (published, own, counted)
    ]
    change = own.sum_cycles / published.sum_cycles - 1
    return (name, machine, f"{published.sum_cycles:,}", f"{own.sum_cycles:,}", f"{100 * change:+.1f} %", *energies)


def rows(traces: list[str], spikes: list[str]) -> Iterator[tuple[str, ...]]:
    """All of them."""
    for trace in traces:
        for machine in OWN:
            yield row(trace, trace, machine)
    for name, _, file in (each.partition("=") for each in spikes):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "network.h5"
            write_network(read_layers(Path(file)), path)
            for machine in OWN:
                if machine not in SKIPS_WEIGHTS:
                    yield row(name, path, machine)


def main() -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("traces", nargs="*", type=arguments.trace, help="traces, by default all shipped ones")
    parser.add_argument("--spikes", action="append", default=[], metavar="NAME=FILE.npz", help="recorded spikes")
    given = parser.parse_args()
    traces = given.traces or ([] if given.spikes else list(list_samples()))
    print(f"| {' | '.join(HEAD)} |")
    print(f"|---|---|{'---:|' * (len(HEAD) - 2)}")
    for cells in rows(traces, given.spikes):
        print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
