"""The tables of a run: right numbers, no line too wide, nothing cut."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console, RenderableType
from rich.style import Style
from rich.text import Text

from spikecycle.sheet import Column, Fitting, Sheet, fitting_sheets, names, width_of, words_of
from spikecycle.simulator.report.bars import COLOURS, GLYPHS
from spikecycle.simulator.report.figures import energy_by_kind_pj, shape_text
from spikecycle.simulator.report.tables import access_table, cycle_table, energy_table, layer_table, run_report
from spikecycle.simulator.report.verification import is_exact, verification_report
from spikecycle.simulator.result import RunResult, SlowBuffer
from spikecycle.traces import LayerShape
from tests.unit.report.example import CYCLE_CATEGORIES, run_result


def shown(renderable: RenderableType, width: int = 120, colour: bool = False) -> str:
    """What a console of that width gets."""
    stream = io.StringIO()
    Console(
        file=stream, width=width, force_terminal=colour, color_system="256" if colour else None, markup=False,
        highlight=False, emoji=False,
    ).print(renderable)  # fmt: skip
    return stream.getvalue()


def row(text: str, name: str, table: int = 0) -> list[str]:
    """The cells of the row that begins with `name`, in the table-th table that has one."""
    return [line for line in text.splitlines() if line.startswith(name)][table][len(name) :].split()


@pytest.mark.parametrize("width", [60, 80, 100, 120, 200])
def test_no_line_is_wider_than_the_console(width: int) -> None:
    assert max(map(len, shown(run_report(run_result()), width).splitlines())) <= width


@pytest.mark.parametrize("width", [60, 80, 100, 120])
def test_nothing_is_cut(width: int) -> None:
    text = shown(run_report(run_result()), width)
    assert "…" not in text
    for words in ("conv1", "conv2", "dense [red]", "two_buffers", "bitmask", "4 pJ/bit", "itrs-lstp", "potentials"):
        assert words in " ".join(text.split())


def test_a_layer_of_many_characters_continues_on_the_next_line() -> None:
    result = run_result()
    long_name = "x" * 120
    layers = [result.layers[0].model_copy(update={"name": long_name}), *result.layers[1:]]
    text = shown(run_report(result.model_copy(update={"layers": layers})), 80)
    assert max(map(len, text.splitlines())) <= 80
    assert text.count("x" * 24) >= 4 * 5


def test_layers_are_means_per_inference() -> None:
    text = shown(layer_table(run_result()))
    # spikes, density, operations, cycles, busy, energy; the sums of two samples halved
    assert row(text, "conv2")[-6:] == ["6,000", "6.3", "30,000", "2,000", "25.0", "1.00"]
    assert row(text, "all") == ["96,000", "480.0", "k", "102.1", "k", "25.0", "16.0"]
    assert "2x34x34 → 16x17x17, 3x3 /2,1 +0,1 g2" in text


def test_inputs_that_are_currents_are_no_spikes() -> None:
    """Of conv2's 12,000 inputs all, and of the last layer's 180,000 half, are currents: 600 + 90,000 in 2 samples."""
    result = run_result()
    first, second, third = result.layers
    assert [layer.sum_input_spikes for layer in result.layers] == [600, 12_000, 180_000 - 600]
    layers = [
        first,
        second.model_copy(update={"sum_input_currents": 12_000}),
        third.model_copy(update={"sum_input_currents": 90_000}),
    ]
    text = shown(layer_table(result.model_copy(update={"layers": layers})))
    assert row(text, "conv2")[-6:-3] == ["·", "·", "30,000"]
    assert row(text, "dense [red]")[-8:-6] == ["44,700", "6.3"]
    assert row(text, "all")[0] == "45,000"


def test_a_wide_console_also_gets_the_weights() -> None:
    text = shown(layer_table(run_result()), 160)
    assert row(text, "conv1")[-6:-3] == ["25.0", "8.00", "1,500"]  # zero weights %, stored bits per weight, operations


def test_cycles_are_split_by_category() -> None:
    text = shown(cycle_table(run_result()))
    header = " ".join(text.splitlines()[1].split()), " ".join(text.splitlines()[2].split())
    assert header == (
        "of all weight bank DRAM DRAM",
        "layer cycles % compute scan fetch conflict barrier update fill load",
    )
    assert row(text, "conv1") == ["100", "0.1", "40.0", "10.0", "5.0", "·", "3.0", "20.0", "22.0", "·"]
    assert row(text, "all")[:4] == ["102.1", "k", "75.0", "0.1"]


def test_a_category_that_never_occurs_has_no_column() -> None:
    assert "drain" not in shown(cycle_table(run_result()), 200)


def test_on_a_narrow_console_categories_go_on_below() -> None:
    text = shown(cycle_table(run_result()), 60)
    # compute, scan, weight fetch; then bank conflict, barrier, update, DRAM fill, DRAM load
    assert row(text, "conv1") == ["100", "0.1", "40.0", "10.0", "5.0"]
    assert row(text, "conv1", table=1) == ["·", "3.0", "20.0", "22.0", "·"]
    assert "category in % (continued)" in " ".join(text.split())


def test_bars_are_for_terminals() -> None:
    assert "█" in shown(cycle_table(run_result()), colour=True)
    assert "█" not in shown(run_report(run_result()))


def without_colours(renderable: RenderableType, width: int) -> str:
    """What a terminal gets where NO_COLOR is set."""
    stream = io.StringIO()
    Console(file=stream, width=width, force_terminal=True, color_system="256", no_color=True).print(renderable)
    return re.sub(r"\x1b\[[0-9;]*m", "", stream.getvalue())


def test_without_colours_parts_differ_by_their_character() -> None:
    text = without_colours(cycle_table(run_result()), 160)
    headers = next(line.split() for line in text.splitlines() if "█" in line)
    assert headers[-len(CYCLE_CATEGORIES) :] == list(
        GLYPHS[: len(CYCLE_CATEGORIES)]
    )  # in the header, below the categories
    # conv2: 75 % compute, 2.5 % scan, 1.5 % weight fetch, 1 % bank conflict, 20 % DRAM load
    bar = row(text, "conv2")[-1]
    assert bar.count(GLYPHS[0]) == round(0.75 * len(bar))
    assert bar.count(GLYPHS[7]) == round(0.20 * len(bar))
    assert len(set(GLYPHS)) == len(GLYPHS) == len(COLOURS)


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120])
@pytest.mark.parametrize("table", [layer_table, cycle_table, access_table, energy_table])
def test_no_column_is_lost(table: Callable[[RunResult], Fitting], width: int) -> None:
    """Every column of the widest table is there once, those that name rows in each table."""
    wide = headers(table(run_result()), 400)
    narrow = headers(table(run_result()), width)
    assert sorted(name for name in narrow if name != "layer") == sorted(name for name in wide if name != "layer")
    assert len(wide) == len(set(wide)) > 5
    assert max(map(len, shown(table(run_result()), width).splitlines())) <= width


def headers(fitting: Fitting, width: int) -> list[str]:
    """The headers of the tables that a console of that width gets."""
    console = Console(file=io.StringIO(), width=width, color_system=None)
    found = []
    waiting: list[Any] = list(fitting.__rich_console__(console, console.options))
    while waiting:
        each = waiting.pop()
        waiting += getattr(each, "renderables", [])
        found += [words_of(column.header) for column in getattr(each, "columns", [])]
    return found


def test_what_does_not_fit_at_all_continues_below() -> None:
    columns = [Column("name", ["row"]), *(Column(f"column {index}", [f"{index}{index}{index}"]) for index in range(9))]
    text = shown(fitting_sheets(("Many", columns)), 40)
    assert max(map(len, text.splitlines())) <= 40
    assert "…" not in text
    assert text.count("Many (continued)") >= 1
    for index in range(9):
        assert f"column {index}" in text
        assert f"{index}{index}{index}" in text


def test_the_last_table_does_not_hold_a_single_column() -> None:
    """Five columns of 8 characters and gaps of 2 beside a name of 4: four fit in 44, two tables have 3 and 2."""
    columns = [Column("name", ["row"]), *(Column(f"column {index}", ["1"]) for index in range(5))]
    lines = [line.split() for line in shown(fitting_sheets(("Many", columns)), 44).splitlines() if "column" in line]
    assert [line.count("column") for line in lines] == [3, 2]


def test_a_bar_for_which_there_is_no_room_stands_below() -> None:
    wide, narrow = (shown(cycle_table(run_result()), width, colour=True) for width in (120, 80))
    for text in (wide, narrow):
        assert "fill" in text
        assert "█" in text
    assert "█" not in narrow.partition("(continued)")[0]


def test_words_that_fold_share_the_room_that_others_leave() -> None:
    words = "several words of a reason, and more of them than fit"
    columns = [Column("name", ["row"]), Column("ours", ["12345"]), Column("why", [words], justify="left", folds=True)]
    text = shown(fitting_sheets(("Folded", columns)), 40)
    assert "(continued)" not in text
    assert max(map(len, text.splitlines())) <= 40
    assert words in " ".join(text.replace("row", "").replace("12345", "").split())
    narrow = shown(fitting_sheets(("Folded", columns)), 30)  # 9 characters would be left beside the number
    assert "Folded (continued)" in narrow
    assert max(map(len, narrow.splitlines())) <= 30


def test_columns_that_name_rows_stand_in_every_table() -> None:
    columns = [names("network", ["vgg"]), names("machine", ["mint"]), *(Column(f"column {i}", ["1"]) for i in range(5))]
    text = shown(fitting_sheets(("Two names", columns)), 40)
    assert text.count("vgg") == text.count("mint") == text.count("network") == 3  # 2 x 10 characters fit beside them


def test_a_column_that_stands_for_others_leaves_none_of_them_out() -> None:
    first, second = Column("first", ["a" * 20]), Column("second", ["b" * 20])
    both = Column("both", ["a, b"], stands_for=("first", "second"))
    text = shown(fitting_sheets(("Wide", [first, second]), ("Narrow", [both])), 30)
    assert "Narrow" in text
    assert "continued" not in text


def test_energy_is_split_by_kind() -> None:
    text = shown(energy_table(run_result()))
    assert row(text, "conv2") == ["1.00", "6.3", "0.0333", "40.0", "30.0", "20.0", "9.0", "1.0"]
    for layer in run_result().layers:
        assert sum(energy_by_kind_pj(layer).values()) == pytest.approx(layer.sum_energy_pj)


def test_accesses_of_dram_and_of_every_buffer() -> None:
    text = shown(access_table(run_result()))
    assert row(text, "conv1") == ["0.500", "KiB", "0.0625", "KiB", "500", "50", "1,000", "1,000"]
    narrow = shown(access_table(run_result()), 60)
    assert row(narrow, "conv1", table=0)[:4] == ["0.500", "KiB", "0.0625", "KiB"]
    assert row(narrow, "conv1", table=1)[-1] == "1,000"


@pytest.mark.parametrize(
    "words",
    [
        "time per inference 511 µs", "energy per inference 16.0 nJ", "energy-delay product 8.17 pJ·s",
        "PE use 25.0 %", "area 1.50 mm² (memories 1.25, logic 0.250)", "effective throughput 940 MSOP/s",
        "energy per operation 0.0333 pJ per SOP", "mean power 31.3 µW", "cycles per inference 102.1 k",
        "SOP = one weight because of one spike.", "DRAM 4 pJ/bit. SRAM: CACTI, itrs-lstp cells, 22 nm, 300 K.",
        "Outside the CACTI table, by its fitted law: potentials.", "Not in the area: clock tree.",
        "Not modelled: control, clock.",
        "Logic: table horowitz45, lstp devices, clock gating enable, glitch factor 1.4, utilization 0.7.",
    ],
)  # fmt: skip
def test_totals_and_what_they_rest_on(words: str) -> None:
    assert words in " ".join(shown(run_report(run_result())).split())


def test_operators_that_cost_nothing_are_told() -> None:
    result = run_result()
    assert "cost nothing here" not in shown(run_report(result))
    names = [f"pool{i}" for i in range(10)]
    assumed = result.assumptions.model_copy(update={"free_operators": names})
    text = " ".join(shown(run_report(result.model_copy(update={"assumptions": assumed}))).split())
    assert (
        "Operators that cost nothing here: pool0, pool1, pool2, pool3, pool4, pool5, pool6, pool7 and 2 more." in text
    )


def test_a_network_in_which_nothing_happens_divides_by_nothing() -> None:
    result = run_result()
    nothing = {
        "sum_cycles": 0, "sum_energy_pj": 0.0, "sum_synaptic_operations": 0, "counters": [], "sum_leakage_pj": 0.0,
        "cycles_per_inference": 0.0, "energy_per_inference_pj": 0.0, "synaptic_operations_per_inference": 0.0,
        "sum_cycle_breakdown": {"compute": 0},
    }  # fmt: skip
    layers = [layer.model_copy(update=nothing) for layer in result.layers]
    empty = {
        **nothing, "layers": layers, "cycles_per_sample": [0, 0], "seconds_per_inference": 0.0,
        "edp_per_inference_js": 0.0,
    }  # fmt: skip
    text = shown(
        run_report(result.model_copy(update={key: empty[key] for key in empty if key in RunResult.model_fields}))
    )
    assert "energy per operation not priced" in " ".join(text.split())


def test_the_shape_of_a_plain_convolution_has_no_marks() -> None:
    shape = {"C": 1, "H": 8, "W": 8, "M": 4, "P": 6, "Q": 6, "R": 3, "S": 3, "groups": 1}
    assert shape_text("conv2d", {**shape, "stride": [1, 1], "padding": [0, 0]}) == "1x8x8 → 4x6x6, 3x3"


def test_a_padding_of_its_own_for_every_side_is_written() -> None:
    """Top, bottom, left, right, as `LayerShape.short_padding` gives them where opposite sides differ."""
    sides = LayerShape("conv2d", C=1, H=8, W=8, M=4, R=3, S=3, padding=(0, 1, 2, 3)).short_padding
    shape = {"C": 1, "H": 8, "W": 8, "M": 4, "P": 7, "Q": 11, "R": 3, "S": 3, "groups": 1}
    text = shape_text("conv2d", {**shape, "stride": [2, 1], "padding": list(sides)})
    assert text == "1x8x8 → 4x7x11, 3x3 /2,1 +0,1,2,3"
    assert shape_text("conv2d", {**shape, "stride": [1, 1], "padding": [1, 1, 1, 1]}) == "1x8x8 → 4x7x11, 3x3 +1"


def test_an_exact_verification_is_one_line() -> None:
    layers = run_result(mismatches=0).verification or []
    assert is_exact(layers)
    assert verification_report(layers).plain == (
        "verify: exact, 3,000 recomputed outputs of 3 layers equal the recorded ones"
    )


def test_a_difference_names_the_layer_and_how_many() -> None:
    layers = run_result(mismatches=3).verification or []
    assert not is_exact(layers)
    assert verification_report(layers).plain == (
        "verify: layer conv2: 3 of 1,000 recomputed outputs differ from the recorded ones, "
        "first at sample 3, timestep 1, channel 4, row 1, column 5"
    )


def test_without_recorded_outputs_nothing_is_exact() -> None:
    layers = run_result(mismatches=0, recorded=False).verification or []
    assert not is_exact(layers)
    assert "nothing to compare with" in verification_report(layers).plain
    some = [layers[0].model_copy(update={"recorded": True, "spikes_compared": 9}), *layers[1:]]
    assert is_exact(some)
    assert verification_report(some).plain.endswith("(not recorded: conv2, dense [red])")


@pytest.mark.parametrize("width", [36, 40, 50])
def test_no_number_is_cut_on_a_very_narrow_console(width: int) -> None:
    buffers = [f"buffer_{number}" for number in range(6)]
    result = run_result()
    many = result.model_copy(
        update={"buffers": [result.buffers[0].model_copy(update={"buffer": buffer}) for buffer in buffers]}
    )
    text = " ".join(shown(access_table(many), width).split())
    for buffer in buffers:
        assert f"{buffer} " in text
    assert "DRAM DRAM" in text  # read, write
    assert "…" not in text


def test_a_number_that_is_cut_shows_it() -> None:
    assert "1…" in shown(Sheet("numbers", [Column("a", ["123456789"])]), width=2)


def test_multi_bit_inputs_may_do_more_than_the_dense_work() -> None:
    result = run_result()
    busy = result.model_copy(update={"sum_synaptic_operations": 8 * result.sum_dense_synaptic_operations})
    assert "work skipped none: 8.00 x" in " ".join(shown(run_report(busy)).split())


def test_buffers_slower_than_the_clock_are_named() -> None:
    slow = run_result(too_slow=(SlowBuffer(buffer="weights", access_ns=5.01, period_ns=5.0),))
    words = (
        "This machine cannot run at its clock of 200 MHz: an access takes longer than a cycle of 5.00 ns in weights "
        "(5.01 ns)."
    )
    assert words in " ".join(shown(run_report(slow)).split())
    assert "cannot run" not in shown(run_report(run_result()))


CELLS = st.sampled_from(
    ["", "a", "1,234", "two words", "two\nlines", "line\n\nafter", " blanks ", "mm²", "日本", "tab\there", "\x07",
     Text("red", style="red"), Text("two\nlines", style="dim"), Text.assemble("x", ("y", "bold red"))]
)  # fmt: skip


@given(data=st.data(), rows=st.integers(0, 3), width=st.sampled_from([20, 40, 80, 200]))
def test_a_table_is_as_wide_as_rich_would_make_it(data: st.DataObject, rows: int, width: int) -> None:
    """The same pieces of text in the same styles, and the same width."""

    def column() -> Column:
        header, footer, *cells = (data.draw(CELLS) for _ in range(rows + 2))
        justify: Any = data.draw(st.sampled_from(["left", "right"]))
        return Column(header, cells, footer, justify, folds=data.draw(st.booleans()))

    columns = [column() for _ in range(data.draw(st.integers(1, 4)))]
    console = Console(file=io.StringIO(), width=width, force_terminal=True, markup=False, highlight=False, emoji=False)
    made = Sheet("", columns, fold_at=data.draw(st.sampled_from([None, 3])))
    by_rich = made.table(measured=False)
    assert width_of(console, made) == width_of(console, by_rich)
    assert pieces(console, made) == pieces(console, by_rich)


def pieces(console: Console, renderable: RenderableType) -> list[tuple[str, Style | None]]:
    """What is written, and in which style: a style that changes nothing is none."""
    return [(piece.text, piece.style or None) for piece in console.render(renderable)]
