"""How busy the study's network is: see `benchmarks/published/activity.py`, or --help."""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent.parent))  # run as a file, this folder is on the path, not its parent
    from benchmarks.published.activity import main

    sys.exit(main())
