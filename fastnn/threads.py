"""Threads: how many a fit may use, and keeping those of BLAS out of the way."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from joblib import effective_n_jobs
from sklearn.utils._openmp_helpers import _openmp_effective_n_threads
from threadpoolctl import ThreadpoolController


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
        If n_jobs is 0.

    Examples
    --------
    >>> from fastnn.threads import effective_n_threads
    >>> effective_n_threads(2)
    2
    """
    if n_jobs is None:
        return max(1, min(_openmp_effective_n_threads(), effective_n_jobs(-1)))
    if n_jobs == 0:
        raise ValueError(
            "n_jobs must be None, a positive number of threads, or negative to count "
            "from the number of processors down (-1: all); got 0"
        )
    return effective_n_jobs(int(n_jobs)) if n_jobs < 0 else int(n_jobs)


def threads_for(n_jobs: int | None, most: int) -> int:
    """Threads for work that can be shared by so many at most.

    Looking up what ``n_jobs=None`` allows takes longer than a small step, so that is
    only done where there is a choice.
    """
    return min(most, effective_n_threads(n_jobs)) if most > 1 else 1


class _SingleThreadedBlas:
    """Holds every BLAS library of the process at one thread while anybody needs it.

    Their own threads spin while they wait and take the processors from ours. The limit
    is one for the process, so overlapping fits count in and out: the first one in sets
    it, and the last one out puts back what the first one found.
    """

    def __init__(self) -> None:
        self._start_afresh()
        # A forked child starts without the fits that its parent was in, and without
        # the thread that may have held the lock.
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._after_fork)

    def _start_afresh(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._controller: ThreadpoolController | None = None
        self._limiter: Any = None

    def _after_fork(self) -> None:
        if self._limiter is not None:
            self._limiter.restore_original_limits()
        self._start_afresh()

    @contextmanager
    def __call__(self) -> Iterator[None]:
        with self._lock:
            if self._users == 0:
                if self._controller is None:
                    self._controller = ThreadpoolController()
                self._limiter = self._controller.limit(limits=1, user_api="blas")
            self._users += 1
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if self._users == 0:
                    self._limiter.restore_original_limits()
                    self._limiter = None


single_threaded_blas = _SingleThreadedBlas()
