"""`python -m spikecycle` is the command `spikecycle`."""

import sys

from spikecycle.program import run

if __name__ == "__main__":
    sys.exit(run())
