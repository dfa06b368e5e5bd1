"""Checks: one module for each source of figures; found by scanning this package."""
