"""The arrays that steps change, and what must be there for a step to be taken."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from fastnn.engine.arguments import check_array
from fastnn.engine.mirrored import MirroredArray, mirrored
from fastnn.optimizers import Optimizer
from fastnn.plan.tables import OPTIMIZERS


class Trained:
    """Parameters, what the optimizer's rule remembers, and an average.

    Parameters
    ----------
    parameters, average, optimizer, state
        As :class:`fastnn.engine.engine.Engine`, which has looked at the parameters.

    Attributes
    ----------
    parameters : MirroredArray
    state, average : MirroredArray or None
    rule : int
        Number of the optimizer's rule.

    Raises
    ------
    ValueError
        If one has another shape, dtype or layout, or is not writable.
    """

    def __init__(
        self,
        parameters: NDArray | MirroredArray,
        average: NDArray | MirroredArray | None,
        optimizer: Optimizer | None,
        state: NDArray | MirroredArray | None,
    ):
        if average is not None:
            check_array("average", average, parameters.shape, parameters.dtype)
        given = {"parameters": parameters, "state": state, "average": average}
        for name, array in given.items():
            if isinstance(array, np.ndarray) and not array.flags.writeable:
                raise ValueError(f"{name} must be writable: it is changed in place")
        self.rule = 0
        if optimizer is not None:
            self.rule = OPTIMIZERS.index(optimizer.rule)
            shape = optimizer.n_slots, *parameters.shape
            check_array("state", state, shape, parameters.dtype)
        self.parameters = mirrored(parameters)
        self.state = None if state is None else mirrored(state)
        self.average = None if average is None else mirrored(average)
        self._has_optimizer = optimizer is not None
        # What stays here between two calls, whoever computes.
        self._kept_on_host = [
            mine
            for mine, array in zip(self.arrays, given.values(), strict=True)
            if mine is not None and mine is not array
        ]

    @property
    def arrays(
        self,
    ) -> tuple[MirroredArray, MirroredArray | None, MirroredArray | None]:
        """Parameters, state and average."""
        return self.parameters, self.state, self.average

    def require_optimizer(self) -> None:
        if not self._has_optimizer:
            raise ValueError("an engine without an optimizer cannot take steps")

    def require_average(self, rates: NDArray[np.float64]) -> None:
        """Check that there is an average, unless no parameters are let into it."""
        if self.average is None and rates.any():
            raise ValueError(
                "an engine without an average cannot let parameters into it: pass "
                "average=, or leave the column AVERAGE_RATE of the table 0"
            )

    @contextmanager
    def copied_to_host(self) -> Iterator[None]:
        """What the block changes elsewhere, and belongs here, is copied back."""
        try:
            yield
        finally:
            for array in self._kept_on_host:
                _ = array.host
