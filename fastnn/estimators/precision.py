"""Which precision can be asked for."""

import numpy as np


def check_precision(
    precision: str | None, solver: str, dtype: str | None, computing: np.dtype
) -> None:
    """Refuse less precision for a network that computes in float64.

    Parameters
    ----------
    precision, solver, dtype : str or None
        Parameters of the estimator.
    computing : dtype
        What they, and X, make it compute in.

    Raises
    ------
    ValueError
        If ``precision`` is not None and ``computing`` not float32.
    """
    if precision is None or computing == np.float32:
        return
    if solver == "lbfgs":
        raise ValueError(
            f"precision={precision!r} cannot be used with solver='lbfgs', which "
            "computes in float64: its line search needs exact losses. Set "
            "precision=None, or solver to 'adam' or 'sgd'."
        )
    raise ValueError(
        f"precision={precision!r} is for computing in float32, but dtype={dtype!r} "
        f"makes this fit compute in {computing}. Set dtype='float32', or "
        "precision=None."
    )
