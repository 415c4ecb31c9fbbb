"""Measurements in fresh processes, so that none helps or hurts another."""

import json
import os
import subprocess
import sys
from contextlib import contextmanager

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)


class MeasurementFailed(RuntimeError):
    """A measuring process ended with an error; its last lines are the message."""


def measure(module, *arguments, threads=1, cores=None):
    """What ``python -m module arguments`` prints last: one line of JSON.

    The BLAS and OpenMP variables say ``threads``, and the process is pinned to as many
    cores, or to ``cores``, where the system can. With ``threads=None`` both are left as
    they are.
    """
    command = [sys.executable, "-m", module, *map(str, arguments)]
    variables = dict.fromkeys(THREAD_VARIABLES, str(threads)) if threads else {}
    with pinned(cores or threads):
        process = subprocess.Popen(
            command,
            env=os.environ | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    output, errors = process.communicate()
    if process.returncode:
        last = "\n".join(errors.strip().splitlines()[-5:])
        raise MeasurementFailed(f"{' '.join(command[2:])} failed:\n{last}")
    return json.loads(output.strip().splitlines()[-1])


@contextmanager
def pinned(cores):
    """Processes started in this block keep to the last so many cores of this one's."""
    if not cores or not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(before)[-cores:])
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
