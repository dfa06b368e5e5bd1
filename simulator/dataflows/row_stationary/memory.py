"""Host memory that a layer takes on a row-stationary array, by the keys that decide it; see `simulator.memory`.

The arrays are those of `weight_streams`, `counts`, `passes` and `replay`; their bytes stand behind them.
"""

from __future__ import annotations

from spikecycle.simulator.dataflows.memory import LayerSizes
from spikecycle.simulator.dataflows.row_stationary.machine import RowStationaryMachine
from spikecycle.simulator.memory import Need

FIBER_BYTES = 32  # four sizes of a fiber, int64
MEASURED_FIBER_BYTES = 32  # its start and what is made of it while it is measured
WEIGHT_BYTES = 4  # a copy of the weights
TABLE_BYTES = 40  # non-zeros, takes, served and what they are made of, int64, for a tap of a filter set
INPUT_BYTES = 40  # of a sample: met, the same by tap, and events of a tap, spikes and load unit of a row, int64
OUTPUT_BYTES = 8
ROUNDED = 2  # folds and tiles have remainders
PASS_BYTES = 450  # six numbers of a pass in its order, four in tables, thirteen of records, and what becomes of them


def needs(machine: RowStationaryMachine, layer: LayerSizes) -> tuple[Need, ...]:
    """Upper bounds, from the sizes of the layer and the machine's keys alone."""
    shape, array = layer.shape, machine.dataflow
    channels = shape.C // shape.groups
    fibers = shape.M * channels  # of folds of one channel; the search keeps fibers of one size of folds at a time
    weights = shape.M * shape.fan_in
    rows = layer.timesteps * shape.H * shape.C * shape.S
    outputs = layer.timesteps * shape.M * shape.P
    sets = max(1, min(array.rows // shape.R, shape.M // shape.groups))
    # A pass has some filters of each set, whose psums have to fit the pad: at one position, or at all of its tile.
    positions = shape.Q if array.psums_wait_in == "psum_pad" else 1
    perfect = array.tile_factors == "perfect"
    filter_folds = _folds(shape.M * positions, sets * max(1, machine.entries("psum_pad")), perfect)
    channel_folds = shape.groups * _folds(channels, max(1, machine.entries("input_pad") // shape.S), perfect)
    row_folds = _folds(shape.P, array.columns, perfect)
    passes = ROUNDED * layer.timesteps * row_folds * filter_folds * channel_folds
    fibers_of = f"{fibers} fibers (M x C/groups)"
    return (
        Need(fibers * FIBER_BYTES, fibers_of, is_kept=False),
        Need(fibers * MEASURED_FIBER_BYTES + WEIGHT_BYTES * weights, fibers_of, is_kept=False),
        Need(weights * TABLE_BYTES, f"the tables of {weights} weights (M x C/groups x R x S)"),
        Need(rows * INPUT_BYTES, f"{rows} inputs by tap (T x H x C x S)", is_kept=False),
        Need(outputs * OUTPUT_BYTES, f"{outputs} rows of outputs (T x M x P)", is_kept=False),
        Need(
            passes * PASS_BYTES,
            f"{passes} passes (T = {layer.timesteps} timesteps x folds of P, Q, M and C)",
        ),
    )


def _folds(size: int, most: int, perfect: bool) -> int:
    """Folds of at most so many items each; if perfect, of as many as divide the size."""
    if perfect:
        return size // max(part for part in range(1, min(size, most) + 1) if size % part == 0)
    return -(-size // most)
