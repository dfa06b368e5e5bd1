"""Text files under Atheris, which follows the branches that an input takes: YAML, and the sweeps that it describes.

    python -m tests.fuzz.atheris_target -runs=100000 [FOLDER of inputs]

Atheris is no dependency: where it cannot be imported, this says so and ends with status 2. It is for code in Python
alone: it fuzzes one process, which a crash of native code would end, and those surfaces are left to `tests.fuzz`.
"""

from __future__ import annotations

import itertools
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

_NOT_THERE = 2


def one_input(data: bytes, folder: Path) -> None:
    """Read one file; whatever it raises but a refusal that names it is a finding."""
    from spikecycle.simulator import SimulatorError
    from spikecycle.simulator.explore.sweep_spec import read_sweep

    file = folder / "sweep.yaml"
    file.write_bytes(data)
    try:
        spec = read_sweep(file)
    except SimulatorError as error:
        assert all(line.startswith(str(file)) for line in str(error).splitlines()), error
        return
    points = list(itertools.islice(spec.points(), 50))
    assert len({point.identity() for point in points}) == len(points), "two points of a sweep are the same"


def main(arguments: Sequence[str]) -> int:
    """Fuzz until libFuzzer's options end it; it ends the process itself."""
    try:
        import atheris
    except ImportError:
        sys.stderr.write("atheris is not installed, nothing was fuzzed: pip install atheris, or python -m tests.fuzz\n")
        return _NOT_THERE
    with tempfile.TemporaryDirectory() as folder:
        with atheris.instrument_imports(include=["spikecycle", "yaml"]):
            one_input(b"", Path(folder))
        atheris.Setup(["atheris_target", *arguments], lambda data: one_input(data, Path(folder)))
        atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
