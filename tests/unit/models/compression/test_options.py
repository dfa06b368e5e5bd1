"""What may be said of a compression, and how a mistake is told; none of it needs torch."""

from __future__ import annotations

import subprocess
import sys

import pytest
from pydantic import BaseModel, ValidationError

from spikecycle.models.compression import pruners, quantizers
from spikecycle.models.compression.compression import Compression
from spikecycle.models.compression.kinds import kinds
from spikecycle.models.options import problems

TERNARY = {"name": "ternary", "weight_bits": 2}
MAGNITUDE = {"kind": "global_magnitude", "share": 0.8}
SHORT = {"epochs": 3, "learning_rate": 0.01}


class Study(BaseModel):
    """As a study holds compressions."""

    compressions: list[Compression]


def test_the_kinds_are_found_in_their_folders() -> None:
    assert set(kinds(quantizers.QuantizerKind, quantizers.__name__)) >= {
        "ewgs", "learned_scale", "power_of_two", "sigmoid_sum"
    }  # fmt: skip
    assert set(kinds(pruners.PrunerKind, pruners.__name__)) >= {"channel", "global_magnitude", "n_m"}


def test_a_compression_is_read_without_torch() -> None:
    script = (
        "import sys; from spikecycle.models.compression.compression import Compression;"
        "Compression(name='x', quantizer='sigmoid_sum', pruner={'kind': 'n_m', 'n': 2, 'm': 4});"
        "sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


@pytest.mark.parametrize(
    ("said", "summary"),
    [
        (TERNARY, "ternary weights (-1, 0, 1), learned scale per output channel"),
        (
            {"name": "seq", "weight_bits": 4, "pruner": MAGNITUDE, "order": "sequential", "quantizer": "power_of_two"},
            "80 % of all weights pruned by global magnitude, gradually; then 4-bit weights, powers of two, "
            "learned scale per output channel",
        ),
        (
            {"name": "mixed", "layer_weight_bits": {"fc1": 2}, "pruner": {"kind": "n_m", "n": 1, "m": 4,
             "skip_layers": ["conv1"]}, "potential_bits": 6, "training": SHORT},
            "1 of every 4 input channels kept at each place of a kernel; weights of 2 to 8 bits, by layer, "
            "learned scale per output channel, 6-bit potentials",
        ),
    ],
)  # fmt: skip
def test_a_compression_says_what_it_is_and_survives_a_record(said: dict[str, object], summary: str) -> None:
    compression = Compression.model_validate(said)
    assert compression.summary == summary
    assert Compression.model_validate_json(compression.model_dump_json()) == compression


def test_the_trainings_are_named_in_order() -> None:
    joint = Compression.model_validate({"name": "joint", "pruner": MAGNITUDE, "training": SHORT})
    assert list(joint.phases) == ["quantizing"]
    sequential = joint.model_copy(update={"order": "sequential"})
    assert list(sequential.phases) == ["pruning", "quantizing"]
    assert {schedule.epochs for schedule in sequential.phases.values()} == {3}


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"weigth_bits": 3}, ".weigth_bits: not known; did you mean weight_bits? allowed: name, weight_bits, "),
        ({"weight_bits": 9}, ".weight_bits: input should be less than or equal to 8, found 9"),
        ({"weight_bits": "8"}, ".weight_bits: input should be a valid integer, found '8'"),
        ({"layer_weight_bits": {"fc1": 1}}, ".layer_weight_bits.fc1: input should be greater than or equal to 2, f"),
        ({"quantizer": "ewg"}, ".quantizer: ewg is not known; did you mean ewgs? allowed: ewgs, learned_scale, "),
        ({"quantizer": {"kind": "learned_scale", "gradient_scale": 0.1}},
         ".quantizer.gradient_scale: not known; allowed: kind"),
        ({"quantizer": {"kind": "ewgs", "gradient_scale": -1}},
         ".quantizer.gradient_scale: input should be greater than or equal to 0, found -1"),
        ({"pruner": {"kind": "global_magnitude", "share": 1.0}}, ".pruner.share: input should be less than 1, f"),
        ({"pruner": {"kind": "n_m", "n": 4, "m": 4}}, ".pruner.n: m is 4, so that nothing would be pruned; allow"),
        ({"pruner": {"kind": "channel"}}, ".pruner.share: missing"),
        ({"pruner": 0.8}, ".pruner: a name, or a mapping with a key `kind`, is needed; allowed: by_layer, "),
        ({"order": "sequential"}, ".order: needs a pruner, and there is none; allowed without one: joint, "),
        ({"pruning_training": SHORT}, ".pruning_training: there is no such training in order joint; allowed in o"),
        ({"training": {**SHORT, "learning_rate": float("nan")}}, ".training.learning_rate: input should be a finite"),
        ({"potential_bits": 3}, ".potential_bits: input should be greater than or equal to 4, found 3"),
        ({"name": "two\nlines"}, ".name: one line of text is needed, found 'two\\nlines'"),
        ({"name": "{braces} stay\n"}, ".name: one line of text is needed, found '{braces} stay\\n'"),
        ({"{key}": 1}, ".{key}: not known; allowed: name, "),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_with_the_path_of_its_key(wrong: dict[str, object], told: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Study.model_validate({"compressions": [TERNARY, {"name": "x", **wrong}]})
    (line,) = problems(caught.value)
    assert line.startswith(f"compressions.1{told}")
    assert "\n" not in line


def test_every_mistake_is_told_at_once() -> None:
    with pytest.raises(ValidationError) as caught:
        Compression.model_validate({"name": "x", "weight_bits": 1, "pruner": {"kind": "channel", "share": 0}})
    assert [line.partition(":")[0] for line in problems(caught.value)] == ["weight_bits", "pruner.share"]
