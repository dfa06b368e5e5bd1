"""Faults of the computer: processes killed at any moment, disks that are full or fail, file systems without locks.

    python -m tests.faults --kills 100 --disk 20 FOLDER -- COMMAND ...

FAULTS.md says what is tried and what has to hold. COMMAND is anything that goes on where it was stopped when it is run
again, and writes below FOLDER: a study, a sweep.
"""
