"""Texts of plugin files, and the machine file that goes with them."""

RULE = """
from typing import Literal

from spikecycle.simulator.activity import Activity, Counter
from spikecycle.simulator.dataflows.rule import RuleMachine, rule
from spikecycle.simulator.machine.schema import DataflowParameters


class Parameters(DataflowParameters):
    kind: Literal["tiny"]


class TinyMachine(RuleMachine):
    dataflow: Parameters

    @property
    def pe_count(self):
        return 1


TINY = rule("tiny", machine=TinyMachine, summary="a cycle per spike")


@TINY.runs("conv2d", "linear", "neuron")
def operator(machine, run):
    return {result}
"""
CYCLES = "int((run.inputs() > 0).sum())"
MACHINE = """
name: tiny
describes: A machine of a test.
technology: {node_nm: 45, clock_mhz: 100}
dataflow: {kind: tiny}
energy: {table: 45nm}
sources: {}
"""
FORMAT = """
from spikecycle.simulator.formats import WEIGHT_FORMATS, WeightFormat

WEIGHT_FORMATS.register("short_runs", WeightFormat(
    name="short_runs", title="runs of 2 bits", source="a test", located="offsets", positions="run", values="packed",
    run_bits=2,
))
"""
SPIKES = """
from dataclasses import replace

from spikecycle.simulator.formats import SPIKE_FORMATS

SPIKE_FORMATS.register("addresses", replace(SPIKE_FORMATS.lookup("aer"), name="addresses"))
"""
POLICY = """
from typing import Literal

from spikecycle.simulator.schedule import OVERLAPS
from spikecycle.simulator.schedule.roofline import Roofline, RooflineOptions


class Options(RooflineOptions):
    policy: Literal["nothing_hidden"] = "nothing_hidden"
    start: Literal["first_row"] = "first_row"


class NothingHidden(Roofline):
    name = "nothing_hidden"
    summary = "a test"
    options_type = Options
    fits = ("spike_array",)


OVERLAPS.register("nothing_hidden", NothingHidden())
"""
