"""The one exception of the `models` package."""

from spikecycle.simulator import SimulatorError


class ModelsError(SimulatorError):
    """Training, compression, import or export cannot go on; the message is one line that says what to do."""
