"""Parameters of a network in a safetensors file, which holds numbers and text and nothing that could be run."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from spikecycle.models.errors import ModelsError
from spikecycle.simulator import write_file


def save_checkpoint(path: str | PathLike[str], network: nn.Module, metadata: Mapping[str, str] | None = None) -> None:
    """Write all parameters and statistics of a float or quantized network, complete or not at all.

    metadata: what the network is: its name, its options, whatever else matters. OutputError where the file cannot be
    written.
    """
    tensors = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
    write_file(Path(path), save(tensors, dict(metadata or {})))


def load_checkpoint(path: str | PathLike[str], network: nn.Module) -> dict[str, str]:
    """Put saved parameters into a network of the same structure; returns the metadata.

    ModelsError, naming the file, where it is no safetensors file, and the first tensor at fault, where it is that of
    another network or its values are not finite; the network then stays as it is.
    """
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
            metadata = dict(file.metadata() or {})
    except (SafetensorError, OSError) as error:
        reason = "is no file" if not Path(path).is_file() else f"is no safetensors file: {error}"
        raise ModelsError(f"{path}: {reason}") from error
    difference = _first_difference(network.state_dict(), tensors)
    if difference is not None:
        raise ModelsError(f"{path}: is the checkpoint of another network: {difference}")
    infinite = next((name for name, tensor in tensors.items() if not tensor.isfinite().all()), None)
    if infinite is not None:
        raise ModelsError(f"{path}: tensor {infinite} has values that are not finite")
    network.load_state_dict(tensors)
    return metadata


def _first_difference(wanted: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> str | None:
    """Words for the first tensor, in the order of the network, that the other has not or has differently."""
    for name, tensor in wanted.items():
        if name not in found:
            return f"tensor {name} is missing"
        one, other = _kind(tensor), _kind(found[name])
        if one != other:
            return f"tensor {name} is {other}, and {one} is needed"
    return next((f"there is no tensor {name} in this network" for name in found if name not in wanted), None)


def _kind(tensor: Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')} {tuple(tensor.shape)}"
