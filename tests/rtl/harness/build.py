"""Verilates the RTL for a machine and compiles it, once: programs are kept in a cache, by source and parameters."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

from tests.rtl.harness.bundles import CHUNK_BITS
from tests.rtl.harness.coverage import Capacities, clear_cycles, parameters
from tests.rtl.harness.simulator import SpikeArrayMachine

RTL = Path(__file__).parent.parent
SOURCES = [RTL / "src" / "array_types.sv"]
SOURCES += sorted(path for path in (RTL / "src").glob("*.sv") if path not in SOURCES)
MAIN = RTL / "harness" / "main.cpp"
CACHE = RTL / "build"
TOP = "spike_array"
# PEs are verilated once and used many times (hier_block in pe.sv). The price is that Verilator sees loops of logic
# through their ports that are none; `lint` looks at the design as a whole, where it finds no loop.
VERILATE = ("--cc", "--exe", "--hierarchical", "--assert", "-O3", "--x-assign", "fast", "--x-initial", "fast")
VERILATE += ("-Wno-UNOPTFLAT",)
UNROLL = ("--unroll-count", "4096", "--unroll-stmts", "200000")
"""Loops that write into an array have to be unrolled whole; by default Verilator unrolls 64 turns at most."""
COMPILE = ("g++", "-w", "-fno-strict-aliasing", "-fcf-protection=none")
COMPILE += ("-DVM_COVERAGE=0", "-DVM_SC=0", "-DVM_TRACE=0", "-DVM_TRACE_FST=0", "-DVM_TRACE_VCD=0")
RUNTIME = ("verilated.cpp", "verilated_dpi.cpp", "verilated_threads.cpp")


class BuildError(Exception):
    """Verilator or the compiler failed; the message holds what it said."""


def verilator() -> str | None:
    """Verilator's path, or None where it is not installed."""
    return shutil.which("verilator")


def lint(settings: dict[str, int | str]) -> str:
    """What `verilator --lint-only -Wall` says of the RTL with these parameters; nothing if it is clean."""
    command = ["verilator", "--lint-only", "-Wall", *UNROLL, "--top-module", TOP, *_given(settings), *map(str, SOURCES)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stderr or ("" if done.returncode == 0 else "failed without a message")


def binary(
    machine: SpikeArrayMachine, capacities: Capacities, optimize: str = "-O1", faults: Sequence[tuple[str, str]] = ()
) -> Path:
    """The program that simulates the RTL of a machine: from the cache, or built now.

    optimize: for g++. -O1 builds in four fifths of the time of -O2, and the program is 4 % slower. faults: pieces of
    the RTL's text and what to put there instead, to see that the comparison notices.
    """
    settings = parameters(machine, capacities)
    clear = clear_cycles(machine, capacities)
    texts = _with_faults({source.name: source.read_text() for source in SOURCES}, faults)
    texts[f"{TOP}.sv"] = _with_defaults(texts[f"{TOP}.sv"], settings)
    how = (texts, clear, VERILATE, UNROLL, COMPILE, optimize, MAIN.read_text(), _version())
    place = CACHE / hashlib.sha256(repr(how).encode()).hexdigest()[:24]
    if not place.exists():
        CACHE.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as work:
            _build(Path(work), texts, settings, clear, optimize)
            (Path(work) / "simulate").replace(place)
    return place


def _given(settings: dict[str, int | str]) -> list[str]:
    return [f"-G{name}={value}" for name, value in settings.items()]


def _build(work: Path, texts: dict[str, str], settings: dict[str, int | str], clear: int, optimize: str) -> None:
    """Verilate, and compile PE and the rest in one go each: Verilator's make takes twice the time."""
    sources = [work / name for name in texts]
    for source in sources:
        source.write_text(texts[source.name])
    made = work / "made"
    _run(["verilator", *VERILATE, *UNROLL, "--top-module", TOP, "--Mdir", str(made), *map(str, sources)])
    folders = [made, *(folder for folder in made.glob("V*") if any(folder.glob("*.cpp")))]
    include = _root() / "include"
    defined = {
        "CLEAR_CYCLES": clear,
        "OUTPUT_WORDS": settings["OUTPUT_WORDS"],
        "OUTPUT_CHUNK": -(-int(settings["OUTPUT_BITS"]) // CHUNK_BITS),
    }
    flags = [f"-D{name}={value}" for name, value in defined.items()]
    flags += [f"-I{folder}" for folder in (*folders, include, include / "vltstd")]
    objects = []
    for number, folder in enumerate(folders):
        together = work / f"part{number}.cpp"
        parts = [*sorted(folder.glob("*.cpp")), *([MAIN] if folder == made else [])]
        together.write_text("".join(f'#include "{part}"\n' for part in parts))
        objects.append(together.with_suffix(".o"))
        _run([*COMPILE, optimize, *flags, "-c", str(together), "-o", str(objects[-1])])
    objects += _runtime()
    _run(["g++", *map(str, objects), "-pthread", "-latomic", "-o", str(work / "simulate")])


def _root() -> Path:
    """Where Verilator's headers and run-time sources lie."""
    command = ["verilator", "--getenv", "VERILATOR_ROOT"]
    return Path(subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip())


@cache
def _version() -> str:
    """Verilator's version."""
    return subprocess.run(["verilator", "--version"], capture_output=True, text=True, check=True).stdout


def _runtime() -> list[Path]:
    """Verilator's run-time library, compiled once for all machines."""
    place = CACHE / f"runtime-{hashlib.sha256(repr((_version(), COMPILE)).encode()).hexdigest()[:12]}"
    if not place.exists():
        include = _root() / "include"
        with tempfile.TemporaryDirectory(dir=CACHE) as work:
            made = Path(work) / "runtime"
            made.mkdir()
            flags = [f"-I{include}", f"-I{include / 'vltstd'}"]
            for name in RUNTIME:
                _run([*COMPILE, "-O2", *flags, "-c", str(include / name), "-o", str(made / f"{name}.o")])
            with suppress(OSError):  # another process was faster
                made.rename(place)
    return [place / f"{name}.o" for name in RUNTIME]


def _with_defaults(text: str, settings: dict[str, int | str]) -> str:
    """The top module with other defaults: Verilator 5.006 hands -G on to hierarchical blocks, which lack the name."""
    for name, value in settings.items():
        text, found = re.subn(rf"(parameter \w+ {name} =) [^,\n]+", rf"\1 {value}", text)
        if found != 1:
            raise BuildError(f"the RTL has no parameter {name}")
    return text


def _with_faults(texts: dict[str, str], faults: Sequence[tuple[str, str]]) -> dict[str, str]:
    for piece, instead in faults:
        places = [name for name, text in texts.items() if text.count(piece) == 1]
        if len(places) != 1:
            raise BuildError(f"the RTL has {piece!r} in {len(places)} modules")
        texts = texts | {places[0]: texts[places[0]].replace(piece, instead)}
    return texts


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BuildError(f"{command[0]} failed:\n{done.stderr[-4000:]}")
