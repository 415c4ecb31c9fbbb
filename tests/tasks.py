"""Threads of the process, as the system counts them, and those of BLAS."""

import os
import time

import pytest
from threadpoolctl import threadpool_info

tasks = pytest.mark.skipif(
    not os.path.isdir("/proc/self/task"), reason="needs Linux's list of threads"
)


def n_tasks():
    """Threads of the process, those that Python does not know included."""
    return len(os.listdir("/proc/self/task"))


def settled_tasks():
    """How many threads there are when those of earlier tests have ended."""
    known, since = n_tasks(), time.monotonic()
    while time.monotonic() < since + 0.5:
        if n_tasks() != known:
            known, since = n_tasks(), time.monotonic()
        time.sleep(0.01)
    return known


def wait_for_tasks(expected):
    """Whether there are so many soon: the system takes a moment to forget one."""
    end = time.monotonic() + 5
    while n_tasks() != expected and time.monotonic() < end:
        time.sleep(0.001)
    return n_tasks() == expected


def blas_threads():
    return [
        library["num_threads"]
        for library in threadpool_info()
        if library["user_api"] == "blas"
    ]
