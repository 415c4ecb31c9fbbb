"""Errors and warnings of fastnn."""


class InconsistentVersionWarning(UserWarning):
    """A model is unpickled by another version of fastnn than the one that saved it."""


class NotFiniteError(ValueError):
    """Training came to weights or losses that are infinite or not a number."""

    def __init__(self) -> None:
        super().__init__(
            "Solver produced non-finite parameter weights. The input data may contain "
            "large values and need to be preprocessed. Scale X and y (for example with "
            "StandardScaler), lower the learning rate, or compute in float64."
        )
