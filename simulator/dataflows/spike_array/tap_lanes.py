"""The tap cases of an input channel side by side, so that a fiber is timed in all of them at once.

What a fiber's entries are, in which step each comes out and from which word is the same in every tap case: cases differ
in which entries land in the PE's part. So a kernel goes through the entries once, with a number for each case in the
lanes of a wide register.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from spikecycle.simulator.array_types import Int64
from spikecycle.simulator.dataflows.spike_array.axes import BLOCK_SIZE, FIRST_TAP, LAST_TAP, PHASE

LANES = 16
"""32-bit numbers in a register of 512 bits; a 3 x 3 kernel has nine tap cases."""


class TapLanes(NamedTuple):
    """The tap cases of an input channel in groups of at most LANES, which share phase and width of block.

    first_group: int64 (phases + 1,): groups first_group[p] to first_group[p + 1] - 1 are those of phase p.
    taps: int64 (phases,), of each phase; tap = row tap · column taps of the phase + column tap.
    used: int64 (groups,), lanes with a case. case: int64 (groups, LANES), number of the case among the channel's: row
        class · column classes + column class.
    meets: int64 (groups, most taps + 1): bit i is set where a tap lands in the PE's part in the case of lane i; the
        last tap is that of what delivers nothing.
    earlier: int64 (groups, most taps), output positions of the block by which a tap lands before tap 0.
    """

    first_group: Int64
    taps: Int64
    used: Int64
    case: Int64
    meets: Int64
    earlier: Int64


def tap_lanes(row_classes: Int64, column_classes: Int64, row_taps: Int64, column_taps: Int64) -> TapLanes:
    """The groups of tap classes, int64 (classes, 4) each, see `axes`; row_taps, column_taps: int64 (stride,), of each
    phase."""
    taps = np.outer(row_taps, column_taps).reshape(-1)
    first_group, cases, meets, earlier = [0], [], [], []
    for phase, of_phase in enumerate(taps.tolist()):
        phase_row, phase_column = divmod(phase, len(column_taps))
        row_tap, column_tap = np.divmod(np.arange(of_phase), column_taps[phase_column])
        rows = np.flatnonzero(row_classes[:, PHASE] == phase_row)
        all_columns = np.flatnonzero(column_classes[:, PHASE] == phase_column)
        widths = column_classes[all_columns, BLOCK_SIZE]
        for width in np.unique(widths) if len(rows) else ():
            columns = all_columns[widths == width]
            met = _met(row_classes[rows], row_tap)[:, None] & _met(column_classes[columns], column_tap)
            of_width = (rows[:, None] * len(column_classes) + columns).reshape(-1)
            for first in range(0, len(of_width), LANES):
                cases.append(of_width[first : first + LANES])
                meets.append((1 << np.arange(len(cases[-1]))) @ met.reshape(-1, of_phase)[first : first + LANES])
                earlier.append(row_tap * width + column_tap)
        first_group.append(len(cases))
    groups, most_taps = len(cases), int(taps.max())
    lanes = TapLanes(
        np.array(first_group, np.int64),
        taps,
        np.array([len(one) for one in cases], np.int64),
        np.zeros((groups, LANES), np.int64),
        np.zeros((groups, most_taps + 1), np.int64),
        np.zeros((groups, most_taps), np.int64),
    )
    for group in range(groups):
        lanes.case[group, : lanes.used[group]] = cases[group]
        lanes.meets[group, : len(meets[group])] = meets[group]
        lanes.earlier[group, : len(earlier[group])] = earlier[group]
    return lanes


def _met(classes: Int64, taps: Int64) -> npt.NDArray[np.bool_]:
    """bool (classes, taps): whether a tap lies in the range of the class."""
    return (classes[:, [FIRST_TAP]] <= taps) & (taps <= classes[:, [LAST_TAP]])
