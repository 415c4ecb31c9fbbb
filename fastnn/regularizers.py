"""Regularizers: terms of the loss that draw the parameters of a layer towards zero.

The gradient has them before it is clipped, and the loss that training reports counts
them. The weight decay of an optimizer is no part of the loss: it comes after clipping.
"""

from abc import ABC
from numbers import Real
from typing import ClassVar

from sklearn.base import BaseEstimator

from fastnn.utils.plain_numbers import Interval

_NOT_NEGATIVE = Interval(Real, 0, None, closed="left")


class Regularizer(BaseEstimator, ABC):
    """Base class of the regularizers: the factors of three terms.

    The mean loss of a batch grows by ``l1 * sum(abs(w)) + l2 * sum(w ** 2)``, whatever
    the size of the batch, and by ``alpha / 2 * sum(w ** 2)`` over the sum of the
    weights of its samples. At 0 the slope of ``abs(w)`` is 0.

    Attributes
    ----------
    l1, l2, alpha : float
        0 where a regularizer has no such parameter.
    """

    l1: float = 0.0
    l2: float = 0.0
    alpha: float = 0.0

    _parameter_constraints: ClassVar[dict] = {}


class L1(Regularizer):
    """``l1 * sum(abs(w))``, which makes weights small and many of them almost zero.

    Parameters
    ----------
    l1 : float, default=0.01
        At least 0.

    References
    ----------
    Tibshirani, R. "Regression shrinkage and selection via the lasso". Journal of the
    Royal Statistical Society B, 1996.

    Examples
    --------
    >>> from fastnn.layers import Dense
    >>> from fastnn.regularizers import L1
    >>> Dense(64, "relu", kernel_regularizer=L1(1e-4))
    Dense(activation='relu', kernel_regularizer=L1(l1=0.0001), units=64)
    """

    _parameter_constraints: ClassVar[dict] = {"l1": [_NOT_NEGATIVE]}

    def __init__(self, l1: float = 0.01):
        self.l1 = l1


class L2(Regularizer):
    """``l2 * sum(w ** 2)``, which makes large weights small.

    With :class:`fastnn.optimizers.SGD` and without clipping it does what
    ``weight_decay=2 * l2`` does, and is part of the loss.

    Parameters
    ----------
    l2 : float, default=0.01
        At least 0.

    References
    ----------
    Krogh, A., and Hertz, J. A. "A simple weight decay can improve generalization". NIPS
    1991.

    Examples
    --------
    >>> from fastnn.layers import Dense
    >>> from fastnn.regularizers import L2
    >>> Dense(64, "relu", kernel_regularizer=L2(1e-4))
    Dense(activation='relu', kernel_regularizer=L2(l2=0.0001), units=64)
    """

    _parameter_constraints: ClassVar[dict] = {"l2": [_NOT_NEGATIVE]}

    def __init__(self, l2: float = 0.01):
        self.l2 = l2


class L1L2(Regularizer):
    """``l1 * sum(abs(w)) + l2 * sum(w ** 2)``, known as the elastic net.

    Parameters
    ----------
    l1, l2 : float, default=0.0
        At least 0.

    References
    ----------
    Zou, H., and Hastie, T. "Regularization and variable selection via the elastic net".
    Journal of the Royal Statistical Society B, 2005.

    Examples
    --------
    >>> from fastnn.layers import Dense
    >>> from fastnn.regularizers import L1L2
    >>> Dense(64, kernel_regularizer=L1L2(l1=1e-5, l2=1e-4)).kernel_regularizer.l1
    1e-05
    """

    _parameter_constraints: ClassVar[dict] = {
        "l1": [_NOT_NEGATIVE],
        "l2": [_NOT_NEGATIVE],
    }

    def __init__(self, l1: float = 0.0, l2: float = 0.0):
        self.l1 = l1
        self.l2 = l2


class SklearnL2(Regularizer):
    """``alpha / 2 * sum(w ** 2)`` over the sum of weights: scikit-learn's penalty.

    It is divided by the sum of the weights of the batch's samples, so that smaller
    batches make it stronger. The drop-in estimators have it.

    Parameters
    ----------
    alpha : float, default=0.0001
        At least 0.

    Examples
    --------
    >>> from fastnn.regularizers import SklearnL2
    >>> SklearnL2().alpha
    0.0001
    """

    _parameter_constraints: ClassVar[dict] = {"alpha": [_NOT_NEGATIVE]}

    def __init__(self, alpha: float = 0.0001):
        self.alpha = alpha


# What a name stands for: Keras' values, which "l1_l2" has and its class has not.
REGULARIZERS: dict[str, Regularizer] = {
    "l1": L1(),
    "l2": L2(),
    "l1_l2": L1L2(l1=0.01, l2=0.01),
}


def as_regularizer(value: Regularizer | str | None) -> Regularizer:
    """The regularizer that a parameter of a layer stands for, checked.

    Parameters
    ----------
    value : Regularizer, str or None
        A name is one of "l1", "l2" and "l1_l2", all factors 0.01. None is no penalty.

    Returns
    -------
    regularizer : Regularizer

    Raises
    ------
    ValueError
        If a factor is negative or no finite number.
    """
    if value is None:
        return L1L2()
    if isinstance(value, str) and value not in REGULARIZERS:
        raise ValueError(
            f"a regularizer must be one of {sorted(REGULARIZERS)} or an object of "
            f"fastnn.regularizers, got {value!r}."
        )
    chosen = REGULARIZERS[value] if isinstance(value, str) else value
    chosen._validate_params()
    return chosen
