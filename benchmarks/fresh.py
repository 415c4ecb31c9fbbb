"""Measurements in fresh processes, so that none helps or hurts another."""

import json
import os
import subprocess
import sys

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
    done = subprocess.run(
        command,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        preexec_fn=lambda: pin(cores or threads),
    )
    if done.returncode:
        last = "\n".join(done.stderr.strip().splitlines()[-5:])
        raise MeasurementFailed(f"{' '.join(command[2:])} failed:\n{last}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def pin(cores):
    """Keep this process, and what it starts, on the last cores it may use."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-(cores or 0) :])
