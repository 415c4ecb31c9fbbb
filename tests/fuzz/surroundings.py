"""What a call must leave as it was: modes, limits, threads, filters, its arguments."""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController

from fuzz.faults import FASTNN, require

# Threads of ours that may still be on their way home.
MORE_THREADS = 16

_LIBRARIES = ThreadpoolController().lib_controllers
_N_THREADS = len(os.listdir("/proc/self/task")) if os.path.exists("/proc") else 0
_TINY = np.array([1e-40], np.float32)


def _limits() -> list[int]:
    return [library.num_threads for library in _LIBRARIES]


@contextmanager
def unchanged(*arguments: Any) -> Iterator[None]:
    """Check that a call changes none of it, and warns of nothing by accident."""
    errors, limits = np.geterr(), _limits()
    arrays = [each for each in arguments if type(each) is np.ndarray]
    bytes_before = [each.tobytes() for each in arrays if not each.dtype.hasobject]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        filters = list(warnings.filters)
        yield
        require(warnings.filters == filters, "filters", "warning filters have changed")
    require(np.geterr() == errors, "errors", f"{errors} became {np.geterr()}")
    require(_limits() == limits, "BLAS", f"limits {limits} became {_limits()}")
    require((_TINY * np.float32(0.5))[0] != 0, "denormals", "are flushed to zero")
    after = [each.tobytes() for each in arrays if not each.dtype.hasobject]
    require(after == bytes_before, "arguments", "an array that was passed has changed")
    for each in caught:
        accident = issubclass(each.category, RuntimeWarning | DeprecationWarning)
        require(
            not (accident and each.filename.startswith(FASTNN)),
            f"warning at {os.path.basename(each.filename)}:{each.lineno}",
            f"{each.category.__name__}: {each.message}",
        )


def check_threads() -> None:
    """Check that no threads add up."""
    if _N_THREADS:
        now = len(os.listdir("/proc/self/task"))
        require(
            now <= _N_THREADS + MORE_THREADS,
            "threads",
            f"{now} threads, {_N_THREADS} at the start",
        )
