"""The file of a study (STUDY.yaml): its schema, its validation, and the studies that come with the package."""

from __future__ import annotations

from collections import Counter
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from spikecycle.models.data.options import DataOptions
from spikecycle.models.data.registry import check_options as check_data
from spikecycle.models.errors import ModelsError
from spikecycle.models.networks.catalogue import check_options as check_network
from spikecycle.models.networks.options import NetworkOptions
from spikecycle.models.options import Options, problems, refused, refused_keys
from spikecycle.models.study.compression_entries import CompressionEntry, check_mixed, expand
from spikecycle.models.training_schedule import TrainingSchedule
from spikecycle.simulator import Machine, MachineError, SimulatorError, load_machine, override, problems_in, read_yaml
from spikecycle.suggestions import did_you_mean

SUFFIX = ".yaml"
RESIDENT = "-resident"
"""End of the name of a machine whose weights are resident, where it is simulated with both residencies."""
MOST_RESULTS = 100_000
"""Of a study: each is a simulation, and a row of its tables."""


MOST_SEEDS = 1000
"""Where only their number is given."""


class DataChoice(Options):
    """A data set by name, and what is asked of it. A relative `root` is relative to the study's file."""

    name: str
    """Of the data set."""
    options: DataOptions = DataOptions()
    """Those that the data set has."""


class NetworkChoice(Options):
    """A network by name, and what is asked of it."""

    name: str
    """Of the network."""
    options: NetworkOptions = NetworkOptions()
    """Those that the network has."""


def _numbered(seeds: Any) -> Any:
    """The seeds 0 to n - 1 for a number n; a list as it is."""
    if isinstance(seeds, bool) or not isinstance(seeds, int):
        return seeds
    if not 1 <= seeds <= MOST_SEEDS:
        raise refused(f"a list of seeds, or a number from 1 to {MOST_SEEDS} of them, is needed")
    return list(range(seeds))


class Study(Options):
    """A grid of compressions x weight formats x machines."""

    describes: Annotated[str, Field(min_length=1)]
    """What is asked, in words."""
    data: DataChoice
    """What is trained and tested on."""
    network: NetworkChoice
    """What is compressed."""
    training: TrainingSchedule
    """Of the float network, once per seed; every compression starts from it."""
    seeds: Annotated[list[Annotated[int, Field(ge=0, lt=2**63)]], Field(min_length=1), BeforeValidator(_numbered)] = (
        Field(default_factory=lambda: [0])
    )
    """Of everything random in the trainings: a list, or how many, from 0 on."""
    margin: Annotated[float, Field(gt=0, lt=1)] = 0.01
    """A compression is free where the accuracy that it loses against the least compressed network is below that, at
    95 % confidence: share of the test samples. The default is what MLPerf Inference asks of a compressed network, 99 %
    of the accuracy of the reference. A margin is what a user can spare, whatever the size of the test set."""
    record_per_class: Annotated[int, Field(ge=1)] = 1
    """Test samples of each class that are recorded and simulated, the first ones; all of a class that has fewer."""
    common: dict[str, Any] = Field(default_factory=dict)
    """Keys of all compressions, under their own."""
    compressions: Annotated[list[dict[str, Any]], Field(min_length=1)]
    """Each with keys of a compression, and perhaps a grid of their values."""
    formats: Annotated[list[str], Field(min_length=1)]
    """Of weights; `spikecycle list` has their names."""
    machines: Annotated[list[str], Field(min_length=1)]
    """Names, of which `spikecycle list` has those that are shipped, or machine files, relative to the study's file.
    Two files that differ in their section `residency` are two machines, so that both can be compared."""
    weight_residency: Annotated[list[Literal["inference", "resident"]], Field(min_length=1)] | None = None
    """What every machine is simulated with, whatever its file says: weights loaded in every inference, or resident on
    chip where they fit. With both, a machine is simulated twice, the second time as NAME-resident."""

    @model_validator(mode="after")
    def _possible(self) -> Self:
        for key, values in (
            ("seeds", self.seeds),
            ("formats", self.formats),
            ("machines", self.machine_names),
            ("weight_residency", self.weight_residency or []),
        ):
            twice = [value for value, count in Counter(values).items() if count > 1]
            if twice:
                raise refused_keys({key: f"{twice[0]} is given twice"}, vars(self))
        results = len(self.grid) * len(self.seeds) * len(self.formats) * len(self.machine_names)
        if results > MOST_RESULTS:
            reason = (
                f"a study may have {MOST_RESULTS} results, found {len(self.grid)} compressions x {len(self.seeds)} "
                f"seeds x {len(self.formats)} formats x {len(self.machine_names)} machines = {results}"
            )
            raise refused_keys({"compressions": reason}, vars(self))
        check_mixed(self.common, self.compressions, self.machine_names, self.formats)
        return self

    @property
    def machine_names(self) -> list[str]:
        """What the study calls its machines, each residency of one as a machine of its own."""
        return [name for machine in self.machines for name in self.variants(machine)]

    def variants(self, machine: str) -> dict[str, dict[str, Any]]:
        """Names of a machine in this study, each with the keys that it changes of its file."""
        name, residencies = stem(machine), self.weight_residency
        if residencies is None:
            return {name: {}}
        both = len(residencies) > 1
        return {
            f"{name}{RESIDENT}" if both and weights == "resident" else name: {"residency.weights": weights}
            for weights in residencies
        }

    @cached_property
    def grid(self) -> list[CompressionEntry]:
        """Every compression, in order."""
        return expand(self.common, self.compressions)


class LoadedStudy:
    """A study with its file, its name, and the machines that it names, in every format, ready to run."""

    def __init__(self, path: Path, study: Study, machines: dict[str, dict[str, Machine]]) -> None:
        self.path = path
        self.name = path.stem
        self.study = study
        self.machines = machines


def stem(machine: str) -> str:
    """What the study calls a machine: its name, or that of its file without the suffix."""
    return Path(machine).stem


def shipped_studies() -> tuple[str, ...]:
    """Names of the studies that come with the package, sorted."""
    return tuple(sorted(path.stem for path in _folder().glob(f"*{SUFFIX}")))


def study_path(name_or_path: str) -> Path:
    """Where the study lies: a path as it is, a bare name among the shipped ones; else ModelsError."""
    path = Path(name_or_path)
    if path.suffix in (SUFFIX, ".yml") or len(path.parts) > 1:
        return path
    if name_or_path in shipped_studies():
        return _folder() / f"{name_or_path}{SUFFIX}"
    raise ModelsError(
        f"no study file or shipped study {name_or_path!r}, shipped: {', '.join(shipped_studies())}"
        f"{did_you_mean(name_or_path, shipped_studies())}"
    )


def load_study(name_or_path: str, data_root: Path | None = None) -> LoadedStudy:
    """Read and check a study. data_root: the folder of its recordings, instead of what it says.

    Raises ModelsError, one line per problem, each naming the file and the key.
    """
    path = study_path(name_or_path)
    try:
        study = Study.model_validate(read_yaml(path))
    except MachineError as error:  # of the file itself: it names it
        raise ModelsError(str(error)) from error
    except ValidationError as error:
        raise ModelsError(problems_in(path, problems(error))) from error
    study = _at_root(study, path.parent, data_root)
    _check_names(study, path)
    return LoadedStudy(path, study, _machines(study, path))


def _folder() -> Path:
    return Path(str(resources.files("spikecycle.models.study").joinpath("studies")))


def _at_root(study: Study, folder: Path, data_root: Path | None) -> Study:
    """The study with the folder of its recordings made sure: as given now, or relative to its file."""
    own = study.data.options.root
    root = data_root or (folder / own if own else None)
    options = study.data.options.model_copy(update={"root": root})
    return study.model_copy(update={"data": study.data.model_copy(update={"options": options})})


def _check_names(study: Study, path: Path) -> None:
    """ModelsError unless data set and network are there and have the options that are asked for."""
    try:
        check_data(study.data.name, study.data.options)
    except ModelsError as error:
        raise ModelsError(problems_in(path, [f"data: {error}"])) from error
    options = study.network.options
    try:
        check_network(study.network.name, options)
        if any(compression.width is not None for compression in study.grid):
            check_network(study.network.name, options.model_copy(update={"width": 1.0}))
    except ModelsError as error:
        raise ModelsError(problems_in(path, [f"network: {error}"])) from error


def _machines(study: Study, path: Path) -> dict[str, dict[str, Machine]]:
    """Every machine in every format, by both names."""
    found = {}
    for index, name in enumerate(study.machines):
        beside = path.parent / name
        try:
            machine = load_machine(beside if Path(name).suffix and beside.is_file() else name)
        except SimulatorError as error:
            lines = [f"machines.{index}: {line}" for line in str(error).splitlines()]
            raise ModelsError(problems_in(path, lines)) from error
        try:
            for variant, changes in study.variants(name).items():
                found[variant] = {
                    weight_format: override(machine, {**changes, "formats.weights.format": weight_format})
                    for weight_format in study.formats
                }
        except MachineError as error:
            raise ModelsError(problems_in(path, [f"machines.{index} or formats: {error}"])) from error
    return found
