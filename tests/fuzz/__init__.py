"""The fuzzing campaign: hostile files and command lines, made from seeds, tried in processes that may die.

    python -m tests.fuzz --inputs 100000 --seed 1

FUZZING.md says what is tried, what counts as a finding, and what the last long run found.
"""
