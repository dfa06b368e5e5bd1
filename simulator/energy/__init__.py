"""What actions cost: SRAM by node, size, width and banks (`sram`); logic by action and width, and DRAM (`table`)."""

from spikecycle.simulator.energy.sram import SramEstimate, SramModel
from spikecycle.simulator.energy.table import EnergyTable, load_dram_presets, shipped_energy_tables

__all__ = ["EnergyTable", "SramEstimate", "SramModel", "load_dram_presets", "shipped_energy_tables"]
