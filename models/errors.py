"""The one exception of the `models` package."""


class ModelsError(Exception):
    """Training, compression or export cannot go on; the message is one line that says what to do."""
