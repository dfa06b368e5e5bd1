"""Find and validate the data files of `hwconfigs/energy`."""

from __future__ import annotations

import functools
from importlib import resources
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from spikecycle.simulator.errors import MachineError
from spikecycle.simulator.machine.places import problems_in
from spikecycle.simulator.machine.yaml_file import read_yaml

ModelT = TypeVar("ModelT", bound=BaseModel)


@functools.cache
def energy_folder() -> Path:
    """The folder of the energy tables that come with the package."""
    return Path(str(resources.files("spikecycle.hwconfigs"))) / "energy"


def read_validated(path: Path, model: type[ModelT]) -> ModelT:
    """The YAML file as `model`; raises MachineError, one line per problem, each naming file and key."""
    try:
        return model.model_validate(read_yaml(path, shipped=path.parent == energy_folder()))
    except ValidationError as error:
        problems = []
        for details in error.errors():
            key = ".".join(str(part) for part in details["loc"]) or "(file)"
            message = details["msg"].removeprefix("Value error, ")
            found = "" if isinstance(details["input"], dict | list) else f", found {details['input']!r}"
            problems.append(f"{key}: {message[0].lower()}{message[1:]}{found}")
        raise MachineError(problems_in(path, problems)) from None
