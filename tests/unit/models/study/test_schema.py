"""STUDY.yaml: what a grid stands for, and how bad input is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from spikecycle.models.errors import ModelsError
from spikecycle.models.study.compression_entries import expand, merged, method_of
from spikecycle.models.study.schema import load_study, shipped_studies
from spikecycle.simulator import SimulatorError
from tests.children import outcomes
from tests.unit.models.study.tiny import DATA, TEXT, write_study

PUBLISHED_GRID = ("digits", "nmnist")


def test_the_shipped_studies_are_these() -> None:
    assert shipped_studies() == ("digits", "digits_diverse", "nmnist")


def test_a_grid_stands_for_every_combination_the_last_key_fastest() -> None:
    axes = {"weight_bits": [3, 2], "pruner.share": [0.5, 0.925]}
    entry = {"name": "j", "pruner": {"kind": "global_magnitude"}, "grid": axes}
    found = expand({"training": {"epochs": 3, "learning_rate": 0.1}}, [entry, {"name": "plain"}])
    assert [compression.name for compression in found] == ["j-3-0.5", "j-3-0.925", "j-2-0.5", "j-2-0.925", "plain"]
    assert {compression.training.epochs for compression in found} == {3}
    assert found[1].pruner is not None
    assert found[1].pruner.model_dump()["share"] == 0.925


def test_special_keys_go_over_common_ones_at_every_depth() -> None:
    common = {"a": {"x": 1, "y": {"z": 2}}, "b": 3}
    assert merged(common, {"a": {"y": {"w": 4}}, "b": {"c": 5}}) == {
        "a": {"x": 1, "y": {"z": 2, "w": 4}},
        "b": {"c": 5},
    }
    assert common == {"a": {"x": 1, "y": {"z": 2}}, "b": 3}


def test_methods_are_those_of_the_published_study() -> None:
    pruner = {"kind": "global_magnitude", "share": 0.5}
    entries = [
        {"name": "quantization", "weight_bits": 8},
        {"name": "pruning", "pruner": pruner},
        {"name": "joint", "pruner": pruner, "weight_bits": 4},
        {"name": "sequential", "pruner": pruner, "weight_bits": 4, "order": "sequential"},
        {"name": "mixed", "layer_weight_bits": {"fc1": 4}},
    ]
    for compression in expand({}, entries):
        assert method_of(compression) == compression.name


def test_the_study_beyond_the_published_grid_prices_both_residencies() -> None:
    loaded = load_study("digits_diverse")
    assert set(loaded.machines) == {"spike_array", "spike_array-resident"}
    chosen = [one.mixed for one in loaded.study.grid if one.mixed is not None and one.mixed.pruners is not None]
    assert {mixed.machine for mixed in chosen} == set(loaded.machines)
    assert all(
        {pruner.kind for pruner in mixed.pruners or ()} == {"channel", "n_m", "global_magnitude"} for mixed in chosen
    )
    assert {one.width for one in loaded.study.grid} == {None, 0.5, 1.5}


@pytest.mark.parametrize("name", PUBLISHED_GRID)
def test_the_shipped_studies_are_valid_and_ask_what_the_published_one_asked(name: str) -> None:
    loaded = load_study(name, Path("anywhere") if name != "digits" else None)
    grid = loaded.study.grid
    assert {method_of(compression) for compression in grid} >= {"quantization", "pruning", "joint", "sequential"}
    assert {2, 8} <= {compression.weight_bits for compression in grid if method_of(compression) == "quantization"}
    assert set(loaded.machines) == {"spike_array", "eyeriss_snn"}
    for formats in loaded.machines.values():
        assert [machine.formats.weights.format for machine in formats.values()] == loaded.study.formats


def test_a_number_of_seeds_stands_for_that_many(tmp_path: Path) -> None:
    study = load_study(str(write_study(tmp_path, TEXT.replace("describes:", "seeds: 5\ndescribes:")))).study
    assert study.seeds == [0, 1, 2, 3, 4]
    assert study.margin == 0.01
    listed = load_study(str(write_study(tmp_path, TEXT.replace("describes:", "seeds: [7, 3]\ndescribes:")))).study
    assert listed.seeds == [7, 3]


def test_pruners_are_given_or_chosen_and_not_both() -> None:
    mixed = {
        "bits": [8], "pruners": [{"kind": "n_m", "n": 1, "m": 2}], "machine": "a", "format": "b", "energy_share": 0.5,
    }  # fmt: skip
    (entry,) = expand({}, [{"name": "x", "mixed": mixed}])
    assert method_of(entry) == "mixed"
    with pytest.raises(ValidationError, match=r"mixed\.pruners chooses it by layer"):
        expand({}, [{"name": "x", "mixed": mixed, "pruner": {"kind": "channel", "share": 0.5}}])
    by_layer = {"kind": "by_layer", "layers": {"fc": {"kind": "channel", "share": 0.5}}}
    with pytest.raises(ValidationError, match="by_layer is what comes out"):
        expand({}, [{"name": "x", "mixed": {**mixed, "pruners": [by_layer]}}])


GRIDS = {
    "product": ("grid: {" + ", ".join(f"a{n}: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]" for n in range(9)) + "}", "4096"),
    "long": (f"grid: {{weight_bits: [{', '.join(['8'] * 5000)}]}}", "4096 compressions, with this entry it has 5000"),
    "large": (
        f"layer_weight_bits: {{{', '.join(f'l{n}: 4' for n in range(600))}}}\n"
        f"    grid: {{seed: [{', '.join(['1'] * 4000)}]}}",
        "524288 values",
    ),
    "deep": (f"grid: {{{'.'.join('a' * 500)}: [1]}}", "at most 10 levels"),
}


@pytest.mark.parametrize("case", GRIDS)
def test_a_grid_of_a_few_kilobytes_is_not_made_before_it_is_counted(tmp_path: Path, case: str) -> None:
    grid, words = GRIDS[case]
    path = write_study(tmp_path, TEXT.replace("grid: {weight_bits: [8, 2]}", grid))
    assert path.stat().st_size < 32_000
    script = """
from spikecycle.models import ModelsError
from spikecycle.models.study.schema import load_study

def outcome(path):
    try:
        load_study(str(path))
        return "read"
    except ModelsError as error:
        return str(error)
"""
    said = outcomes(script, [path], memory_bytes=3 * 2**30, seconds=60)[path.name]
    assert said.startswith(f"{path}, line 1") and ": compressions.0.grid" in said and words in said and "\n" not in said
    assert len(said) < 2000


def test_a_study_has_a_limit_of_results_and_many_entries_take_no_square_of_time(tmp_path: Path) -> None:
    seeds = ", ".join(map(str, range(12_000)))
    path = write_study(tmp_path, TEXT.replace("formats:", f"seeds: [{seeds}]\nformats:"))
    with pytest.raises(
        ModelsError, match="compressions: a study may have 100000 results, found 8 compressions x 12000"
    ):
        load_study(str(path))


def test_machines_can_be_simulated_with_weights_reloaded_and_resident(tmp_path: Path) -> None:
    text = TEXT.replace("[spike_array]", "[spike_array]\nweight_residency: [inference, resident]")
    loaded = load_study(str(write_study(tmp_path, text)))
    residencies = {
        name: {machine.residency.weights for machine in formats.values()} for name, formats in loaded.machines.items()
    }
    assert residencies == {"spike_array": {"inference"}, "spike_array-resident": {"resident"}}
    assert list(loaded.machines) == loaded.study.machine_names
    alone = load_study(str(write_study(tmp_path, text.replace("inference, resident", "resident"))))
    assert {machine.residency.weights for machine in alone.machines["spike_array"].values()} == {"resident"}


def test_files_are_beside_the_study(tmp_path: Path) -> None:
    text = (
        TEXT.replace("[spike_array]", "[mine.yaml]")
        .replace("machine: spike_array", "machine: mine")
        .replace(DATA, "name: nmnist, options: {root: events}")
    )
    (tmp_path / "mine.yaml").write_text((Path(__file__).parents[4] / "hwconfigs" / "spike_array.yaml").read_text())
    path = write_study(tmp_path, text)
    loaded = load_study(str(path))
    assert list(loaded.machines) == ["mine"]
    assert loaded.study.data.options.root == tmp_path / "events"
    assert load_study(str(path), Path("elsewhere")).study.data.options.root == Path("elsewhere")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("- name: ", "- name: .nan #", r"compressions\.0\.name: text is needed, found nan"),
        ("- name: ", "- name: 7 #", r"compressions\.0\.name: text is needed, found 7"),
        ("formats:", "formts: [a]\nformats:", r"tiny\.yaml, line 26: formts: not known; did you mean formats\?"),
        (
            "weight_bits: [8, 2]",
            "weight_bits: [8, 13]",
            r"compressions\.0\.weight_bits: .* less than or equal to 8, found 13",
        ),
        ("weight_bits: [8, 2]", "weight_bits: 8", r"compressions\.0\.grid\.weight_bits: a list of values is needed"),
        (
            "weight_bits: [8, 2]",
            "weight_bts: [8]",
            r"compressions\.0\.weight_bts: not known; did you mean weight_bits",
        ),
        ("weight_bits: [8, 2]", "weight_bits: [8, 8]", r"compressions: the name quantized-8 is given to several"),
        ("share: 0.5}", "share: 1.5}", r"compressions\.2\.pruner\.share: .* less than 1"),
        (
            "format: bitmask",
            "format: rle",
            r"compressions\.3\.mixed\.format: one of the study is needed: uncompressed, ",
        ),
        (
            "machine: spike_array, ",
            "machine: spike, ",
            r"compressions\.3\.mixed\.machine: one of the study is needed: spike_a",
        ),
        (
            "[8, 2]}",
            "[8, 2]}\n    training: {epochs: 1, learning_rate: null}",
            r"compressions\.0\.training\.learning_rate",
        ),
        ("machine: spike_array, ", "", r"compressions\.3\.mixed\.machine: missing"),
        (
            "[uncompressed, bitmask]",
            "[uncompressed, bitmask, bitmap]",
            r"tiny\.yaml, line \d+: machines\.0 or formats: .*bitmap",
        ),
        ("[spike_array]", "[spike_array, spike_arry]", r"did you mean 'spike_array'"),
        ("[spike_array]", "[spike_array, spike_array]", r"machines: spike_array is given twice"),
        ("[spike_array]", "[spike_array, other/spike_array.yaml]", r"machines: spike_array is given twice"),
        ("describes:", "seeds: [9223372036854775808]\ndescribes:", r"seeds\.0: .*less than 9223372036854775808"),
        (
            "{name: digits, options: {width",
            "{name: digts, options: {width",
            r"tiny\.yaml, line \d+: network: .*did you mean digits",
        ),
        ("timesteps: 4", "timestep: 4", r"data\.options\.timestep: not known; did you mean timesteps\?"),
        (
            "[spike_array]",
            "[spike_array, spike_aray]",
            r"tiny\.yaml, line \d+: machines\.1: .*did you mean 'spike_array'",
        ),
        ("timesteps: 4", "channels: 4", r"tiny\.yaml, line \d+: data: data set digits has no option channels"),
        (
            "voters: 1",
            "attention_bits: 8",
            r"tiny\.yaml, line \d+: network: network digits has no option attention_bits",
        ),
        (
            "[spike_array]",
            "[spike_array]\nweight_residency: [resident, resident]",
            r"tiny\.yaml, line \d+: weight_residency: resident is given twice",
        ),
        ("[spike_array]", "[spike_array]\nweight_residency: [batch]", r"tiny\.yaml, line \d+: weight_residency\.0: "),
        ("machines:", "formats: [rle]\nmachines:", r"tiny\.yaml, line 27: the key 'formats' is given twice"),
        ("describes:", "describes: [", r"tiny\.yaml, line"),
        (
            "describes:",
            "seeds: 0\ndescribes:",
            r"seeds: a list of seeds, or a number from 1 to 1000 of them, is needed",
        ),
        ("describes:", "seeds: true\ndescribes:", r"seeds: "),
        ("describes:", "margin: 0\ndescribes:", r"margin: .*greater than 0"),
        ("width: 0.125", "width: 0", r"compressions\.4\.width: .*greater than 0"),
        ("bits: [2, 8], ", "bits: [8], ", r"compressions\.3\.mixed\.bits: there is one choice only"),
        (
            "kind: channel, share: 0.5}",
            "kind: chanel, share: 0.5}",
            r"compressions\.5\.mixed\.pruners\.1: chanel is not known",
        ),
    ],
)
def test_bad_input_is_told_with_file_and_key(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert old in TEXT
    path = write_study(tmp_path, TEXT.replace(old, new, 1))
    with pytest.raises(SimulatorError, match=told):
        load_study(str(path))


def test_unknown_studies_get_the_nearest_one() -> None:
    with pytest.raises(ModelsError, match=r"no study file or shipped study 'digit'.*did you mean 'digits'"):
        load_study("digit")
    with pytest.raises(ModelsError, match=r"nowhere\.yaml: cannot be read: No such file"):
        load_study("nowhere.yaml")
