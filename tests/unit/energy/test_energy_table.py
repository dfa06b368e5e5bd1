"""Energy tables of logic: values, widths, scaling, and files that are wrong."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from spikecycle.simulator import simulate
from spikecycle.simulator.energy import EnergyTable, load_dram_presets, shipped_energy_tables
from spikecycle.simulator.energy.files import energy_folder
from spikecycle.simulator.errors import MachineError


@pytest.fixture(scope="module")
def table() -> EnergyTable:
    return EnergyTable.load("45nm")


@pytest.fixture
def content() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((energy_folder() / "45nm.yaml").read_text())
    return loaded


def write(tmp_path: Path, content: dict[str, Any]) -> str:
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(content))
    return str(path)


@pytest.mark.parametrize(
    ("action", "bits", "energy_pj"),
    [
        ("add", 8, 0.03),
        ("add", 32, 0.1),
        ("add", 4, 0.015),
        ("add", 64, 0.2),
        ("multiply", 8, 0.2),
        ("multiply", 32, 3.1),
        ("multiply", 4, 0.05),
        ("compare", 16, 0.02947 / 2),
        ("register_write", 12, 0.108),
    ],
)
def test_published_figures_and_their_laws(table: EnergyTable, action: str, bits: int, energy_pj: float) -> None:
    assert table.action_pj(action, bits) == pytest.approx(energy_pj)


def test_between_points_it_is_log_log(table: EnergyTable) -> None:
    assert table.action_pj("add", 16) == pytest.approx((0.03 * 0.1) ** 0.5)
    assert table.action_pj("add", 16) == pytest.approx(0.05, rel=0.1)  # as printed for 16 bits
    assert table.area_um2("add", 16) == pytest.approx(67)
    assert table.area_um2("multiply", 16) == pytest.approx((282 * 3495) ** 0.5)


def test_every_action_grows_with_its_width(table: EnergyTable) -> None:
    assert set(table.actions) >= {"add", "compare", "gate", "gated", "multiply", "register_read", "shift"}
    for action in table.actions:
        energies = [table.action_pj(action, bits) for bits in range(1, 70)]
        assert energies[0] > 0
        assert energies == sorted(energies)


def test_a_gated_addition_is_far_cheaper_than_an_addition(table: EnergyTable) -> None:
    assert table.action_pj("gated", 16) / table.action_pj("add", 16) == pytest.approx(0.103 / 2.2, rel=0.03)


def test_an_unknown_action_is_never_free(table: EnergyTable) -> None:
    with pytest.raises(MachineError, match=r"45nm: no energy of 'multiplies', .*add, .*did you mean 'multiply'"):
        table.action_pj("multiplies", 8)
    with pytest.raises(MachineError, match="45nm: no area of 'gated', there are: add"):
        table.area_um2("gated", 8)
    with pytest.raises(MachineError, match="add: found 0 bits"):
        table.action_pj("add", 0)


def test_scaling_follows_the_published_equations(table: EnergyTable) -> None:
    # Stillmaker and Baas at 0.9 V: 0.4571 of 0.6989 at 32 nm, 1.0584 at 65 nm
    assert table.scaled(32).action_pj("add", 8) == pytest.approx(0.03 * 0.45712 / 0.69887, rel=1e-4)
    assert table.scaled(65).action_pj("add", 8) == pytest.approx(0.03 * 1.05835 / 0.69887, rel=1e-4)
    assert table.scaled(32).area_um2("add", 16) == pytest.approx(67 * 0.46)
    assert table.scaled(32).node_nm == 32
    assert table.scaled(32).table_node_nm == 45
    assert table.scaled(32).wire_pj_per_bit_mm == table.wire_pj_per_bit_mm == 0.121


def test_scaling_is_monotone_and_reversible(table: EnergyTable) -> None:
    nodes = [20, 22, 28, 32, 40, 45, 65]
    energies = [table.scaled(node).action_pj("multiply", 8) for node in nodes]
    areas = [table.scaled(node).area_um2("multiply", 8) for node in nodes]
    assert energies == sorted(energies)
    assert areas == sorted(areas)
    assert table.scaled(28).scaled(45).action_pj("add", 8) == pytest.approx(0.03)
    assert table.scaled(45) is table


@pytest.mark.parametrize("node_nm", [7, 16, 19.9, 90, float("nan")])
def test_scaling_ends_where_its_source_ends(table: EnergyTable, node_nm: float) -> None:
    with pytest.raises(MachineError, match=r"is for 45 nm, the machine is .* between 20 and 65 nm"):
        table.scaled(node_nm)


def test_names(tmp_path: Path, content: dict[str, Any]) -> None:
    assert shipped_energy_tables() == ("45nm", "45nm_gates", "loihi_14nm", "truenorth_28nm")
    with pytest.raises(MachineError, match=r"energy\.table: found '45', there are: 45nm, 45nm_gates"):
        EnergyTable.load("45")
    with pytest.raises(MachineError, match=r"none\.yaml: cannot be read"):
        EnergyTable.load(str(tmp_path / "none.yaml"))
    content["actions"]["add"]["energy"]["points"] = [{"bits": 8, "pj": 1}]
    assert EnergyTable.load(write(tmp_path, content)).action_pj("add", 8) == 1


def test_all_problems_are_told_at_once(tmp_path: Path, content: dict[str, Any]) -> None:
    add, multiply = content["actions"]["add"]["energy"], content["actions"]["multiply"]["energy"]
    add["points"][0]["pj"] = float("nan")
    add["source"] = ""
    add["sorce"] = "misspelt"
    multiply["points"].reverse()
    multiply["law"] = "cubic"
    content["node_nm"] = "45"
    del content["wire"]["source"]
    with pytest.raises(MachineError) as caught:
        EnergyTable.load(write(tmp_path, content))
    lines = str(caught.value).splitlines()
    assert len(lines) == 7
    assert all("mine.yaml, line " in line for line in lines)
    for key in (
        "actions.add.energy.points.0.pj: ",
        "actions.add.energy.source: ",
        "actions.add.energy.sorce: ",
        "actions.multiply.energy.points: the points must be in ascending order",
        "actions.multiply.energy.law: ",
        "node_nm: ",
        "wire.source: ",
    ):
        assert sum("mine.yaml, line " in line and f": {key}" in line for line in lines) == 1, key


@pytest.mark.parametrize("value", [0, -0.1, float("inf"), "0.1", True, None])
def test_an_energy_is_a_positive_number(tmp_path: Path, content: dict[str, Any], value: object) -> None:
    content["actions"]["shift"]["energy"]["points"][0]["pj"] = value
    with pytest.raises(MachineError, match=r"actions\.shift\.energy\.points\.0\.pj: "):
        EnergyTable.load(write(tmp_path, content))


def test_a_duplicate_key_is_refused(tmp_path: Path) -> None:
    text = (energy_folder() / "45nm.yaml").read_text()
    path = tmp_path / "mine.yaml"
    path.write_text(text.replace("node_nm: 45\n", "node_nm: 45\nnode_nm: 32\n"))
    with pytest.raises(MachineError, match="'node_nm' is given twice"):
        EnergyTable.load(str(path))


def test_dram_presets_have_sources() -> None:
    presets = load_dram_presets()
    assert presets["ddr4_2133"].pj_per_bit == 12.45
    assert presets["lpddr4"].pj_per_bit == 8
    assert all(preset.source and 3 <= preset.pj_per_bit <= 70 for preset in presets.values())


GATES = """
describes: a table on top of another
node_nm: 45
supply_v: 0.9
extends: 45nm
control:
  decoder:
    meaning: made up
    pj: {fiber: 2.0}
    at: {lanes: 2}
    um2: {fixed: 100, per: {lanes: 50}}
    flip_flops: {per: {lanes: 3}}
    source: made up
    grade: assumed
"""


def gates(tmp_path: Path, text: str = GATES) -> EnergyTable:
    path = tmp_path / "gates.yaml"
    path.write_text(text)
    return EnergyTable.load(str(path))


def test_a_table_that_extends_another_has_its_actions_and_wires(tmp_path: Path, table: EnergyTable) -> None:
    found = gates(tmp_path)
    assert found.actions == table.actions
    assert found.action_pj("multiply", 24) == table.action_pj("multiply", 24)
    assert found.wire_pj_per_bit_mm == 0.121
    assert (found.prices_control, found.prices_clock, found.prices_leakage) == (True, False, False)
    assert (table.prices_control, table.control_um2("decoder", {}), table.clock_pj("none", True)) == (False, 0, 0)


def test_control_grows_with_its_sizes_and_scales_with_the_node(tmp_path: Path) -> None:
    found = gates(tmp_path)
    # 100 + 4 x 50 um2 and 12 flip-flops with 4 lanes; 2 pJ hold for 200 um2, so that 300 um2 take 3
    assert found.control_um2("decoder", {"lanes": 4}) == pytest.approx(300)
    assert found.flip_flops("decoder", {"lanes": 4}) == 12
    assert found.control_pj("decoder", "fiber", {"lanes": 4}) == pytest.approx(3.0)
    small = found.scaled(32)
    assert small.control_um2("decoder", {"lanes": 4}) == pytest.approx(300 * 0.46)
    assert small.control_pj("decoder", "fiber", {"lanes": 4}) == pytest.approx(3.0 * 0.45712 / 0.69887, rel=1e-4)
    assert small.flip_flops("decoder", {"lanes": 4}) == 12
    with pytest.raises(MachineError, match=r"control\.decoder: the machine does not say 'lanes'"):
        found.control_um2("decoder", {"banks": 4})
    with pytest.raises(MachineError, match="no control unit 'encoder', there are: decoder"):
        found.control_um2("encoder", {})


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("extends: 45nm", "extends: 45nm_gates", "extends: 45nm_gates extends a table itself"),
        ("node_nm: 45", "node_nm: 32", "45nm is for 45 nm and 0.9 V, found 32 nm and 0.9 V"),
        ("extends: 45nm\n", "", "actions: none"),
        ("at: {lanes: 2}", "at: {banks: 2}", r"control\.decoder\.at: lanes is missing"),
        (
            "{fixed: 100, per: {lanes: 50}}",
            "{fixed: -100, per: {lanes: 50}}",
            "has no area that its energy could follow",
        ),
        ("fiber: 2.0", "fiber: -2.0", r"control\.decoder\.pj\.fiber"),
    ],
)
def test_a_wrong_table_on_top_of_another_is_refused(tmp_path: Path, old: str, new: str, problem: str) -> None:
    assert old in GATES
    with pytest.raises(MachineError, match=problem) as caught:
        gates(tmp_path, GATES.replace(old, new))
    assert "gates.yaml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_table_of_ones_own_is_read_in_every_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may change, and a relative name may mean another file."""
    shipped = (energy_folder() / "45nm.yaml").read_text()
    dearer = re.sub(r"\bpj: ([0-9.]+)", lambda found: f"pj: {2 * float(found[1])}", shipped)
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        folder.mkdir()
        (folder / "mine.yaml").write_text(shipped)

    def energy_pj(folder: Path) -> float:
        monkeypatch.chdir(folder)
        return simulate("digits-4bit", "spike_array", settings={"energy.table": "mine.yaml"}, samples=[0]).sum_energy_pj

    first = energy_pj(here)
    (here / "mine.yaml").write_text(dearer)
    assert energy_pj(here) > first == energy_pj(there)
