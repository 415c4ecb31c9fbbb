"""Threads: how many a fit may use, and keeping those of BLAS out of the way."""

import ctypes
import os
from functools import cache
from itertools import product
from numbers import Integral
from typing import Any

from joblib import effective_n_jobs
from sklearn.utils._openmp_helpers import _openmp_effective_n_threads
from threadpoolctl import ThreadpoolController

from fastnn.engine.cpu import blas_threads


def effective_n_threads(n_jobs: int | None) -> int:
    """Number of threads that ``n_jobs`` asks for.

    Parameters
    ----------
    n_jobs : int or None
        None takes what OpenMP's settings, the process' affinity and joblib's limits on
        nested parallelism allow, as scikit-learn's own threaded estimators do. A
        positive number is taken as it is. Negative ones count back from all processors
        that the process may use, by its affinity and by joblib's rules: -1 means all of
        them, -2 all but one, and so on.

    Returns
    -------
    n_threads : int
        At least 1.

    Raises
    ------
    ValueError
        If n_jobs is 0 or no integer.

    Examples
    --------
    >>> from fastnn.engine.threads import effective_n_threads
    >>> effective_n_threads(2)
    2
    """
    if n_jobs is None:
        return max(1, min(_openmp_effective_n_threads(), effective_n_jobs(-1)))
    if not isinstance(n_jobs, Integral) or n_jobs == 0:
        raise ValueError(
            "n_jobs must be None, a positive number of threads, or negative to count "
            f"from the number of processors down (-1: all); got {n_jobs!r}"
        )
    return effective_n_jobs(int(n_jobs)) if n_jobs < 0 else int(n_jobs)


def threads_for(n_jobs: int | None, most: int) -> int:
    """Threads for work that can be shared by so many at most.

    Looking up what ``n_jobs=None`` allows takes longer than a small step, so that is
    only done where there is a choice.
    """
    return min(most, effective_n_threads(n_jobs)) if most > 1 else 1


# How the libraries that threadpoolctl finds name their getters and setters.
_FUNCTIONS = {
    "openblas": ("openblas_get_num_threads", "openblas_set_num_threads"),
    "mkl": ("MKL_Get_Max_Threads", "MKL_Set_Num_Threads"),
    "blis": ("bli_thread_get_num_threads", "bli_thread_set_num_threads"),
    "flexiblas": ("flexiblas_get_num_threads", "flexiblas_set_num_threads"),
}
_PREFIXES = ("", "scipy_")
_SUFFIXES = ("", "64_", "_64")


@cache
def find_blas() -> None:
    """Have the BLAS libraries held at one thread while training computes.

    Those that are loaded by now: SciPy's is among them.
    """
    addresses = []
    for library in ThreadpoolController().lib_controllers:
        get, set_ = _FUNCTIONS.get(library.internal_api, ("", ""))
        for prefix, suffix in product(_PREFIXES, _SUFFIXES):
            names = f"{prefix}{get}{suffix}", f"{prefix}{set_}{suffix}"
            if get and all(hasattr(library.dynlib, name) for name in names):
                addresses.append(tuple(_address(library, name) for name in names))
                break
    blas_threads.watch(addresses)
    # A forked child starts without the fits that its parent was in.
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=blas_threads.forget_holders)


def _address(library: Any, name: str) -> int:
    function = getattr(library.dynlib, name)
    address = ctypes.cast(function, ctypes.c_void_p).value
    assert address is not None  # a function that was found has one
    return address
