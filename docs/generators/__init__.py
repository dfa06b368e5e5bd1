"""Generators of the documentation's pages: what the code already says is not written a second time."""
