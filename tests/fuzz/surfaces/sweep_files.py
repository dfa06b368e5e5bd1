"""Sweep files: read and checked, their points listed, not run."""

from __future__ import annotations

import itertools
from pathlib import Path
from random import Random

from spikecycle.simulator import SimulatorError
from spikecycle.simulator.explore import sweep_spec
from spikecycle.simulator.machine.yaml_file import parse_yaml
from tests.fuzz import random_values
from tests.fuzz.outcomes import Kind, Outcome, check_refusal, check_same
from tests.fuzz.surface import Trial
from tests.fuzz.yaml_trees import bomb, hostile_yaml

MOST_CHARACTERS = 2_000
"""As the command line cuts lines."""
LISTED = 300


class SweepFiles:
    """Accepted, a sweep is the same when it is read again, and its points are as many as it says, all different."""

    name = "sweep-files"
    share = 8
    needs_models = False

    def prepare(self, folder: Path) -> None:
        """The sweep of the documentation, and one with every kind of key."""
        documented = str(sweep_spec.__doc__).split("\n\n")[1]
        texts = [
            "\n".join(line[4:] for line in documented.splitlines()),
            "traces: digits-8bit\nmachines: [spike_array, eyeriss_snn]\n"
            "set:\n  dataflow.pes: {from: 1, to: 9, step: 2}\n"
            "together:\n  - {technology.clock_mhz: [100, 200], technology.node_nm: [28, 45]}\n"
            "residency: {weights: [inference, 'batch:4'], activations: dram}\nsamples: [0, 3]\n"
            "ideal_memory: [true, false]\nplugins: own.py\n",
        ]
        self._bases = [(parse_yaml(text), text) for text in texts]

    def warm_up(self) -> None:
        """Nothing that would be worth it."""

    def make(self, random: Random, folder: Path) -> Trial:
        """A changed sweep file."""
        file = folder / "sweep.yaml"
        tree, text = random.choice(self._bases)
        if random.random() < 0.01:
            file.write_bytes(bomb(random))
        elif random.random() < 0.3:
            file.write_text(f"{text.split('set:')[0]}set:\n" + "".join(_ranges(random)))
        else:
            file.write_bytes(hostile_yaml(random, tree, text))
        return lambda: self.replay(file, folder)

    def replay(self, file: Path, folder: Path) -> Outcome:
        """A sweep file of the corpus."""
        try:
            spec = sweep_spec.read_sweep(file)
        except SimulatorError as error:
            check_refusal([line[:MOST_CHARACTERS] for line in str(error).splitlines()[:50]], beginning=str(file))
            return Outcome(Kind.REFUSED, str(error))
        check_same("the sweep read again", repr(sweep_spec.read_sweep(file)), repr(spec))
        points = list(itertools.islice(spec.points(), LISTED))
        check_same("the points", len(points), min(spec.count, LISTED))
        check_same("different points", len({point.identity() for point in points}), len(points))
        return Outcome(Kind.ACCEPTED)


def _ranges(random: Random) -> list[str]:
    """Keys whose values are ranges between numbers of all kinds."""
    numbers = (*random_values.INTEGERS, *random_values.REALS, "1e400", "x")
    keys = ("dataflow.pes", "dram.latency_ns", "technology.clock_mhz", *(f"a.b{number}" for number in range(40)))
    lines = []
    for key in random.sample(keys, random.choice([1, 1, 2, 3, 40])):
        first, last, change = (_number(random.choice(numbers)) for _ in range(3))
        if random.random() < 0.4:
            first = "1"
        lines.append(f"  {key}: {{from: {first}, to: {last}, {random.choice(['step', 'factor'])}: {change}}}\n")
    return lines


def _number(value: object) -> str:
    """As YAML writes it."""
    text = str(value)
    return f".{text}" if text in ("inf", "nan") else "-.inf" if text == "-inf" else text
