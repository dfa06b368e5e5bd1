"""The sigmoid of a product in fixed point: two rescaled sums are multiplied and looked up in a table.

    operand  = clip(floor(sum x multiplier / 2**MULTIPLIER_SHIFT))        16 bits, 10 of them after the point
    index    = clip(floor(operand x operand / 2**INDEX_SHIFT))            steps of 1/64 from -8 to 8
    scale    = table[index]                                               b bits: the sigmoid in units of 2**-b

The widths are this project's own choice: an operand of up to +-32 in steps of 1/1024, and a table as fine as 8 bits
of the sigmoid can tell apart where it is steepest (slope 1/4). `floor` rounds towards minus infinity, as a shift does.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

OPERAND_FRACTION_BITS = 10
OPERAND_LOWEST, OPERAND_HIGHEST = -(2**15), 2**15 - 1
MULTIPLIER_SHIFT = 24
INDEX_FRACTION_BITS = 6
INDEX_SHIFT = 2 * OPERAND_FRACTION_BITS - INDEX_FRACTION_BITS
INDEX_LOWEST, INDEX_HIGHEST = -(8 << INDEX_FRACTION_BITS), (8 << INDEX_FRACTION_BITS) - 1


def sigmoid_table(scale_bits: int) -> npt.NDArray[np.uint8]:
    """The sigmoid at the middle of every step, uint8 (1024,), in units of 2**-scale_bits; entry 0 is INDEX_LOWEST."""
    middles = (np.arange(INDEX_LOWEST, INDEX_HIGHEST + 1) + 0.5) / 2**INDEX_FRACTION_BITS
    values = np.rint(2**scale_bits / (1 + np.exp(-middles)))
    table: npt.NDArray[np.uint8] = np.minimum(values, 2**scale_bits - 1).astype(np.uint8)
    return table
