"""An order of samples in which those of like length share a mini-batch."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.utils.sequences import Sequences

# So many mini-batches are drawn at a time, and the samples in them sorted: lengths in
# one differ by about a hundredth of all, and who meets whom changes with every epoch.
BATCHES_SORTED = 100


def sort_by_length(
    order: NDArray[np.intp],
    lengths: NDArray[np.intp],
    batch_size: int,
    random_state: np.random.RandomState,
) -> None:
    """Give each mini-batch samples of like length.

    Parameters
    ----------
    order : ndarray of shape (n_samples,)
        A random order, which is changed in place. Its mini-batches come in a random
        order afterwards; only the last one, if it is smaller, stays where it is, and
        has what it has.
    lengths : ndarray of shape (n_samples,)
        Of the samples, by their numbers.
    batch_size : int
    random_state : RandomState
        Draws the order of the mini-batches.

    References
    ----------
    Morishita, M., Oda, Y., Neubig, G., Yoshino, K., Sudoh, K., and Nakamura, S. "An
    empirical study of mini-batch creation strategies for neural machine translation".
    WNMT 2017.
    """
    whole = order[: len(order) // batch_size * batch_size]
    n_drawn = BATCHES_SORTED * batch_size
    for first in range(0, len(whole), n_drawn):
        drawn = whole[first : first + n_drawn]
        drawn[:] = drawn[np.argsort(lengths[drawn], kind="stable")]
    batches = whole.reshape(-1, batch_size)
    batches[:] = batches[random_state.permutation(len(batches))]


def lengths_of(tables: tuple[Any, ...]) -> NDArray[np.intp] | None:
    """Steps of each sample, of all inputs that are sequences; None if none is."""
    found = [table.lengths for table in tables if isinstance(table, Sequences)]
    return np.sum(found, axis=0) if found else None
