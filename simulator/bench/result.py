"""What a bench measured, as one document (`--json`)."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from spikecycle.simulator.bench.spread import Faster, faster, spread
from spikecycle.simulator.result import of_version
from spikecycle.wording import numbered, printable

BENCH_VERSION = 1
ONE_THREAD = "spikecycle, 1 thread"
"""The peer of a case with several threads: the same on one."""
BUSY_SHARE = 0.5
"""Of the cores: with more processes at work than that, the computer is busy."""


Words = Annotated[str, AfterValidator(printable)]
"""Names and texts of others, which are shown."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class BenchCase(_Part):
    """One network on one machine."""

    network: Words = Field(description="name of the network, or file of the trace")
    describes: Words = Field("", description="what the network is; empty for a trace of the user's")
    density: float | None = Field(description="share of inputs that spike; null for a trace of the user's")
    zero_weights: float | None = Field(description="share of weights that are zero; null for a trace of the user's")
    machine: Words = Field(description="machine")
    weight_format: Words | None = Field(description="format of the weights; null where the machine has none")
    threads: int = Field(description="threads of the simulation")
    problem: Words = Field(description="why the machine does not run the network; empty where it does")
    samples: int = Field(0, description="samples of a run")
    first_s: float = Field(0.0, description="the first run, s: with what had to be compiled or read from the cache")
    compile_s: float | None = Field(
        None, description="of the first run, compiling kernels that the cache lacks, s; null in documents of before"
    )
    seconds: float = Field(0.0, description="median of the runs after the first, all samples, s")
    run_s: list[float] = Field([], description="these runs in their order, s; empty in documents of before")
    sops_per_s: float = Field(0.0, description="synaptic operations (weights applied because of a spike) per second")
    dense_sops_per_s: float = Field(0.0, description="every weight at every timestep, per second")
    cycles_per_s: float = Field(0.0, description="simulated cycles per second")
    peak_bytes: int = Field(0, description="largest memory of the process, bytes")

    @property
    def spread_s(self) -> float | None:
        """Half of its runs lie no farther from the median, s; None where that is not known."""
        return spread(self.run_s)

    def faster_than(self, other: BenchCase) -> Faster:
        """How many times as fast it is. Both without a problem."""
        return faster(self.seconds, self.spread_s, other.seconds, other.spread_s)

    @property
    def key(self) -> tuple[object, ...]:
        """What is measured: equal in two documents that can be compared."""
        return (
            self.network, self.density, self.zero_weights, self.machine, self.weight_format, self.threads, self.samples
        )  # fmt: skip


class PeerTime(_Part):
    """Another program, or ours on one thread, on the same work, in turns with ours."""

    peer: Words = Field(description="the program")
    work: Words = Field(description="what both did")
    problem: Words = Field(description="why there is no figure; empty where there is one")
    seconds: float = Field(0.0, description="median of its runs, s")
    ours_s: float = Field(0.0, description="median of ours, s")
    ratio: float = Field(0.0, description="median of theirs over ours, run by run: above 1, ours is faster")
    case: int | None = Field(
        None, ge=0, description="index among `cases` of what it took turns with; null where the work is of its own"
    )
    version: Words = Field("", description="version of the program; empty where it is ours")


class TimeGrowth(_Part):
    """How the time grows with one size."""

    size: Words = Field(description="what grows")
    values: list[int] = Field(description="its values")
    seconds: list[float] = Field(description="median seconds of a run for each")
    exponent: float = Field(description="slope of log(seconds) over log(value), least squares")


class BenchResult(_Part):
    """A bench on one computer."""

    version: int = Field(BENCH_VERSION, description="version of this document")
    spikecycle: Words = Field(description="version of the program")
    python: Words = Field(description="version of Python")
    numba: Words = Field(description="version of Numba")
    processor: Words = Field(description="what the system calls the processor")
    cores: int = Field(description="cores that this process may use")
    date: Words = Field("", description="when it began, ISO 8601; empty in documents of before")
    runs: int = Field(description="runs of each case, after the first, at least")
    load: float | None = Field(
        None, description="processes at work in the minute before it began, in the mean; null where nobody says"
    )
    cases: list[BenchCase] = Field(description="networks on machines")
    peers: list[PeerTime] = Field(description="other programs on the same work")
    growth: list[TimeGrowth] = Field(description="time over size, on spike_array")

    @property
    def computer(self) -> str:
        """The computer in words."""
        return f"{numbered(self.cores, 'core')} of {self.processor}"

    @property
    def is_busy(self) -> bool:
        """Whether other programs were at work when it began, so that its times may be longer than by themselves."""
        return self.load is not None and self.load > BUSY_SHARE * self.cores

    @model_validator(mode="before")
    @classmethod
    def _is_of_this_version(cls, data: Any) -> Any:
        return of_version(data, BENCH_VERSION, "document of spikecycle bench")
