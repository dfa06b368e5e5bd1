"""Writes TABLES.md, from the columns of a study's tables, and STUDY.md, from the options of its file.

Both: python -m spikecycle.models.study.document
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import torch
import yaml

from spikecycle.models.catalogue import Catalogue, Choices
from spikecycle.models.compression import pruners, quantizers
from spikecycle.models.compression.compression import Compression
from spikecycle.models.compression.entropy import EntropyPenalty
from spikecycle.models.compression.kinds import Kind, kinds
from spikecycle.models.compression.pruners import PrunerKind
from spikecycle.models.compression.quantizers import QuantizerKind
from spikecycle.models.data.options import DataOptions
from spikecycle.models.data.registry import DATA_SETS
from spikecycle.models.networks.catalogue import NETWORKS, build_network
from spikecycle.models.networks.options import NetworkOptions
from spikecycle.models.options import Options
from spikecycle.models.study.compression_entries import CompressionEntry, Mixed
from spikecycle.models.study.schema import DataChoice, NetworkChoice, Study
from spikecycle.models.study.tables import LAYER_COLUMNS, RESULT_COLUMNS, TableColumn
from spikecycle.models.training_schedule import TrainingSchedule

STUDY_DOCUMENT = Path(__file__).with_name("STUDY.md")
EXAMPLE = """describes: The digits network with fewer bits, with logarithmic weights, pruned, and with bits by layer.
data: {name: digits, options: {timesteps: 8}}
network: {name: digits, options: {width: 0.5}}
training: {epochs: 10, learning_rate: 0.002, shift_px: 1}
seeds: 5
margin: 0.02
common:
  training: {epochs: 4, learning_rate: 0.001, shift_px: 1}
compressions:
  - name: quantized
    grid: {weight_bits: [8, 4, 2]}
  - name: logarithmic
    weight_bits: 4
    quantizer: power_of_two
  - name: joint
    pruner: {kind: global_magnitude, skip_layers: [conv1]}
    grid: {weight_bits: [4, 2], pruner.share: [0.5, 0.8]}
  - name: q_snn
    entropy: {weights: 0.1, spikes: 0.1}
    grid: {weight_bits: [2], potential_bits: [8, 4]}
  - name: wide
    width: 1.0
    grid: {weight_bits: [4, 2]}
  - name: by_hand
    pruner:
      kind: by_layer
      layers: {conv2: {kind: channel, share: 0.25}, fc1: {kind: n_m, n: 2, m: 4}}
  - name: mixed
    mixed: {bits: [2, 4, 8], machine: spike_array, format: bitmask, energy_share: 0.8}
  - name: diverse
    mixed:
      bits: [4, 8]
      pruners: [{kind: channel, share: 0.25}, {kind: n_m, n: 2, m: 4}, {kind: global_magnitude, share: 0.8}]
      machine: spike_array-resident
      format: bitmask
      energy_share: 0.5
formats: [uncompressed, bitmask]
machines: [spike_array]
weight_residency: [inference, resident]
"""

_HEAD = """# The file of a study

Generated from the options themselves by `python -m spikecycle.models.study.document`.

A study is one YAML file, which `spikecycle study FILE.yaml` trains, compresses, records and simulates. Whatever is not
in the tables below is refused.

```yaml
{example}```

## common and grid

Every entry of `compressions` holds keys of a [compression](#compression), over those of `common`: where both have a
key, the entry's value is taken, or both are merged where they are mappings. With `grid`, paths of keys with lists of
values, an entry stands for every combination of them, the last key fastest, and the values are added to its name. The
entries above stand for {names}.
"""
_SECTIONS: Mapping[type[Options], str] = {
    Study: "Study",
    DataChoice: "Data",
    NetworkChoice: "Network",
    TrainingSchedule: "Training",
    CompressionEntry: "Compression",
    Mixed: "Mixed",
    EntropyPenalty: "Entropy",
    DataOptions: "Options of data sets",
    NetworkOptions: "Options of networks",
    QuantizerKind: "Quantizers",
    PrunerKind: "Pruners",
}
_HEADINGS = {model.__name__: heading for model, heading in _SECTIONS.items()}
_TYPES = {"integer": "integer", "number": "number", "string": "text", "boolean": "true or false"}
_END_OF_YAML = "...\n"  # after a value that stands alone
_FRAMES_FOR_ALL = (2, 128, 128)  # every network fits them; the names of its weights do not depend on them


def study_document() -> str:
    """The whole text."""
    names = ", ".join(f"`{compression.name}`" for compression in Study.model_validate(yaml.safe_load(EXAMPLE)).grid)
    lines = [
        _HEAD.format(example=EXAMPLE, names=names),
        *_section(Study),
        *_section(DataChoice),
        *_choices(DataOptions, DATA_SETS),
        *_section(NetworkChoice),
        *_choices(NetworkOptions, NETWORKS),
        *_table(("network", "names of weights", "bits of potentials"), map(_network_row, NETWORKS)),
        *_section(TrainingSchedule),
        *_section(CompressionEntry, Compression.__doc__),
        *_kinds(
            QuantizerKind,
            quantizers.__name__,
            "A name, or `{kind: NAME}` with options. Logarithmic weights are those of `power_of_two`.",
        ),
        *_kinds(PrunerKind, pruners.__name__, "`{kind: NAME}` with options."),
        *_section(Mixed),
        *_section(EntropyPenalty),
    ]
    return "\n".join(lines)


def _section(model: type[Options], says: str | None = None) -> Iterator[str]:
    """A heading, what the section is, or what `says` says it is, and its keys."""
    yield from (f"## {_SECTIONS[model]}\n", f"{_first_paragraph(says or model.__doc__)}\n")
    yield from _keys(model, model.model_fields)


def _choices(model: type[Choices], catalogue: Catalogue) -> Iterator[str]:
    """The entries of a catalogue, what can be asked of them, and their own defaults."""
    yield from _table((catalogue.what, "what it is"), ((f"`{n}`", _of_module(catalogue[n])) for n in catalogue))
    yield from (f"## {_SECTIONS[model]}\n", f"{_first_paragraph(model.__doc__)}\n")
    yield from _keys(model, model.model_fields, with_default=False)
    yield f"What each {catalogue.what} has, with its default; empty where it has no such option:\n"
    own = [catalogue.defaults(name, model) for name in catalogue]
    rows = ([f"`{key}`", *(_value(has[key]) if key in has else "" for has in own)] for key in model.model_fields)
    yield from _table(("option", *(f"`{name}`" for name in catalogue)), rows)


def _network_row(name: str) -> list[str]:
    network = build_network(name, input_shape=_FRAMES_FOR_ALL, timesteps=1, classes=2, generator=torch.Generator())
    weights = ", ".join(f"`{synapse.name}`" for synapse in network.synapses())
    return [f"`{name}`", weights, str(NETWORKS.module(name).NEURON.potential_bits)]


def _kinds(base: type[Kind], package: str, how: str) -> Iterator[str]:
    """How one is chosen, the options that all of them have, and each with its own."""
    yield from (f"## {_SECTIONS[base]}\n", f"{how}\n")
    shared = [key for key in base.model_fields if key != "kind"]
    if shared:
        yield "Each of them has:\n"
        yield from _keys(base, shared)
    for name, kind in kinds(base, package).items():
        yield from (f"### `{name}`\n", f"{_of_module(kind.__module__)}\n")
        yield from _keys(kind, [key for key in kind.model_fields if key not in base.model_fields])


def _keys(model: type[Options], keys: Sequence[str] | Mapping[str, Any], with_default: bool = True) -> Iterator[str]:
    """A table of these keys of the section; nothing where there are none."""
    if not keys:
        return
    schemas = model.model_json_schema()["properties"]
    rows = []
    for key in keys:
        field = model.model_fields[key]
        default = "required" if field.is_required() else _value(field.get_default(call_default_factory=True))
        meaning = " ".join((field.description or "").split())
        rows.append([f"`{key}`", _allowed(schemas[key]), *([default] if with_default else []), meaning])
    yield from _table(("key", "allowed", *(["default"] if with_default else []), "meaning"), rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |\n|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""


def _allowed(schema: Mapping[str, Any]) -> str:
    """What a JSON schema lets through, in words."""
    if "$ref" in schema:
        heading = _HEADINGS[schema["$ref"].rpartition("/")[2]]
        return f"see [{heading.lower()}](#{heading.lower().replace(' ', '-')})"
    if "anyOf" in schema:
        return " or ".join(_allowed(one) for one in schema["anyOf"] if one.get("type") != "null")
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    if schema["type"] == "array":
        least = f", {schema['minItems']} or more" if "minItems" in schema else ""
        return f"list of {_allowed(schema['items'])}{least}"
    if schema["type"] == "object":
        values = schema["additionalProperties"]
        return "mapping" if values is True else f"mapping of text to {_allowed(values)}"
    if schema.get("format") == "path":
        return "path"
    return f"{_TYPES[schema['type']]}{_range(schema)}"


def _range(schema: Mapping[str, Any]) -> str:
    """The limits of a number, or of the length of a text."""
    if schema["type"] == "string":
        longest = f" of at most {schema['maxLength']} characters" if "maxLength" in schema else ""
        return longest or (", not empty" if "minLength" in schema else "")
    if "minimum" in schema and "maximum" in schema:
        return f" {schema['minimum']:g} to {schema['maximum']:g}"
    words = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most", "exclusiveMaximum": "below"}
    limits = [f"{word} {schema[limit]}" for limit, word in words.items() if limit in schema]
    return f" {' and '.join(limits)}" if limits else ""


def _value(value: object) -> str:
    """A default as the file would have it."""
    if value is None:
        return "none"
    if isinstance(value, Kind):
        return f"`{value.kind}`"
    plain = value.model_dump(mode="json", exclude_unset=True) if isinstance(value, Options) else value
    plain = list(plain) if isinstance(plain, tuple) else plain
    text = yaml.safe_dump(plain, default_flow_style=True, sort_keys=False, width=1000)
    return f"`{text.removesuffix(_END_OF_YAML).strip()}`"


def _of_module(name: str) -> str:
    """The first line of what a module says of itself."""
    return _first_paragraph(importlib.import_module(name).__doc__)


def _first_paragraph(text: str | None) -> str:
    return " ".join(inspect.cleandoc(text or "").partition("\n\n")[0].split())


TABLES_DOCUMENT = Path(__file__).with_name("TABLES.md")
_TABLES_HEAD = """# The tables of a study

Generated from the descriptions in `models/study/tables.py` by `python -m spikecycle.models.study.document`.

Both are Parquet files in the folder of the study. Rows are in the order of the study: compressions, seeds, machines,
formats, layers. Each carries the SHA-256 of its own bytes (`spikecycle/parquet_seal.py`): what was damaged or
changed is refused. The unit is the end of a column's name: `_pj` pJ, `_js` J s, `_mm2` mm2, `_bits` bits, `seconds` s.
"""


def tables_document() -> str:
    """TABLES.md, the whole text."""
    return "\n".join(
        [_TABLES_HEAD, *_columns("results.parquet", RESULT_COLUMNS), *_columns("layers.parquet", LAYER_COLUMNS)]
    )


def _columns(name: str, columns: Mapping[str, TableColumn]) -> Iterator[str]:
    yield f"## {name}\n"
    rows = ([f"`{column}`", _words(dtype), meaning] for column, (dtype, meaning) in columns.items())
    yield from _table(("column", "type", "meaning"), rows)


def _words(dtype: pl.DataType | type[pl.DataType]) -> str:
    if isinstance(dtype, pl.List):
        fields = dtype.inner.fields if isinstance(dtype.inner, pl.Struct) else []
        return f"list of {', '.join(field.name for field in fields)}"
    return {pl.String: "text", pl.Int64: "integer", pl.Float64: "number"}[dtype]  # type: ignore[index]


if __name__ == "__main__":
    TABLES_DOCUMENT.write_text(tables_document())
    STUDY_DOCUMENT.write_text(study_document())
