"""The base class of user options: immutable, validated when read, importable without torch.

A wrong value raises pydantic's ValidationError, whose locations are the paths of the keys, also through options that
depend on a choice; `problems` turns it into one line per problem.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from spikecycle.simulator import validation_problems
from spikecycle.suggestions import MOST_LISTED, nearest


class Options(BaseModel):
    """A section of options: unknown keys, wrong types, NaN and infinities are refused.

    The text below a field is its description, of which STUDY.md is made.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        unknown = {str(key): value for key, value in data.items() if key not in cls.model_fields}
        if unknown:
            found: Mapping[str, object] = dict.fromkeys(unknown, unknown)  # a mapping's message shows only its key
            raise refused_keys({key: unknown_name(key, cls.model_fields) for key in unknown}, found)
        return data


def unknown_name(name: str, allowed: Collection[str]) -> str:
    """What to say of a name that is not among those allowed: the nearest one, and all of them; of many, one of both."""
    near = nearest(name, allowed)
    told = [f"did you mean {near}?"] if near else []
    if not near or len(allowed) <= MOST_LISTED:
        told.append(f"allowed: {', '.join(allowed)}")
    return f"not known; {' '.join(told)}"


def problems(error: ValidationError) -> list[str]:
    """One line per problem, as machine files have them: the path of the key, what is allowed, what was found."""
    return validation_problems(error, Options)


def refused(reason: str) -> PydanticCustomError:
    """The error of a validator that refuses a value, in these words."""
    return PydanticCustomError("refused", _text(reason))


def refused_keys(reasons: Mapping[str, str], found: Mapping[str, object]) -> ValidationError:
    """The error of a validator of a whole section that refuses some of its keys, in these words, by key."""
    errors = [InitErrorDetails(type=refused(reason), loc=(key,), input=found[key]) for key, reason in reasons.items()]
    return ValidationError.from_exception_data("options", errors)


def _text(message: str) -> Any:
    """As PydanticCustomError wants it: a template, in which these braces stay."""
    return message.replace("{", "{{").replace("}", "}}")
