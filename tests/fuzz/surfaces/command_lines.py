"""Command lines: options in any order, number and spelling, with values that fit them or other options."""

from __future__ import annotations

import os
from pathlib import Path
from random import Random

from tests.bad_input.inputs import machine_file, small_trace
from tests.fuzz import random_values
from tests.fuzz.outcomes import Finding, Kind, Outcome, check_refusal, run
from tests.fuzz.surface import Trial

OPTIONS = (
    "--hw", "--format", "--set", "--residency", "--samples", "--verify", "--ideal-memory", "--max-memory", "--json",
    "--picture", "--plugin", "--debugging", "--help", "--version", "-h", "--", "-", "--out", "--jobs", "--only",
    "--plugins",
)  # fmt: skip
COMMANDS = ("simulate", "simulate", "simulate", "simulate", "check", "check", "copy", "formats", "list", "")
KEYS = (
    "buffers.weights.banks", "buffers.weights.size_kib", "dataflow.pes", "dataflow.lanes", "technology.clock_mhz",
    "technology.node_nm", "dram.latency_ns", "formats.weights.format", "formats.spikes.format", "overlap", "name",
    "residency.weights", "energy.table", "dataflow", "dataflow.kind", "buffers", "sources.x", "", "a..b", ".",
)  # fmt: skip
VALUES = {
    "--hw": ("spike_array", "eyeriss_snn", "mint", "machine.yaml", "small.h5", "spike_aray", "nothing.yaml"),
    "--format": (
        "weights=rle", "spikes=aer", "weights.conv1=bitmask", "weights=auto", "weights", "=", "weights=n_m:2:4",
        "weights=run_length:4", "weights.=rle", "weights.nobody=rle", "spikes=rle", "weights=csr,rle",
    ),
    "--residency": ("weights=resident", "weights=batch:2", "weights=batch:0", "activations=chip", "weights=batch:x"),
    "--samples": ("0", "0,1", "0-2", "2-0", "5", "0,0", "-1", "0-99999999", "0-1e3", "٣", "1,,2"),
    "--max-memory": ("1G", "1", "0", "-1", "4Gi", "1e400", "nan", "10K", "9" * 400),
    "--json": (
        "-", "out.json", "small.h5", "machine.yaml", "no/where.json", ".", "link.json", "/dev/full", "/dev/null",
    ),
    "--picture": ("out.svg", "out.png", "-", ".svg", "out.json", "no/where.svg"),
    "--plugin": ("plugin.py", "machine.yaml", "nothing.py", "."),
}  # fmt: skip
PLACES = (
    "small.h5", "machine.yaml", "digits-8bit", "spike_array", "nothing", "nothing.h5", ".", "link.json", "pipe",
    "/dev/null", "plugin.py",
)  # fmt: skip
SHARE_OF_SLOW = 0.05
"""Of lines that ask for what takes a second."""


class CommandLines:
    """A line that is refused leaves nothing behind; whatever it says, files that were there are as they were."""

    name = "command-lines"
    share = 20
    needs_models = False

    def prepare(self, folder: Path) -> None:
        """The files that lines name."""
        self._trace = small_trace(folder).read_bytes()
        self._machine = machine_file(folder).read_bytes()
        self._place = folder / "small.h5"

    def warm_up(self) -> None:
        """Run the line that most others are like."""
        run("simulate", self._place, "--samples", "0")

    def make(self, random: Random, folder: Path) -> Trial:
        """A line of a few words."""
        line = _line(random)
        return lambda: self._outcome(line, folder)

    def replay(self, file: Path, folder: Path) -> Outcome:
        """A line of the corpus: its words, one in each line of the file."""
        return self._outcome(file.read_text(encoding="utf-8").splitlines(), folder)

    def _outcome(self, line: list[str], folder: Path) -> Outcome:
        before = os.getcwd()  # noqa: PTH109 (it is gone back to as it was)
        os.chdir(folder)
        try:
            files = {"small.h5": self._trace, "machine.yaml": self._machine, "plugin.py": b"", "victim.json": b"{}"}
            for name, content in files.items():
                Path(name).write_bytes(content)
            Path("link.json").symlink_to("victim.json")
            os.mkfifo("pipe")
            names = set(os.listdir())  # noqa: PTH208
            (folder / "LINE.txt").write_text("\n".join(line), encoding="utf-8", errors="surrogateescape")
            # With --debug, which a cut option can become, a refusal is a traceback.
            ended = run(*[word for word in line if word != "--debug"])
            for name, content in files.items():
                if Path(name).read_bytes() != content and not _is_only_a_target(name, line):
                    raise Finding(Kind.WRONG_ACCEPTANCE, f"{line} changed {name}")
            left = set(os.listdir()) - names - {"LINE.txt"}  # noqa: PTH208
            if any(name.startswith(".") and name.endswith(".tmp") for name in left) or (ended.status == 2 and left):
                raise Finding(Kind.BAD_REFUSAL, f"{line} left {sorted(left)}, status {ended.status}")
            if ended.status == 1 and "--verify" not in line:
                raise Finding(Kind.BAD_REFUSAL, f"{line}: status 1: {ended.err}")
            if ended.status != 2:
                return Outcome(Kind.ACCEPTED)
            check_refusal(ended.err.splitlines())
            return Outcome(Kind.REFUSED, ended.err)
        finally:
            os.chdir(before)


def _is_only_a_target(name: str, line: list[str]) -> bool:
    """Whether the line asks for the file to be written, and for nothing else of it."""
    places = [place for place, word in enumerate(line) if name in word]
    return len(places) == 1 and line[places[0] - 1] in ("--json", "--picture")


def _line(random: Random) -> list[str]:
    command = random.choice(COMMANDS)
    if command in ("formats", "list") and random.random() > SHARE_OF_SLOW:
        command = "simulate"
    words = [command] if command else []
    place = "small.h5" if random.random() < 0.7 else random.choice(PLACES)
    if place == "digits-8bit" and command != "check":
        words += ["--samples", "0"]
    words.append(place)
    if command == "copy":
        words.append(random.choice(["new.yaml", "machine.yaml", "link.json", ".", "no/where", "victim.json"]))
    for _ in range(random.choice([0, 1, 1, 2, 2, 3, 5])):
        option = random.choice(OPTIONS)
        words.append(option)
        if option == "--set":
            words.append(f"{random.choice(KEYS)}={_value_text(random)}")
        elif option in VALUES:
            words.append(random.choice(VALUES[option]) if random.random() < 0.85 else _value_text(random))
    if random.random() < 0.2:
        random.shuffle(words)
    if random.random() < 0.1:
        place_of_word = random.randrange(len(words))
        words[place_of_word] = words[place_of_word][: random.randint(0, len(words[place_of_word]))]
    return [word.replace("\0", "") for word in words]


def _value_text(random: Random) -> str:
    value = random_values.value(random)
    return random.choice([str, repr])(value).replace("\n", " ")
