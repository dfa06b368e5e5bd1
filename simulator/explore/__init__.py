"""Design-space exploration: sweeps, search, comparison and advice. Everything here reads results of `simulate`.

Documented in EXPLORE.md beside this file.
"""
