"""Plugin files: Python that is damaged, changed, of another kind, or no file. It is code; how it fails is ours."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from spikecycle import simulator
from spikecycle.simulator.plugins import REGISTRIES
from tests.fuzz.outcomes import REFUSED_STATUS, Kind, Outcome, check_same, check_says, run
from tests.fuzz.random_bytes import damaged
from tests.fuzz.surface import Trial
from tests.fuzz.yaml_trees import changed_text

EXAMPLES = Path(simulator.__file__).parent / "examples"
NO_PLUGINS = (
    b"", b"\x00", b"\xff\xfe", b"import nothing_of_the_kind", b"raise SystemExit(0)", b"exit('bye')", b"1/0",
    b"raise Exception('a\\nb\\x1b[2J' + 'x' * 10000)", b"(" * 5000, b"-" * 50_000 + b"1", b"[" * 90 + b"]" * 90,
    b"def f(): f()\nf()", b"# coding: nothing\n", b"raise MemoryError", b"raise RecursionError", b"x = 1 is 1",
    b"from spikecycle.simulator.dataflows import DATAFLOWS\nDATAFLOWS.register('spike_array', object())",
    b"from spikecycle.simulator.formats import WEIGHT_FORMATS\nWEIGHT_FORMATS.register('mine', 1)",
    b"from spikecycle.simulator.schedule import OVERLAPS\nOVERLAPS.register(None, None)",
    b"class E(Exception):\n  def __str__(self): raise ValueError('no')\nraise E",
    b"'\\d'", b"x" * 2_000_000, b"a = " + b"1+" * 20_000 + b"1", b"\n" * 100_000,
)  # fmt: skip


class PluginFiles:
    """Refused in lines that name the file, and nothing else changes: the next machine is checked as ever."""

    name = "plugin-files"
    share = 3
    needs_models = False

    def prepare(self, folder: Path) -> None:
        """The example."""
        warnings.simplefilter("ignore", SyntaxWarning)  # Python tells the author of a plugin about it, as it should
        self._text = (EXAMPLES / "lockstep_rows.py").read_text(encoding="utf-8")

    def warm_up(self) -> None:
        """Nothing that would be worth it."""

    def make(self, random: Random, folder: Path) -> Trial:
        """A changed plugin file, or what is none."""
        file = folder / random.choice(["plugin.py", "plugin.py", "plugin.py", "plugin", "plugin.so", "a\x1b[2Jb.py"])
        way = random.random()
        if way < 0.5:
            file.write_text(changed_text(random, self._text), encoding="utf-8", errors="surrogatepass")
        elif way < 0.7:
            file.write_bytes(damaged(random, self._text.encode()))
        elif way < 0.9:
            file.write_bytes(random.choice(NO_PLUGINS))
        else:
            random.choice([lambda: os.mkfifo(file), file.mkdir, lambda: file.symlink_to("/dev/zero"), lambda: None])()
        return lambda: self.replay(file, folder)

    def replay(self, file: Path, folder: Path) -> Outcome:
        """A plugin file of the corpus, which is called .py.txt there: it is no code of ours."""
        if file.suffix == ".txt":
            file = file.rename(file.with_suffix(""))
        machine = EXAMPLES / "lockstep_rows.yaml"
        with _without(machine.stem):
            ended = run("check", machine, "--plugin", file)
            check_same("a shipped machine afterwards", run("check", "spike_array").status, 0)
        if ended.status == REFUSED_STATUS:
            check_says(ended, [file.stem.split("\x1b")[0], machine.name])
            return Outcome(Kind.REFUSED, ended.err)
        return Outcome(Kind.ACCEPTED)


@contextmanager
def _without(name: str) -> Iterator[None]:
    """Inside, nothing of that name is registered, by another surface or another plugin; afterwards all is as before."""
    before = {registry: registry.registered() for registry in REGISTRIES}
    try:
        for registry, members in before.items():
            registry.restore({called: member for called, member in members.items() if called != name})
        yield
    finally:
        for registry, members in before.items():
            registry.restore(members)
