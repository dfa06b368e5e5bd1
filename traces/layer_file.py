"""A layer's header in its HDF5 group: attributes by their letters, threshold and weight_scale as datasets."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, cast

import h5py
import numpy.typing as npt

from spikecycle.traces import hdf5, schema
from spikecycle.traces.checks import check_choice, check_name
from spikecycle.traces.errors import located
from spikecycle.traces.layer import VERSION_1_NEURONS, VERSION_1_OPERATORS, LayerHeader
from spikecycle.traces.neuron import Neuron, NeuronKind, Reset
from spikecycle.traces.shape import LayerShape, SynapseKind


def read_name(group: h5py.Group) -> str:
    """Read and check a layer's name, so that what is found later can be reported by it."""
    hdf5.check_names("attribute", hdf5.attribute_names(group), schema.LAYER_ATTRIBUTES)
    name = hdf5.text_attribute(group, "name")
    check_name(name)
    return name


def read_header(group: h5py.Group, layer_name: str, members: Collection[str]) -> LayerHeader:
    """Read and check the header of the layer of this name; TraceError naming the attribute or dataset. members: of the
    group."""
    hdf5.check_names("member", members, schema.LAYER_MEMBERS, schema.OPTIONAL_LAYER_MEMBERS)

    def integer(name: str) -> int:
        return hdf5.integer_attribute(group, name, -(2**63), 2**63 - 1)  # its meaning's range is checked by its class

    def pair(name: str) -> tuple[int, int]:
        return hdf5.pair_attribute(group, name, -(2**63), 2**63 - 1)

    def word(name: str, allowed: tuple[str, ...]) -> str:
        found = hdf5.text_attribute(group, name)
        check_choice(name, found, allowed)
        return found

    shape = LayerShape(
        cast(SynapseKind, word("operator", VERSION_1_OPERATORS)),
        C=integer("C"),
        H=integer("H"),
        W=integer("W"),
        M=integer("M"),
        R=integer("R"),
        S=integer("S"),
        stride=pair("stride"),
        padding=pair("padding"),
        groups=integer("groups"),
    )
    neuron = Neuron(
        cast(NeuronKind, word("neuron", VERSION_1_NEURONS)),
        _vector(group, "threshold", "int32", (shape.M,)),
        potential_bits=integer("potential_bits"),
        leak_numerator=integer("leak_numerator"),
        leak_shift=integer("leak_shift"),
        reset=cast(Reset, hdf5.text_attribute(group, "reset")),
        reset_value=integer("reset_value"),
    )
    return LayerHeader(
        layer_name,
        shape,
        weight_bits=integer("weight_bits"),
        neuron=neuron,
        input_bits=integer("input_bits"),
        weight_scale=_vector(group, "weight_scale", "float64", (1,), (shape.M,)),
        has_outputs="outputs" in members,
    )


def write_header(group: h5py.Group, header: LayerHeader) -> None:
    """Write a layer's header; the opposite of `read_header`."""
    shape, neuron = header.shape, header.neuron
    values: dict[str, Any] = {
        "name": header.name, "operator": shape.operator,
        "C": shape.C, "H": shape.H, "W": shape.W, "M": shape.M, "R": shape.R, "S": shape.S,
        "stride": shape.stride, "padding": shape.short_padding, "groups": shape.groups,
        "input_bits": header.input_bits, "weight_bits": header.weight_bits,
        "neuron": neuron.kind, "potential_bits": neuron.potential_bits, "leak_numerator": neuron.shared_leak_numerator,
        "leak_shift": neuron.leak_shift, "reset": neuron.reset, "reset_value": neuron.reset_value,
    }  # fmt: skip
    for name in schema.LAYER_ATTRIBUTES:
        hdf5.set_attribute(group, name, values[name])
    hdf5.create(group, "threshold", neuron.threshold)
    hdf5.create(group, "weight_scale", header.scales)


def _vector(group: h5py.Group, name: str, dtype: str, *shapes: tuple[int, ...]) -> npt.NDArray[Any]:
    dataset = hdf5.child_dataset(group, name, (dtype,), *shapes)
    with located(name):
        return dataset.values()
