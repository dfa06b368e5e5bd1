"""How options are read."""

import pytest

from spikecycle.simulator.cli import options
from spikecycle.simulator.cli.options import parse_formats, parse_samples, parse_settings, parse_threads
from spikecycle.simulator.errors import UsageError


@pytest.mark.parametrize(
    ("text", "samples"),
    [(None, None), ("3", [3]), ("0,2-5", [0, 2, 3, 4, 5]), ("5, 1", [5, 1]), ("7-7", [7]), ("00", [0])],
)
def test_samples(text: str | None, samples: list[int] | None) -> None:
    assert parse_samples(text) == samples


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "'' is neither an index nor a range"), ("1,", "''"), ("-1", "'-1'"), ("1-", "'1-'"), ("a", "'a'"),
        ("1-2-3", "'1-2-3'"), ("1.5", "'1.5'"), ("5-2", "runs backwards"), ("1,0-2", "sample 1 is named twice"),
        ("0-99999999", "longer than"), ("²", "'²'"), ("9" * 30, "neither"),
    ],
)  # fmt: skip
def test_samples_that_are_none(text: str, words: str) -> None:
    with pytest.raises(UsageError) as error:
        parse_samples(text)
    assert str(error.value).startswith(f"--samples {text}: ")
    assert words in str(error.value)


def test_formats() -> None:
    assert parse_formats(None) == {}
    assert parse_formats(["weights=rle", "spikes=aer"]) == {"weights": "rle", "spikes": "aer"}
    texts = ["weights.fc1=cp", "weights=auto", "weights.features.0=auto"]
    assert parse_formats(texts) == {"weights.fc1": "cp", "weights": "auto", "weights.features.0": "auto"}


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["rle"], "write OPERAND=NAME"), (["weights="], "write OPERAND=NAME"), (["potentials=rle"], "'potentials'"),
        (["weights=rlee"], "did you mean 'rle'?"), (["spikes=rle"], "unknown spike format 'rle', allowed: aer, bitmap"),
        (["weights=rle", "weights=cp"], "twice"), (["weights.=cp"], "write OPERAND=NAME or OPERAND.OPERATOR=NAME"),
        (["weights.fc1=rlee"], "--format weights.fc1=rlee: unknown weight format 'rlee'"),
        (["weights.fc1=cp", "weights.fc1=cp"], "the format of weights.fc1 is given twice"),
        (["spikes.fc1=aer"], "spikes have one format, write spikes=aer"), (["spikes=auto"], "unknown spike format"),
        (["potentials.fc1=rle"], "'potentials'"),
    ],
)  # fmt: skip
def test_formats_that_are_none(texts: list[str], words: str) -> None:
    with pytest.raises(UsageError) as error:
        parse_formats(texts)
    assert str(error.value).startswith("--format ")
    assert words in str(error.value)


def test_settings() -> None:
    assert parse_settings(None) == {}
    assert parse_settings(["buffers.weights.banks=8", "dataflow.update=dense", "dram.latency_ns=1.5"]) == {
        "buffers.weights.banks": 8,
        "dataflow.update": "dense",
        "dram.latency_ns": 1.5,
    }


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["banks"], "'banks' is not of the form"), (["a..b=1"], "'a..b=1'"), (["=1"], "'=1'"),
        (["a=[1"], "not valid YAML"),        (["a=1", "a=2"], "twice"),
    ],
)  # fmt: skip
def test_settings_that_are_none(texts: list[str], words: str) -> None:
    with pytest.raises(UsageError) as error:
        parse_settings(texts)
    assert str(error.value).startswith("--set ")
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(options, "cores", lambda: 6)
    assert [parse_threads(text) for text in ("1", "16", "1024", "all", "007")] == [1, 16, 1024, 6, 7]


@pytest.mark.parametrize("text", ["", "0", "-1", "1025", "1.5", "All", "1,all", "²", " 2", "9" * 5000])
def test_threads_that_are_none(text: str) -> None:
    with pytest.raises(UsageError) as error:
        parse_threads(text)
    assert str(error.value) == f"--threads {text}: write a number from 1 to 1024, or all"
