"""What `spikecycle advise` finds out: what bounds each operator, what each key is worth, and what to change."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from spikecycle.simulator.explore.grounds import Grounded
from spikecycle.wording import setting_text

ADVICE_VERSION = 1
Goal = Literal["edp", "energy", "time"]
GOALS = ("edp", "energy", "time")
MEASURE_OF: dict[str, str] = {
    "edp": "edp_per_inference_js",
    "energy": "energy_per_inference_pj",
    "time": "seconds_per_inference",
}
"""Column of a point by goal."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class OperatorBound(_Part):
    """One operator, or layer, under its roofs: the cycles that each resource needs for its part alone."""

    layer: str = Field(description="layer name in the trace")
    cycles_per_inference: float = Field(description="mean cycles of a sample")
    energy_per_inference_pj: float = Field(description="mean energy of a sample, pJ")
    bounds: dict[str, float] = Field(
        description="least cycles per inference by resource: adders (SOPs / adders), PEs (their useful work / PEs), "
        "each memory (accesses / ports of all banks and instances), and the DRAM channel (cycles in which it moves "
        "bits)"
    )
    bound_by: str = Field(description="the resource that needs most")
    share_of_bound: float = Field(description="those cycles / the cycles that the layer takes; the rest is lost")
    lost_to: str = Field(description="category that takes most of its cycles")
    lost_to_share: float = Field(description="share of its cycles that this category takes")


class Elasticity(_Part):
    """How much time, energy and area follow a key: 1 means that 1 % more of it is 1 % more of them."""

    key: str = Field(description="path of the key")
    value: float = Field(description="its value in the machine")
    low: float = Field(description="the smaller value that was simulated; the machine's own if no smaller one can be")
    high: float = Field(description="the larger value that was simulated; the machine's own if no larger one can be")
    energy: float = Field(description="d ln(energy per inference) / d ln(key)")
    time: float = Field(description="d ln(time per inference) / d ln(key)")
    area: float = Field(description="d ln(area) / d ln(key)")


class Change(_Part):
    """One key changed, and what was measured then; effects are shares of the machine as it is."""

    key: str = Field(description="path of the key")
    before: Any = Field(description="its value in the machine")
    after: Any = Field(description="its value in this change")
    energy: float = Field(description="change of the energy per inference, -0.1 is 10 % less")
    time: float = Field(description="change of the time per inference")
    edp: float = Field(description="change of energy x time")
    area: float = Field(description="change of the area")
    area_mm2: float = Field(description="the same in mm2")

    @property
    def words(self) -> str:
        """The values, "48 to 24", for readers."""
        return f"{setting_text(self.before)} to {setting_text(self.after)}"


class UnmovedKey(_Part):
    """A key of which no other value near its own can be simulated."""

    key: str = Field(description="path of the key")
    problem: str = Field(description="why not")


class Advice(Grounded):
    """A machine, seen with the eyes of one trace."""

    version: int = Field(default=ADVICE_VERSION, description="version of this document")
    spikecycle: str = Field(description="version of the program")
    trace: str = Field(description="name of the trace")
    machine: str = Field(description="name, file, overrides and fingerprint of the machine")
    synthetic: bool = Field(description="whether the trace was drawn from statistics")
    too_slow: list[str] = Field(description="memories slower than the clock: unless empty, the machine cannot run")
    energy_per_inference_pj: float = Field(description="mean energy of a sample, pJ")
    seconds_per_inference: float = Field(description="mean time of a sample, s")
    area_mm2: float = Field(description="area of memories and logic, mm2")
    cycles: dict[str, float] = Field(description="cycles per inference by category, the largest first")
    energy_pj: dict[str, float] = Field(description="energy per inference by component, pJ, the largest first")
    operators: list[OperatorBound] = Field(description="each operator under its roofs, in order")
    goal: Goal = Field(description="what changes are ordered by: edp, energy or time")
    elasticities: list[Elasticity] = Field(description="numeric keys, those that matter most first")
    changes: list[Change] = Field(description="changes that help, the best first")
    tried: int = Field(description="machines that were simulated for this")
    unmoved: list[UnmovedKey] = Field(description="numeric keys without a neighbour")

    @property
    def best(self) -> list[Change]:
        """The five changes that help most, of each key its best one."""
        by_key: dict[str, Change] = {}
        for change in self.changes:
            by_key.setdefault(change.key, change)
        return list(by_key.values())[:5]
