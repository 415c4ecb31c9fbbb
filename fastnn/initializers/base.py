"""What every initializer is."""

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator


class Initializer(BaseEstimator, ABC):
    """Base class of the initializers: descriptions that draw values when asked."""

    _parameter_constraints: ClassVar[dict] = {}

    @abstractmethod
    def draw(
        self,
        shape: tuple[int, ...],
        fan_in: int,
        fan_out: int,
        random_state: np.random.RandomState,
    ) -> NDArray[np.float64]:
        """Initial values.

        Parameters
        ----------
        shape : tuple of int
            Shape of the parameter.
        fan_in, fan_out : int
            Inputs that feed one unit of the layer, and outputs that one input feeds.
        random_state : RandomState
            Source of randomness.

        Returns
        -------
        values : ndarray of the given shape, dtype float64
        """
