"""The power with which one quantity grows with another."""

import numpy as np


def fitted_exponent(sizes, values):
    """The slope of the least-squares line through the logarithms.

    Parameters
    ----------
    sizes, values : array-like of shape (n,)
        Positive.
    """
    sizes, values = np.asarray(sizes, float), np.asarray(values, float)
    if (sizes <= 0).any() or (values <= 0).any():
        raise ValueError(
            "sizes and values must be positive: is the overhead larger than a time?"
        )
    slope, _ = np.polyfit(np.log(sizes), np.log(values), 1)
    return float(slope)
