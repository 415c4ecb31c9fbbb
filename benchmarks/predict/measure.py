"""``python -m benchmarks.predict.measure LIBRARY NET``: seconds per call.

Run by ``benchmarks.predict`` in fresh processes. Prints one line of JSON.
"""

import argparse
import json
import threading
import time

import numpy as np

from benchmarks.suite.workloads import WORKLOADS
from benchmarks.timing import seconds_per_call

from .libraries import LIBRARIES, fit

ROWS = (1, 1_000, 100_000)


def calls_per_second(call, callers, seconds):
    """What so many Python threads achieve together, all calling the same function."""
    counts = [0] * callers
    together = threading.Barrier(callers + 1)
    stop = threading.Event()

    def work(me):
        together.wait()
        while not stop.is_set():
            call()
            counts[me] += 1

    call()
    threads = [threading.Thread(target=work, args=(me,)) for me in range(callers)]
    for thread in threads:
        thread.start()
    together.wait()
    start = time.perf_counter()
    time.sleep(seconds)
    stop.set()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - start)


def measure(library, net, threads, callers, seconds):
    workload = WORKLOADS[net]
    model = fit(workload, threads)
    predict_proba, version = LIBRARIES[library][0](model, threads)
    X = np.random.default_rng(1).standard_normal(
        (10_000, workload.n_features), dtype=np.float32
    )
    np.testing.assert_allclose(
        predict_proba(X[:100]), model.predict_proba(X[:100]), atol=1e-5
    )
    found = {}
    for rows in ROWS:
        few = np.resize(X, (rows, workload.n_features))
        if callers:
            found[rows] = [
                calls_per_second(lambda few=few: predict_proba(few), n, seconds)
                for n in callers
            ]
        else:
            found[rows] = seconds_per_call(lambda few=few: predict_proba(few), seconds)
    return {
        "library": library,
        "version": version,
        "net": net,
        "threads": threads,
        "found": found,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("library", choices=LIBRARIES)
    parser.add_argument("net", choices=WORKLOADS)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=0.3)
    parser.add_argument(
        "--callers",
        type=int,
        nargs="*",
        default=[],
        help="numbers of Python threads that call at once: calls per second instead",
    )
    print(json.dumps(measure(**vars(parser.parse_args()))))
