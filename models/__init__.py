"""Networks, training, compression and export to layer traces (the only package that knows torch)."""
