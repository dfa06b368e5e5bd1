"""House rules that are executable: file size, closed kernels, sources of numbers, registries, exports, documents."""

from __future__ import annotations

import ast
import builtins
import importlib
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from spikecycle.simulator.dataflows import DATAFLOWS
from spikecycle.simulator.formats import RATE_KEYS, SPIKE_FORMATS, WEIGHT_FORMATS
from spikecycle.simulator.machine.loader import load_machine, shipped_machines
from spikecycle.simulator.machine.yaml_file import read_yaml

ROOT = Path(__file__).parent.parent
PACKAGES = ("simulator", "traces", "models")
SOURCES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
MOST_LINES = 400


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize(
    "path",
    [p for folder in (*PACKAGES, "tests", "benchmarks") for p in sorted((ROOT / folder).rglob("*.py"))],
    ids=_name,
)
def test_a_file_is_one_room(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= MOST_LINES


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_every_module_and_public_name_says_what_it_is(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree), "the module has no docstring"
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{node.name} has no docstring"


DECORATORS = ("kernel", "lean_kernel", "called_kernel", "inner_kernel", "disjoint_kernel")
"""Of kernels; see `spikecycle.simulator.jit`."""


def _kernels() -> Iterator[tuple[Path, ast.Module, ast.FunctionDef]]:
    for path in SOURCES:
        tree = ast.parse(path.read_text())
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and any(
                isinstance(decorator, ast.Name) and decorator.id in DECORATORS for decorator in node.decorator_list
            ):
                yield path, tree, node


def _is_a_plain_type(name: str, text: str) -> bool:
    """Whether it is a class of names and numbers alone, without state."""
    return f"class {name}(IntEnum)" in text or f"class {name}(NamedTuple)" in text


KERNELS = list(_kernels())
KERNEL_NAMES = {node.name for _, _, node in KERNELS}


def test_there_are_kernels() -> None:
    assert len(KERNELS) >= 5


@pytest.mark.parametrize(("path", "tree", "node"), KERNELS, ids=lambda value: getattr(value, "name", ""))
def test_a_kernel_is_closed(path: Path, tree: ast.Module, node: ast.FunctionDef) -> None:
    """Numba freezes module globals: a kernel uses its arguments, locals, other kernels, np, built-ins and constants."""
    local = {argument.arg for argument in ast.walk(node) if isinstance(argument, ast.arg)}
    local |= {name.id for name in ast.walk(node) if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)}
    annotations = {
        name.id
        for part in [
            node.returns,
            *(argument.annotation for argument in ast.walk(node) if isinstance(argument, ast.arg)),
        ]
        if part is not None
        for name in ast.walk(part)
        if isinstance(name, ast.Name)
    }
    used = {name.id for name in ast.walk(node) if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Load)}
    free = used - local - annotations - KERNEL_NAMES - set(dir(builtins)) - {"np", *DECORATORS}
    constants = {name for name in free if name.isupper() or name.strip("_").isupper()}
    enumerations = {name for name in free if name[0].isupper() and _is_a_plain_type(name, _imported_text(tree, path))}
    assert not free - constants - enumerations, f"{node.name} reads module globals"


def _imported_text(tree: ast.Module, path: Path) -> str:
    """The text of a module and of the project's modules it imports from."""
    texts = [path.read_text()]
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "spikecycle":
            file = importlib.import_module(node.module).__file__
            assert file is not None
            texts.append(Path(file).read_text())
    return "\n".join(texts)


@pytest.mark.parametrize("machine", shipped_machines())
def test_every_number_of_a_shipped_machine_has_a_source(machine: str) -> None:
    loaded = load_machine(machine)
    data = read_yaml(ROOT / "hwconfigs" / f"{machine}.yaml")
    prefixes = tuple(loaded.sources)
    without = [key for key in _number_keys(data) if not any(key == p or key.startswith(f"{p}.") for p in prefixes)]
    assert not without
    keys = set(_all_keys(data))
    assert not [prefix for prefix in prefixes if prefix not in keys], "a source for a key that is not there"


def _number_keys(data: dict[str, object], before: str = "") -> Iterator[str]:
    for key in _all_keys(data, before):
        value: object = data
        for part in key.split("."):
            value = value[part] if isinstance(value, dict) else None
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield key


def _all_keys(data: dict[str, object], before: str = "") -> Iterator[str]:
    for key, value in data.items():
        if before == "" and key == "sources":
            continue
        yield f"{before}{key}"
        if isinstance(value, dict):
            yield from _all_keys(value, f"{before}{key}.")


def test_registries_are_not_empty() -> None:
    assert set(DATAFLOWS.names()) >= {"row_stationary", "spike_array"}
    assert set(shipped_machines()) >= {"eyeriss_snn", "spike_array", "spike_array_edge"}


@pytest.mark.parametrize("package", ["spikecycle", "spikecycle.simulator", "spikecycle.models", "spikecycle.traces"])
def test_exports_are_sorted_and_real(package: str) -> None:
    module = importlib.import_module(package)
    assert list(module.__all__) == sorted(module.__all__)
    for name in module.__all__:
        assert hasattr(module, name)


@pytest.mark.parametrize("dataflow", DATAFLOWS.names())
def test_every_dataflow_has_its_rules_written_down_and_its_twin(dataflow: str) -> None:
    """In its folder as a page, or at the head of its one module."""
    folder = ROOT / "simulator" / "dataflows"
    module = folder / f"{dataflow}.py"
    if module.is_file():
        assert len(ast.get_docstring(ast.parse(module.read_text())) or "") > 400, "a rule says its source and equations"
    else:
        assert (folder / dataflow / "MICROARCHITECTURE.md").is_file()
    assert (ROOT / "tests" / "reference" / f"{dataflow}.py").is_file()


DATAFLOW_FOLDER = ROOT / "simulator" / "dataflows"
SHARED = {"base.py", "format_support.py", "layer.py", "rule.py", "stage.py", "support.py", "__init__.py"}
"""Modules of that folder that are no dataflow."""
SHARED_FOLDERS = {"cores"}
"""Folders there that several dataflows are made of."""
DATAFLOW_SOURCES = [
    path
    for path in sorted(DATAFLOW_FOLDER.rglob("*.py"))
    if (path.parent != DATAFLOW_FOLDER or path.name not in SHARED) and path.parent.name not in SHARED_FOLDERS
]
RULES = [path for path in DATAFLOW_SOURCES if path.parent == DATAFLOW_FOLDER]


def test_the_rule_of_mint_is_about_as_long_as_in_its_paper() -> None:
    assert len((DATAFLOW_FOLDER / "spike_serial.py").read_text().splitlines()) < 65


@pytest.mark.parametrize("path", DATAFLOW_SOURCES, ids=_name)
def test_no_dataflow_works_out_synaptic_operations(path: Path) -> None:
    """Rules have them counted; arrays tell what their kernels applied, and the contract suite compares."""
    tree = ast.parse(path.read_text())
    read = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr == "synaptic_operations"]
    assert not read
    told = [node for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg == "synaptic_operations"]
    assert not (told and path in RULES)


@pytest.mark.parametrize("path", DATAFLOW_SOURCES, ids=_name)
def test_no_dataflow_knows_a_format_by_name(path: Path) -> None:
    """What can be decoded follows from a format's levels, so that a format of somebody else is decoded too."""
    formats = {*WEIGHT_FORMATS.names(), *SPIKE_FORMATS.names()} - set(RATE_KEYS)
    tree = ast.parse(path.read_text())
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    assert not texts & formats
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert "spikecycle.simulator.formats.weights" not in imported


@pytest.mark.parametrize("path", DATAFLOW_SOURCES, ids=_name)
def test_no_dataflow_refuses_operators_by_hand(path: Path) -> None:
    """`Support` declares them. A rule refuses nothing; an array may say, of a layer, what does not fit its machine."""
    tree = ast.parse(path.read_text())
    raised = [ast.unparse(node.exc) for node in ast.walk(tree) if isinstance(node, ast.Raise) and node.exc is not None]
    assert not [call for call in raised if call.startswith("MappingError(")]
    assert not (path in RULES and [call for call in raised if "MappingError" in call])


def test_no_class_name_is_given_twice() -> None:
    names = Counter(
        node.name for path in SOURCES for node in ast.parse(path.read_text()).body if isinstance(node, ast.ClassDef)
    )
    assert [name for name, count in names.items() if count > 1 and not name.startswith("_")] == []


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_suggestions_and_array_types_have_one_module_each(path: Path) -> None:
    text = path.read_text()
    assert "difflib" not in text, "unknown names get their suggestion from spikecycle.suggestions"
    if path.name != "array_types.py" and not _name(path).startswith("models/"):
        assert not re.search(r"^(U?Int|Float)\d+ = npt\.NDArray", text, re.MULTILINE)
