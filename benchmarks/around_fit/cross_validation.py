"""``python -m benchmarks.around_fit.cross_validation LIBRARY``: one measurement.

``cross_val_score(cv=5)`` of W1's net with 20 epochs, in float32: the first call, which
starts joblib's worker processes, and the median of the next ones, with the processor
time that this process and its workers used meanwhile.
"""

import argparse
import json
import os
import time
import warnings
from pathlib import Path
from statistics import median

from sklearn import neural_network
from sklearn.model_selection import cross_val_score

import fastnn
from benchmarks.suite.workloads import WORKLOADS

LIBRARIES = {"sklearn": neural_network, "fastnn": fastnn}


def processor_seconds():
    """Used so far by this process and its living descendants, where Linux tells."""
    if not Path("/proc/self/stat").exists():
        return float("nan")
    parents, seconds = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has ended meanwhile
        parents[int(folder.name)] = int(fields[1])
        ticks = int(fields[11]) + int(fields[12])
        seconds[int(folder.name)] = ticks / os.sysconf("SC_CLK_TCK")
    family = {os.getpid()}
    while grown := {pid for pid in parents if parents[pid] in family} - family:
        family |= grown
    return sum(seconds.get(pid, 0) for pid in family)


def measure(library, n_jobs, seconds):
    # The workers are to keep quiet too; they read this variable.
    os.environ["PYTHONWARNINGS"] = "ignore"
    warnings.simplefilter("ignore")
    workload = WORKLOADS["W1"]
    X, y = workload.data()
    model = LIBRARIES[library].MLPClassifier(
        workload.hidden,
        batch_size=workload.batch_size,
        max_iter=20,
        n_iter_no_change=20,
        random_state=0,
    )
    calls, cores, scores = [], [], []
    finish = time.perf_counter() + seconds
    while len(calls) < 4 or time.perf_counter() < finish:
        before, start = processor_seconds(), time.perf_counter()
        scores.append(cross_val_score(model, X, y, cv=5, n_jobs=n_jobs).mean())
        calls.append(time.perf_counter() - start)
        cores.append((processor_seconds() - before) / calls[-1])
    return {
        "library": library,
        "n_jobs": n_jobs,
        "first": calls[0],
        "warm": median(calls[1:]),
        "cores": median(cores[1:]),
        "score": scores[0],
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("library", choices=LIBRARIES)
    parser.add_argument("--n-jobs", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=2.0)
    print(json.dumps(measure(**vars(parser.parse_args()))))
