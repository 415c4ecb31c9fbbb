"""Warnings of fastnn."""


class InconsistentVersionWarning(UserWarning):
    """A model is unpickled by another version of fastnn than the one that saved it."""
