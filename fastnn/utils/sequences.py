"""Samples that are sequences of different lengths, one after the other."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray


def starts_of(lengths: ArrayLike) -> NDArray[np.intp]:
    """Where each sample begins, of samples that have so many steps.

    Parameters
    ----------
    lengths : array-like of shape (n_samples,)

    Returns
    -------
    starts : ndarray of shape (n_samples + 1,)
        Behind the last one how many steps there are.
    """
    lengths = np.asarray(lengths, np.intp)
    starts = np.zeros(len(lengths) + 1, np.intp)
    np.cumsum(lengths, out=starts[1:])
    return starts


class Sequences:
    """Steps of many samples in one array, and where each sample begins.

    Parameters
    ----------
    values : ndarray of shape (n_steps, ...)
        What each step is, sample after sample: integers, or rows of numbers.
    starts : ndarray of shape (n_samples + 1,), intp
        The first step of each sample, and behind the last one how many there are.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.utils.sequences import Sequences
    >>> words = Sequences.of([np.array([3, 1]), np.array([2])])
    >>> words.shape, words.lengths.tolist(), words[[1, 0]].values.tolist()
    ((2, None), [2, 1], [2, 3, 1])
    """

    def __init__(self, values: NDArray, starts: NDArray[np.intp]):
        self.values, self.starts = values, starts

    @classmethod
    def of(cls, samples: Sequence[NDArray]) -> Self:
        """Put arrays of one kind, of shape (n_steps, ...) each, one after the other."""
        return cls(np.concatenate(samples), starts_of([len(each) for each in samples]))

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def shape(self) -> tuple[int | None, ...]:
        """Samples, None for their lengths, and the shape of a step."""
        return len(self), None, *self.values.shape[1:]

    @property
    def ndim(self) -> int:
        return 1 + self.values.ndim

    @property
    def dtype(self) -> np.dtype:
        """That of the values."""
        return self.values.dtype

    @property
    def lengths(self) -> NDArray[np.intp]:
        """Steps of each sample."""
        return np.diff(self.starts)

    def place_of(self, step: int) -> tuple[int, int]:
        """Which sample a step of all is of, and which one of it that is."""
        sample = int(np.searchsorted(self.starts, step, side="right")) - 1
        return sample, int(step - self.starts[sample])

    def __getitem__(self, rows: Any) -> Self:
        """Some samples, by a slice, their numbers or a mask.

        scikit-learn asks for these and, behind a comma, all that they have.
        """
        rows = np.arange(len(self))[rows[0] if isinstance(rows, tuple) else rows]
        lengths = self.lengths[rows]
        starts = starts_of(lengths)
        first, end = self.starts[rows].tolist(), self.starts[rows + 1].tolist()
        # The first one is for the case that there are none.
        parts = [self.values[:0], *map(self.values.__getitem__, map(slice, first, end))]
        return type(self)(np.concatenate(parts), starts)
