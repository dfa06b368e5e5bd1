"""Machine files, of the package and of a plugin."""

from __future__ import annotations

import json
import re
from pathlib import Path
from random import Random
from typing import Any

from spikecycle import hwconfigs, simulator
from spikecycle.simulator.machine.yaml_file import parse_yaml
from spikecycle.simulator.plugins import load_plugin
from tests.bad_input.inputs import small_trace
from tests.fuzz.outcomes import REFUSED_STATUS, Ended, Finding, Kind, Outcome, check_same, check_says, run
from tests.fuzz.surface import Trial
from tests.fuzz.yaml_trees import bomb, hostile_yaml

EXAMPLES = Path(simulator.__file__).parent / "examples"


class Machines:
    """Accepted, a machine runs the same twice, recomputes the right spikes, and its copy is itself."""

    name = "machines"
    share = 15
    needs_models = False

    def prepare(self, folder: Path) -> None:
        """A trace of which the right outputs are known, and every machine file there is."""
        load_plugin(EXAMPLES / "lockstep_rows.py")
        self._trace = small_trace(folder)
        files = [*sorted(Path(hwconfigs.__file__).parent.glob("*.yaml")), EXAMPLES / "lockstep_rows.yaml"]
        texts = [file.read_text(encoding="utf-8") for file in files]
        self._bases: list[tuple[dict[str, Any], str]] = [(parse_yaml(text), text) for text in texts]
        self._files = files

    def warm_up(self) -> None:
        """Run on every machine."""
        for file in self._files:
            run("simulate", self._trace, "--hw", file, "--samples", "0", "--json", "-")

    def make(self, random: Random, folder: Path) -> Trial:
        """A changed machine file."""
        content = bomb(random) if random.random() < 0.01 else hostile_yaml(random, *random.choice(self._bases))
        file = folder / "machine.yaml"
        file.write_bytes(content)
        is_run, is_thorough = random.random() < 0.5, random.random() < 0.1
        return lambda: self._outcome(file, is_run, is_thorough)

    def replay(self, file: Path, folder: Path) -> Outcome:
        """A machine file of the corpus."""
        return self._outcome(file, is_run=True, is_thorough=True)

    def _outcome(self, file: Path, is_run: bool, is_thorough: bool) -> Outcome:
        ended = run("check", file)
        if ended.status == REFUSED_STATUS:
            check_says(ended, [file.name])
            if is_thorough:
                check_same("what simulate says of it", self._simulated(file).status, REFUSED_STATUS)
            return Outcome(Kind.REFUSED, ended.err)
        if not is_run:
            return Outcome(Kind.ACCEPTED)
        simulated = self._simulated(file)
        if simulated.status == REFUSED_STATUS:  # another network may fit it
            return Outcome(Kind.ACCEPTED, simulated.err)
        if simulated.status:
            raise Finding(Kind.WRONG_ACCEPTANCE, f"other output spikes on this machine: {simulated.err}")
        check_result(simulated.out)
        if is_thorough:
            check_same("a second run", self._simulated(file).out, simulated.out)
            copied = file.parent / "copied.yaml"
            if run("copy", file, copied).status == 0:
                names = re.compile(rb"^name:.*$", re.MULTILINE)  # a copy is named as its file
                check_same("the copy", *(names.sub(b"", each.read_bytes(), 1) for each in (copied, file)))
                copied.unlink()
        return Outcome(Kind.ACCEPTED)

    def _simulated(self, file: Path) -> Ended:
        return run("simulate", self._trace, "--hw", file, "--samples", "0,1", "--verify", "--json", "-")


def check_result(text: str) -> None:
    """Finding unless a JSON document has finite, positive figures that add up."""
    result = json.loads(text, parse_constant=_no_number)
    cycles = result["sum_cycles"]
    if not (isinstance(cycles, int) and cycles > 0):
        raise Finding(Kind.WRONG_ACCEPTANCE, f"{cycles} cycles")
    if not result["sum_energy_pj"] >= 0:
        raise Finding(Kind.WRONG_ACCEPTANCE, f"an energy of {result['sum_energy_pj']} pJ")


def _no_number(word: str) -> Any:
    raise Finding(Kind.WRONG_ACCEPTANCE, f"{word} in a result")
