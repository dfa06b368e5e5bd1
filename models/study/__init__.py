"""The study as a command: a grid of compressions x weight formats x machines, from training to Pareto fronts.

schema               STUDY.yaml, described key by key in STUDY.md, checked when it is read; studies/ has those that come
                     with the package
compression_entries  its compressions, and the grid that an entry stands for
store                the output folder: records under content-addressed keys, complete and checked, or not there
jobs                 units of work, their progress events, and the context that they need
work                 doing one: a float network, a compressed network with its trace, its simulations
runner               what is still missing, after checks that need no training
pool, progress       jobs in one or several processes; bars or lines while that goes on
tables               the results as Parquet tables, described column by column in TABLES.md
results              queries on them: costs, confidence intervals, Pareto fronts
claims               what the results say, and what the test set is too small to say more of
plots/               one picture per file
document             writes STUDY.md and TABLES.md
command              `spikecycle study`
"""
