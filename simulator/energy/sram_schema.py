"""The file beside an SRAM table that says where it comes from and how the model reaches beyond it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from spikecycle.simulator.machine.schema import NonNegativeFloat, PositiveFloat, PositiveInt, Section

Text = Annotated[str, Field(min_length=1)]
FiniteFloat = Annotated[float, Field(allow_inf_nan=False)]


class Small(Section):
    """Memories below the table: fewer words per bank than CACTI runs with, or smaller than the smallest row.

    Energy falls with depth ** `energy_depth_exponent`, leakage and area with depth, times stay; no access costs less
    than reading or writing a register of its width.
    """

    least_depth_words: PositiveInt
    energy_depth_exponent: PositiveFloat
    register_pj_per_bit: PositiveFloat
    register_node_nm: PositiveFloat
    source: Text


class Law(Section):
    """A quantity beyond the table: size ** size_exponent x (1 + width_weight x width) x banks ** banks_exponent.

    Only ratios of the law are used, from the edge of the table outwards. The errors are those of the law over all rows.
    """

    size_exponent: FiniteFloat
    width_weight_per_bit: NonNegativeFloat
    banks_exponent: FiniteFloat
    median_error_percent: NonNegativeFloat
    p90_error_percent: NonNegativeFloat
    max_error_percent: NonNegativeFloat


class Laws(Section):
    """One law a quantity."""

    read_pj: Law
    write_pj: Law
    leakage_mw: Law
    area_mm2: Law
    access_ns: Law
    cycle_ns: Law


class Error(Section):
    """Absolute relative error of predicted figures, percent."""

    median: NonNegativeFloat
    p90: NonNegativeFloat
    max: NonNegativeFloat


class QuantityErrors(Section):
    """One error a quantity."""

    read_pj: Error
    write_pj: Error
    leakage_mw: Error
    area_mm2: Error
    access_ns: Error
    cycle_ns: Error


class StatedErrors(Section):
    """How well the model predicts what it was not given.

    between_rows, beyond_rows: CACTI run at random SRAMs in and outside the grid.
    """

    between_rows: QuantityErrors
    beyond_rows: QuantityErrors


class SramFile(Section):
    """A cell type's table and its constants."""

    describes: Text
    source: Text
    cell: Text
    temperature_k: PositiveInt
    ports: Literal[1, 2]
    """1: one that reads and writes; 2: one that reads, one that writes."""
    table: Text
    small: Small
    law: Laws
    law_source: Text
    errors_percent: StatedErrors
    errors_source: Text
