"""Data sets as binned events: recordings, the camera that sees them, the frames that a network reads."""
