"""``python -m benchmarks.around_fit.memory CASE``: the peak memory of a fit.

What is counted is the resident memory at its peak during a fit, less what the process
had before X was made. Prints one line of JSON. Needs Linux, which can forget the peak
that making X left behind.
"""

import argparse
import json
import warnings
from pathlib import Path

import numpy as np
from scipy import sparse

from fastnn import MLPClassifier

N_CLASSES = 10


def dense():
    """28 million parameters."""
    X = np.random.default_rng(0).standard_normal((2_000, 512), dtype=np.float32)
    return X, X.nbytes, (5_000, 5_000)


def million_columns():
    """32 million parameters, most of them in the first kernel."""
    n_samples, n_columns, per_row = 5_000, 1_000_000, 50
    rng = np.random.default_rng(0)
    columns = rng.integers(0, n_columns, (n_samples, per_row), dtype=np.int32)
    columns.sort(axis=1)
    values = rng.standard_normal(columns.size, dtype=np.float32)
    starts = np.arange(0, columns.size + 1, per_row, dtype=np.int32)
    X = sparse.csr_array(
        (values, columns.ravel(), starts), shape=(n_samples, n_columns)
    )
    X.sum_duplicates()
    n_bytes = X.data.nbytes + X.indices.nbytes + X.indptr.nbytes
    return X, n_bytes, (32,)


CASES = {"dense": dense, "million_columns": million_columns}


def status(name):
    """Bytes that the kernel reports for this process under this name."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return 1024 * int(line.split()[1])
    raise RuntimeError(f"the kernel does not report {name}: this needs Linux")


def measure(case, threads):
    warnings.simplefilter("ignore")
    new_model(1, (4,), 8).fit(np.eye(8, dtype=np.float32), np.arange(8) % 2)
    before = status("VmRSS")
    X, X_bytes, hidden = CASES[case]()
    y = np.arange(X.shape[0]) % N_CLASSES
    Path("/proc/self/clear_refs").write_text("5")  # the peak is now what is resident
    model = new_model(threads, hidden, 200).fit(X, y)
    peak = status("VmHWM") - before
    parameters = sum(w.nbytes for w in (*model.coefs_, *model.intercepts_))
    # Activations and their gradients, and the rows of X unless they are sparse.
    width = 2 * (sum(hidden) + N_CLASSES) + X.shape[1] * (not sparse.issparse(X))
    return {
        "case": case,
        "threads": threads,
        "peak": peak,
        "X": X_bytes,
        "parameters": parameters,
        "batch": 200 * width * 4,
    }


def new_model(threads, hidden, batch_size):
    """Two epochs: from the second on, the start of the epoch is kept."""
    return MLPClassifier(
        hidden,
        batch_size=batch_size,
        max_iter=2,
        n_iter_no_change=2,
        n_jobs=threads,
        random_state=0,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", choices=CASES)
    parser.add_argument("--threads", type=int, default=1)
    print(json.dumps(measure(**vars(parser.parse_args()))))
