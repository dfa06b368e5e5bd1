"""The study as a command: a grid of compressions x weight formats x machines, from training to Pareto fronts.

schema      STUDY.yaml, described key by key in STUDY.md, checked when it is read; studies/ has those that come with the
            package
grid        its compressions, and what each of them is called
keys        hashes of everything that decides a result
store       the output folder: finished parts are complete, checked when read, and never lost
work        one part: a float network, a compressed network with its trace, its simulations
runner      what is not there yet, in one or several processes
progress    bars or lines while that goes on
tables      the results as Parquet tables, described column by column in TABLES.md
pareto, intervals, claims
            what the tables say, and what the test set is too small to say
plots/      one picture per file
summary     the same for a terminal
command     `spikecycle study`
"""
