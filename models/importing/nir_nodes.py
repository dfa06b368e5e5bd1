"""What each type of NIR node is to the builder. A new type is one more function here.

NIR describes neurons by differential equations; the frameworks that write it step them by forward Euler, v += dt / tau
(v_leak - v + r I). NIR does not say dt. snnTorch, SpikingJelly and Lava write for dt = 1e-4 s (their importers and
exporters say so); Sinabs counts tau in timesteps (dt = 1); Norse's dt is 1e-3 s, times the `time_scaling_factor` of its
export (1e-6 with the 0.001 that version 1.1 takes by default). Integrate-and-fire neurons have no tau: Norse, Sinabs
and Lava write r = 1 for v += I, SpikingJelly writes r = 1 / dt for the same. So a timestep adds r I or r dt I, by the
factor that is nearer to 1 (see `per_timestep`). A synaptic current jumps before the potential takes it, as in snnTorch.
Neurons start where they rest: at v_leak (Norse; SpikingJelly, where it is v_reset), and without a leak at v_reset
(SpikingJelly).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from spikecycle.models.importing.arrays import SAME, padding_of, pair, reals, sides_of
from spikecycle.models.importing.graph import FloatWire
from spikecycle.models.importing.maker import GraphMaker
from spikecycle.models.importing.neuron import ZERO, FloatNeuron, FloatReset, Reals
from spikecycle.models.importing.refusal import Refusal
from spikecycle.traces.schema import MAX_LEAK_SHIFT

DEFAULT_DT = 1e-4  # seconds


@dataclass(frozen=True)
class Reading:
    """How a neuron is read. dt: duration of a timestep, in the unit of the time constants (seconds in NIR); assumed:
    that nobody said which reset it is."""

    dt: float
    reset: FloatReset
    assumed: bool = False


Converter = Callable[[GraphMaker, str, list[FloatWire], Any, Reading], FloatWire]
"""Called as convert(maker, name, wires, node, reading); gives the wire of what the node makes."""


def _linear(maker: GraphMaker, name: str, wires: list[FloatWire], node: Any, reading: Reading) -> FloatWire:
    return maker.linear(name, _one(maker, name, wires), reals(node.weight), None)


def _affine(maker: GraphMaker, name: str, wires: list[FloatWire], node: Any, reading: Reading) -> FloatWire:
    return maker.linear(name, _one(maker, name, wires), reals(node.weight), reals(node.bias).reshape(-1))


def _conv1d(maker: GraphMaker, name: str, wires: list[FloatWire], node: Any, reading: Reading) -> FloatWire:
    """A convolution over one row."""
    weight = reals(node.weight)
    if weight.ndim != 3:
        raise Refusal(f"weights of shape {weight.shape}; supported: (M, C / groups, S)")
    stride, dilation = (1, pair("stride", node.stride)[1]), (1, pair("dilation", node.dilation)[1])
    padding = node.padding if isinstance(node.padding, str) else (0, pair("padding", node.padding, least=0)[1])
    return _convolve(maker, name, _one(maker, name, wires), weight[:, :, None, :], node, stride, padding, dilation)


def _conv2d(maker: GraphMaker, name: str, wires: list[FloatWire], node: Any, reading: Reading) -> FloatWire:
    padding = node.padding if isinstance(node.padding, str) else pair("padding", node.padding, least=0)
    stride, dilation = pair("stride", node.stride), pair("dilation", node.dilation)
    return _convolve(maker, name, _one(maker, name, wires), reals(node.weight), node, stride, padding, dilation)


def _convolve(
    maker: GraphMaker, name: str, wire: FloatWire, weight: Reals, node: Any, stride: Any, padding: Any, dilation: Any
) -> FloatWire:
    sides = padding_of(padding, weight, stride, dilation) if isinstance(padding, str) else sides_of(padding)
    bias = None if node.bias is None else reals(node.bias).reshape(-1)
    return maker.convolve(name, wire, weight, bias, stride, sides, dilation, pair("groups", node.groups)[0])


def _lif(maker: GraphMaker, name: str, wires: list[FloatWire], node: Any, reading: Reading) -> FloatWire:
    return maker.neurons(name, wires, _leaky(node, node.tau, reading, reading.reset), reading.assumed)


def _cuba_lif(maker: GraphMaker, name: str, wires: list[FloatWire], node: Any, reading: Reading) -> FloatWire:
    return maker.neurons(name, wires, _cuba(node, reading, reading.reset), reading.assumed)


def _li(maker: GraphMaker, name: str, wires: list[FloatWire], node: Any, reading: Reading) -> FloatWire:
    return maker.neurons(name, wires, _leaky(node, node.tau, reading, "none"))


def _cuba_li(maker: GraphMaker, name: str, wires: list[FloatWire], node: Any, reading: Reading) -> FloatWire:
    return maker.neurons(name, wires, _cuba(node, reading, "none"))


def _if(maker: GraphMaker, name: str, wires: list[FloatWire], node: Any, reading: Reading) -> FloatWire:
    return maker.neurons(name, wires, _integrating(node, reading, reading.reset), reading.assumed)


def _i(maker: GraphMaker, name: str, wires: list[FloatWire], node: Any, reading: Reading) -> FloatWire:
    return maker.neurons(name, wires, _integrating(node, reading, "none"))


def _threshold(maker: GraphMaker, name: str, wires: list[FloatWire], node: Any, reading: Reading) -> FloatWire:
    """Fires on the current of the same timestep alone: a neuron that keeps nothing."""
    return maker.neurons(name, wires, FloatNeuron(leak=ZERO, threshold=reals(node.threshold), reset="hard"))


def _scale(maker: GraphMaker, name: str, wires: list[FloatWire], node: Any, reading: Reading) -> FloatWire:
    return maker.scale(name, _one(maker, name, wires), reals(node.scale))


def _delay(maker: GraphMaker, name: str, wires: list[FloatWire], node: Any, reading: Reading) -> FloatWire:
    """Whole timesteps, the same for all, or none."""
    delays = reals(node.delay)
    steps = np.round(delays / reading.dt)
    if delays.max() != delays.min() or delays.min() < 0 or (np.abs(delays / reading.dt - steps) > SAME).any():
        raise Refusal(
            f"delays of {delays.min():g} to {delays.max():g}; supported: the same for all, 0 or whole multiples of dt "
            f"({reading.dt:g})"
        )
    return maker.late(name, _one(maker, name, wires), int(steps.max()))


def _flatten(maker: GraphMaker, name: str, wires: list[FloatWire], node: Any, reading: Reading) -> FloatWire:
    wire = _one(maker, name, wires)
    return maker.reshape(name, wire, (int(np.prod(maker.shapes[wire.source])), 1, 1))


def _identity(maker: GraphMaker, name: str, wires: list[FloatWire], node: Any, reading: Reading) -> FloatWire:
    return _one(maker, name, wires)


def _sum_pool(maker: GraphMaker, name: str, wires: list[FloatWire], node: Any, reading: Reading) -> FloatWire:
    return maker.pool(name, _one(maker, name, wires), "sum", *_windows(node))


def _average_pool(maker: GraphMaker, name: str, wires: list[FloatWire], node: Any, reading: Reading) -> FloatWire:
    return maker.pool(name, _one(maker, name, wires), "average", *_windows(node))


def _windows(node: Any) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int, int, int]]:
    """Kernel, stride and padding."""
    padding = sides_of(pair("padding", node.padding, least=0))
    return pair("kernel_size", node.kernel_size), pair("stride", node.stride), padding


def _one(maker: GraphMaker, name: str, wires: list[FloatWire]) -> FloatWire:
    """What arrives at a node: the sum, where several do."""
    return maker.add(f"sum before {name}", wires)


CONVERTERS: dict[str, Converter] = {
    "Affine": _affine,
    "AvgPool2d": _average_pool,
    "Conv1d": _conv1d,
    "Conv2d": _conv2d,
    "CubaLI": _cuba_li,
    "CubaLIF": _cuba_lif,
    "Delay": _delay,
    "Flatten": _flatten,
    "I": _i,
    "IF": _if,
    "Identity": _identity,
    "LI": _li,
    "LIF": _lif,
    "Linear": _linear,
    "Scale": _scale,
    "SumPool2d": _sum_pool,
    "Threshold": _threshold,
}


NAME = "NIR (nir 1.0.8)"
NEURONS = frozenset({"CubaLI", "CubaLIF", "I", "IF", "LI", "LIF", "Threshold"})
"""Types whose nodes sum what arrives by themselves."""
KEEP_SHAPES = NEURONS | {"Delay", "Identity", "Scale"}
"""Types whose nodes give maps of the shape that they get."""
DECLARED = {
    "neurons": ", ".join(sorted(NEURONS)),
    "reset": "to v_reset (any value), by subtraction; LI and I, and infinite thresholds, as a readout",
    "two states": "CubaLIF, CubaLI",
    "recurrence": (
        "loops through neurons, in and through inner graphs: they take one timestep, where they lead back towards the "
        "Input (said), or those of the Delay in them; Delay of whole timesteps, the same for all"
    ),
    "per-neuron parameters": "all of them; v_leak and v_reset per channel, and r and tau where potentials are read",
    "time": "dt, 1e-4 by default; IF and I add r or r x dt of what arrives, whichever is nearer to 1, and say so",
}
"""What it supports of `spiking.CONSTRUCTS`."""


def _leaky(node: Any, tau: Any, reading: Reading, reset: FloatReset) -> FloatNeuron:
    taus = reals(tau)
    if not np.isfinite(taus).all():
        raise Refusal(f"tau {taus[~np.isfinite(taus)].flat[0]:g}: nothing that arrives has an effect; supported: IF")
    with np.errstate(divide="ignore"):
        decay = np.where(taus > 0, reading.dt / taus, np.inf)
    if decay.max() > 1 + SAME:
        raise Refusal(
            f"tau {taus.min():g} is shorter than a timestep of dt {reading.dt:g}; is dt right? supported: dt up to tau"
        )
    if decay.min() < 2.0 ** -(MAX_LEAK_SHIFT + 1):
        raise Refusal(
            f"with tau {taus.max():g} and dt {reading.dt:g}, a timestep leaks less than 2**-{MAX_LEAK_SHIFT + 1}; "
            "is dt right? (dt=1 where tau counts timesteps)"
        )
    rest = reals(node.v_leak)
    value = reals(node.v_reset) if hasattr(node, "v_reset") and reset == "hard" else ZERO
    return FloatNeuron(
        leak=np.maximum(0.0, 1 - decay),
        threshold=reals(getattr(node, "v_threshold", 1.0)),
        reset=reset,
        gain=decay * reals(node.r),
        drive=decay * rest,
        reset_value=value,
        start=rest,
    )


def _cuba(node: Any, reading: Reading, reset: FloatReset) -> FloatNeuron:
    """A synaptic current that is gone after one timestep is no state: it is w_in times the input."""
    neuron = _leaky(node, node.tau_mem, reading, reset)
    taus = reals(node.tau_syn)
    decay = reading.dt / taus
    if decay.max() > 1 + SAME or not (taus > 0).all():
        raise Refusal(f"tau_syn {taus.min():g} is shorter than a timestep of dt {reading.dt:g}; is dt right?")
    gain = neuron.gain * reals(node.w_in) * decay
    if (decay > 1 - SAME).all():
        return replace(neuron, gain=gain)
    return replace(neuron, gain=gain, current_leak=1 - decay)


def _integrating(node: Any, reading: Reading, reset: FloatReset) -> FloatNeuron:
    r = reals(node.r)
    value = reals(node.v_reset) if hasattr(node, "v_reset") and reset == "hard" else ZERO
    return FloatNeuron(
        leak=np.ones(()),
        threshold=reals(getattr(node, "v_threshold", 1.0)),
        reset=reset,
        gain=per_timestep(r, reading.dt),
        reset_value=value,
        start=value,
    )


def per_timestep(r: Reals, dt: float) -> Reals:
    """What integrating neurons add of their input in a timestep, for the r of a node: r where its writer counts time in
    timesteps, r x dt where in seconds; whichever is nearer to 1, by ratio and over all neurons."""
    magnitudes = np.abs(r[r != 0])
    logs = np.log(magnitudes) if magnitudes.size else np.zeros(1)
    return r if abs(logs.mean()) <= abs(logs.mean() + np.log(dt)) else r * dt


def doubts(name: str, node: Any, dt: float) -> list[str]:
    """What a user should check of how a node was read: r of integrating neurons, where neither r nor r x dt is 1."""
    if type(node).__name__ not in ("IF", "I") or dt == 1:
        return []
    r = reals(node.r)
    gain = per_timestep(r, dt)
    if (np.abs(gain - 1) <= SAME).all():
        return []
    taken, other = ("r", "r x dt") if gain is r else ("r x dt", "r")
    factor, instead = (f"{_span(values)}" for values in (gain, r * dt if gain is r else r))
    return [
        f"{name} ({type(node).__name__}): a timestep adds {taken} = {factor} of what arrives, as that is nearer to 1 "
        f"than {other} = {instead} (dt {dt:g}); is that what its writer means?"
    ]


def _span(values: Reals) -> str:
    low, high = float(values.min()), float(values.max())
    return f"{low:.6g}" if low == high else f"{low:.6g} to {high:.6g}"
