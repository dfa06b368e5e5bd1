"""Neurons without what a trace has no place for: gains go to the weights before them, constants to biases."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from spikecycle.models.importing.arrays import SAME
from spikecycle.models.importing.graph import Shape, reduced
from spikecycle.models.importing.neuron import ONE, ZERO, FloatNeuron, Reals
from spikecycle.models.importing.refusal import Refusal


def placed_neuron(neuron: FloatNeuron, shape: Shape, natural: Shape) -> FloatNeuron:
    """The parameters as maps of the natural shape."""
    placed = {
        name: value if value.size == 1 else reduced(np.broadcast_to(value, shape).reshape(natural))
        for name, value in neuron.arrays().items()
    }
    return replace(neuron, **placed)  # type: ignore[arg-type]


def without_gain(neuron: FloatNeuron, shape: Shape) -> tuple[FloatNeuron, Reals]:
    """The neuron with gain 1, and what its inputs are to be multiplied with, (M,)."""
    gain = np.broadcast_to(neuron.gain, shape).reshape(shape[0], -1)
    if reduced(gain[:, :, None]).shape[1:] in ((), (1, 1)):
        return replace(neuron, gain=ONE), gain[:, 0].copy()
    if not (gain > 0).all():
        raise Refusal("a gain (a resistance) that is not above 0 and differs between neurons of one channel")
    if neuron.reads_out:
        raise Refusal(
            f"a gain (r, or r dt / tau) of {gain.min():g} to {gain.max():g} within one channel, whose potentials are "
            "compared: they would be in different units; supported: one per channel"
        )
    scaled = {
        name: reduced(np.broadcast_to(getattr(neuron, name) / neuron.gain, shape))
        for name in ("threshold", "drive", "reset_value", "start")
    }
    return replace(neuron, gain=ONE, **scaled), np.ones(shape[0])  # type: ignore[arg-type]  # in units of the gain


def without_drive(neuron: FloatNeuron) -> tuple[FloatNeuron, Reals]:
    """The neuron without drive, and what its inputs are to be raised by.

    A hard reset goes to 0: potentials count from the reset value, u = v - r, u' = leak u + arriving + drive -
    (1 - leak) r. Where there is a synaptic current, which a bias would enter, they count from the potential at rest,
    c = drive / (1 - leak), if the reset value is then one for all, as a trace has it, and if potentials that are
    read are then still in one unit; else from the reset value or from 0, and the neuron keeps a drive.
    """
    if neuron.reset == "hard" and neuron.reset_timing == "next" and (neuron.reset_value.any() or neuron.drive.any()):
        raise Refusal("a reset in the next timestep to another value than 0")
    left = ZERO
    if neuron.current_leak is not None:
        origin, shift = _origin(neuron), ZERO
        left = neuron.drive - (1 - neuron.leak) * origin
        left = ZERO if np.abs(left).max() <= SAME * np.abs(neuron.drive).max() else left
    elif neuron.reset == "hard":
        origin = neuron.reset_value
        shift = neuron.drive - (1 - neuron.leak) * origin
    else:
        origin, shift = ZERO, neuron.drive
    return replace(
        neuron,
        drive=left,
        threshold=neuron.threshold - origin if neuron.reset == "hard" else neuron.threshold,
        start=neuron.start - origin,
        reset_value=reduced(neuron.reset_value - origin) if neuron.reset == "hard" and neuron.leak.any() else ZERO,
    ), shift


def _origin(neuron: FloatNeuron) -> Reals:
    """What the potentials of neurons with a synaptic current are to count from."""
    if neuron.reset == "soft":
        return ZERO  # the threshold is subtracted, and compared with
    resting = not neuron.drive.any() or bool((neuron.leak < 1).all())
    rest = neuron.drive / (1 - neuron.leak) if resting and neuron.drive.any() else ZERO
    if neuron.reset == "none":
        return rest if resting and reduced(rest).size == 1 else ZERO
    forgets = not neuron.leak.any()
    one_reset = forgets or reduced(neuron.reset_value - rest).size == 1
    return rest if resting and one_reset and (neuron.threshold > rest).all() else neuron.reset_value
