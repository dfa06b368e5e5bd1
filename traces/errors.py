"""The one exception of the `traces` package."""


class TraceError(Exception):
    """A trace file or its contents break the format; the message names the file and the layer or field."""
