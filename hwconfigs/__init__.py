"""Machine files and energy tables, as package data: YAML and CSV only, no code."""
