"""What holds for all tests: generated cases are the same every time, and no clock ends a test."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("spikecycle", deadline=None, derandomize=True, database=None)
settings.load_profile("spikecycle")
