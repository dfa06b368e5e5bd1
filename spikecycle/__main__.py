"""`python -m simulator` is the command `spikecycle`."""

import sys

from spikecycle.simulator.cli import main

if __name__ == "__main__":
    sys.exit(main())
