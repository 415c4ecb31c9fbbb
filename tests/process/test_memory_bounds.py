"""What fit and predict take, in bytes: the formulas of the user guide, measured.

FASTNN_TEST_FITS is how many fits in one process must leave it as it was.
"""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

MIB = 2**20
N_FITS = int(os.environ.get("FASTNN_TEST_FITS", 1000))
SCRIPTS = Path(__file__).resolve().parents[1]

pytestmark = pytest.mark.skipif(
    not os.access("/proc/self/clear_refs", os.W_OK), reason="needs Linux' accounts"
)


def run(script, arguments):
    """What a script prints in a process of its own, read as JSON."""
    # Large arrays go back to the system when they are freed, whatever was before.
    threshold = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}
    command = [
        sys.executable,
        "-W",
        "ignore",
        str(SCRIPTS / script),
        *map(str, arguments),
    ]
    done = subprocess.run(
        command, capture_output=True, text=True, env=os.environ | threshold
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def printed():
    """By both scripts, which run side by side."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(run, ["memory_peaks.py", "many_fits.py"], [(), (N_FITS,)]))


@pytest.fixture(scope="module")
def peaks(printed):
    return printed[0]


def parameters(units, inputs=20):
    """Numbers of weights and biases, in MiB of float32."""
    return (inputs * units + units * units + units + 2 * units + 1) * 4 / MIB


N = 200_000 / MIB  # rows, in Mi
WIDE = parameters(2000)
X = 20 * 8 * N
CSR = 10 * 12 * N
ORDER_AND_TARGETS = (8 + 4) * N
HELD_OUT = X + (3 * 8 + 4 + 8) * N  # with numbers of rows, targets as given and encoded

# What the guide says, in MiB, beside X, y and what was there before the call.
EXPECTED = {
    "adam": (2 + 6) * WIDE,
    "adam on two threads": (2 + 6 + 1) * WIDE,
    "sgd": (2 + 4) * WIDE,
    "early stopping": (2 + 6 + 1) * WIDE,
    "average": (2 + 4 + 2) * WIDE,
    "float64": 2 * (2 + 6) * WIDE,
    "partial_fit": (2 + 2) * WIDE,
    "partial_fit with sgd": (2 + 1) * WIDE,
    "held out": HELD_OUT + ORDER_AND_TARGETS,
    "one mini-batch": 32 + ORDER_AND_TARGETS,
    "one mini-batch on two threads": 32 + ORDER_AND_TARGETS,
    # A copy of the mini-batch, and what its layers make of it.
    "one whole mini-batch": 4 * (20 + 2 * 50 + 1) * N + ORDER_AND_TARGETS,
    "X, integers": X / 2 + ORDER_AND_TARGETS,
    "X, CSC": CSR + ORDER_AND_TARGETS,
    "predict wide": 32,
    "predict wide on two threads": 2 * 32,
}
# Where most of it depends on what SciPy does, or all of it is little.
AT_MOST = {
    "lbfgs": 2 * 48 * parameters(700),
    "validation data": (8 + 4) * N,
    "predict": 8 * N,
    **{
        f"X, {form}": ORDER_AND_TARGETS
        for form in ("float64", "float32", "Fortran order", "rows apart", "CSR")
    },
}


@pytest.mark.parametrize("name", EXPECTED)
def test_peaks(name, peaks):
    peak, expected = peaks[name] / MIB, EXPECTED[name]
    assert 0.7 * expected < peak < 1.05 * expected + 8


@pytest.mark.parametrize("name", AT_MOST)
def test_upper_bounds(name, peaks):
    assert peaks[name] / MIB < AT_MOST[name] + 8


def test_every_peak_has_its_formula(peaks):
    assert set(peaks) == {*EXPECTED, *AT_MOST}


def test_many_fits_leave_the_process_as_it_was(printed):
    grown = printed[1]
    assert grown.pop("bytes") < 2 * MIB, grown
    # Python's objects: what is counted by now came and went some hundred times.
    assert grown.pop("objects") < 200
    assert grown == {"threads": 0, "descriptors": 0}
