"""Constraints: what the weights of a layer must fulfil after every step."""

from numbers import Real
from typing import ClassVar

from sklearn.base import BaseEstimator

from fastnn.utils.plain_numbers import Interval


class MaxNorm(BaseEstimator):
    """The incoming weights of a unit have at most this Euclidean norm.

    After each step, columns of the kernel that are longer are scaled down:
    ``w * max_norm / norm(w)``. Others stay as they are, and so do initial weights until
    the first step. It goes well with dropout and a high learning rate. Keras divides by
    ``norm(w) + 1e-7``, and so shrinks the others a little as well.

    Parameters
    ----------
    max_norm : float, default=2.0
        > 0.

    References
    ----------
    Srivastava, N., Hinton, G., Krizhevsky, A., Sutskever, I., and Salakhutdinov, R.
    "Dropout: a simple way to prevent neural networks from overfitting". JMLR 2014,
    section 5.1.

    Examples
    --------
    >>> from fastnn.constraints import MaxNorm
    >>> from fastnn.layers import Dense
    >>> Dense(64, "relu", kernel_constraint=MaxNorm(3.0))
    Dense(activation='relu', kernel_constraint=MaxNorm(max_norm=3.0), units=64)
    """

    _parameter_constraints: ClassVar[dict] = {
        "max_norm": [Interval(Real, 0, None, closed="neither")]
    }

    def __init__(self, max_norm: float = 2.0):
        self.max_norm = max_norm

    def check(self) -> None:
        """Check the parameters.

        Raises
        ------
        ValueError
            If one is not valid.
        """
        self._validate_params()
