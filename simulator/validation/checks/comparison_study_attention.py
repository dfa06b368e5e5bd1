"""The comparison study of Prosperity (HPCA 2025): cycles and traffic of attention blocks on random spikes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from spikecycle.simulator.dataflows.product_sparsity import ProductSparsityMachine
from spikecycle.simulator.errors import UsageError
from spikecycle.simulator.machine.loader import load_machine
from spikecycle.simulator.validation import CHECKS, Check, Row
from spikecycle.simulator.validation.attention_blocks import block_cycles, dense_operations, drawn_block
from spikecycle.simulator.validation.tables import read_table

CASES = "attention_cases.json"
SEED = 7
SOURCE = "public simulator of Prosperity (Wei et al., HPCA 2025), random spikes"
MACHINES = ("prosperity", "prosperity_bit", "eyeriss")


def rows(data: Path | None) -> Iterator[Row]:
    """The shipped cases, or those of the folder where it has its own."""
    file = data / CASES if data is not None else None
    cases = _read(file) if file is not None and file.is_file() else read_table("comparison_study_attention")
    machines = {name: cast(ProductSparsityMachine, load_machine(name)) for name in ("prosperity", "prosperity_bit")}
    eyeriss = load_machine("eyeriss")
    for number, case in enumerate(cases, 1):
        try:
            block = drawn_block(
                case["kind"], int(case["T"]), int(case["L"]), int(case["dim"]), int(case["heads"]),
                float(case["density"]), bool(int(case["in_buffer"])), SEED,
            )  # fmt: skip
            name = "prosperity" if int(case["product"]) else "prosperity_bit"
            found = block_cycles(machines[name], block)
            what = f"attention case {number} ({case['kind']})"
            yield Row(name, f"{what}, cycles", found.total, int(case["total"]), 0, SOURCE)
            yield Row(name, f"{what}, bits read from DRAM", found.read_bits, int(case["dram_rd"]), 0, SOURCE)
            yield Row(name, f"{what}, bits written to DRAM", found.write_bits, int(case["dram_wr"]), 0, SOURCE)
            dense = dense_operations(block) // eyeriss.pe_count
            yield Row("eyeriss", f"{what}, cycles", dense, int(case["eyeriss_linear"]), 0, SOURCE)
        except (KeyError, ValueError, TypeError) as error:
            raise UsageError(f"{file or 'shipped cases'}: case {number} is not one of attention: {error!r}") from error


def _read(file: Path) -> list[Mapping[str, Any]]:
    try:
        cases = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{file}: cannot be read as JSON: {' '.join(str(error).split())}") from error
    if not isinstance(cases, list) or not all(isinstance(case, dict) for case in cases):
        raise UsageError(f"{file}: a list of cases is expected")
    return cases


CHECKS.register(
    "comparison_study_attention",
    Check("comparison_study_attention", "cycles and traffic of attention blocks", MACHINES, (), rows),
)
