"""The published study's table on our machine; `benchmarks/published_study.py` is the command.

Read in this order: `network` (the study's workload), `compression` (its grid and how sparse each layer is), `figures`
(what was published), `measure` (traces and simulations), `compare` (ratios, shares, statements), `sensitivity` and
`command`.
"""
