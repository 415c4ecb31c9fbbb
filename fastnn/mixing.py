"""Samples that are mixed with one another in training, with their targets.

A network then learns to go evenly from one sample to another. Like an averaging, a
mixing is a description: how much is mixed in each step is drawn for a whole epoch, and
the engine does it where it gathers the rows of a mini-batch.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from math import inf
from numbers import Real
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from fastnn.utils.plain_numbers import Interval, is_integer


class Mixing(BaseEstimator, ABC):
    """Base class of the ways to mix samples.

    In each step every sample of the mini-batch is mixed with the next one, and the last
    with the first. Targets are mixed in the same proportion, and so are weights of
    samples. The proportion is drawn once for a mini-batch, as the authors of both ways
    do. A mini-batch of one sample stays as it is.
    """

    _parameter_constraints: ClassVar[dict] = {
        "alpha": [Interval(Real, 0, inf, closed="neither")]
    }
    alpha: float

    def check(self) -> None:
        """Check the parameters.

        Raises
        ------
        ValueError
            If one is not valid.
        """
        self._validate_params()

    @abstractmethod
    def image(self, input_shape: Sequence[int]) -> tuple[int, int, int] | None:
        """Height, width and channels of samples that windows are cut out of.

        Parameters
        ----------
        input_shape : sequence of int
            Of a sample, as a network reads it.

        Returns
        -------
        image : tuple of int or None
            None where all numbers of a sample are mixed.

        Raises
        ------
        ValueError
            If samples are no images, and need to be.
        """

    @abstractmethod
    def columns(
        self,
        rng: np.random.Generator,
        n_steps: int,
        image: tuple[int, int, int] | None,
    ) -> NDArray[np.float64]:
        """What steps mix.

        Parameters
        ----------
        rng : Generator
        n_steps : int
        image : tuple of int or None
            What :meth:`image` returns.

        Returns
        -------
        columns : ndarray of shape (n_steps, 5)
            The share of the other sample; the first row of the window that is cut out
            of it and the first one behind it, and so its columns.
        """


class Mixup(Mixing):
    """Every number becomes a weighted mean of those of two samples.

    Parameters
    ----------
    alpha : float, default=0.2
        The share of the other sample has the distribution Beta(alpha, alpha): near 0 or
        1 for a small alpha, anything alike for 1. Above 0.

    References
    ----------
    Zhang, H., Cisse, M., Dauphin, Y. N., and Lopez-Paz, D. "mixup: beyond empirical
    risk minimization". ICLR 2018.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from fastnn import NeuralNetClassifier
    >>> from fastnn.mixing import Mixup
    >>> X, y = load_digits(return_X_y=True)
    >>> model = NeuralNetClassifier(mixing=Mixup(0.4), epochs=30, random_state=0)
    >>> model.fit(X / 16, y).score(X / 16, y) > 0.95
    True
    """

    def __init__(self, alpha: float = 0.2):
        self.alpha = alpha

    def image(self, input_shape: Sequence[int]) -> tuple[int, int, int] | None:
        """None: all numbers are mixed; see :meth:`Mixing.image`."""
        return None

    def columns(
        self,
        rng: np.random.Generator,
        n_steps: int,
        image: tuple[int, int, int] | None,
    ) -> NDArray[np.float64]:
        """Shares, without windows; see :meth:`Mixing.columns`."""
        found = np.zeros((n_steps, 5))
        found[:, 0] = rng.beta(self.alpha, self.alpha, n_steps)
        return found


class CutMix(Mixing):
    """A window of each image becomes that of another one.

    Parameters
    ----------
    alpha : float, default=1.0
        The share of the window in the image has the distribution Beta(alpha, alpha),
        before what lies beyond the edges is cut off: its middle is any pixel of
        the image. Targets are mixed by what is left. Above 0.
    image_shape : tuple of int, default=None
        Height, width and channels of the images, where rows of X are these numbers in
        C order. None is the shape of a sample in X, (height, width, channels) or
        (height, width).

    References
    ----------
    Yun, S., Han, D., Oh, S. J., Chun, S., Choe, J., and Yoo, Y. "CutMix: regularization
    strategy to train strong classifiers with localizable features". ICCV 2019.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from fastnn import NeuralNetClassifier
    >>> from fastnn.mixing import CutMix
    >>> X, y = load_digits(return_X_y=True)
    >>> mixing = CutMix(image_shape=(8, 8, 1))
    >>> model = NeuralNetClassifier(mixing=mixing, epochs=30, random_state=0)
    >>> model.fit(X / 16, y).score(X / 16, y) > 0.95
    True
    """

    _parameter_constraints: ClassVar[dict] = {
        **Mixing._parameter_constraints,
        "image_shape": [tuple, list, None],
    }

    def __init__(self, alpha: float = 1.0, image_shape: Sequence[int] | None = None):
        self.alpha = alpha
        self.image_shape = image_shape

    def image(self, input_shape: Sequence[int]) -> tuple[int, int, int] | None:
        """Height, width and channels of the samples; see :meth:`Mixing.image`."""
        given = self.image_shape
        shape = tuple(input_shape if given is None else given)
        shape = (*shape, 1) if len(shape) == 2 else shape
        whole = all(is_integer(n, 1) for n in shape)
        size, expected = int(np.prod(input_shape)), "(height, width, channels)"
        if len(shape) != 3 or not whole or int(np.prod(shape)) != size:
            raise ValueError(
                "CutMix cuts windows out of images: it needs samples of shape "
                f"{expected}, or an image_shape {expected} that has their {size} "
                f"numbers. Got image_shape={given!r} and samples of shape "
                f"{tuple(input_shape)}."
            )
        height, width, channels = map(int, shape)
        return height, width, channels

    def columns(
        self,
        rng: np.random.Generator,
        n_steps: int,
        image: tuple[int, int, int] | None,
    ) -> NDArray[np.float64]:
        """Windows, and their shares; see :meth:`Mixing.columns`."""
        assert image is not None
        side = np.sqrt(rng.beta(self.alpha, self.alpha, n_steps))
        found = np.zeros((n_steps, 5))
        share = np.ones(n_steps)
        for first, length in ((1, image[0]), (3, image[1])):
            middle = rng.integers(0, length, n_steps) + 0.5
            half = side * length / 2
            ends = np.rint([middle - half, middle + half]).clip(0, length)
            found[:, first], found[:, first + 1] = ends
            share *= (ends[1] - ends[0]) / length
        found[:, 0] = share
        return found
