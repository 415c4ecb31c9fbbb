"""Time steps while moments of the optimizer decay into denormal numbers.

    python -m benchmarks.denormals

A net is trained on a few batches in which every column is active, and then for
thousands of steps on columns that are constant, zero or one-hot codes that no longer
occur, without a penalty: the gradients of most of the first kernel are zero, so its
moments shrink by a tenth a step, into the denormal numbers, where rounding keeps them.
scikit-learn is trained beside it, to show that the data provoke it. Each library runs
in fresh processes.
"""

import json
import sys
import time
import warnings
from statistics import median

import numpy as np
from sklearn import neural_network

import fastnn
from benchmarks import fresh
from benchmarks.options import new_parser, run
from benchmarks.tables import at_most, duration, table

LIBRARIES = {"sklearn": neural_network, "fastnn": fastnn}
BATCH_SIZE = 50
STEPS_PER_CALL = 40
N_COLUMNS, N_ACTIVE = 1_000, 50


def data():
    """Rows of which all columns are active, and rows of which most are not."""
    rng = np.random.default_rng(0)
    n_samples = STEPS_PER_CALL * BATCH_SIZE
    active = rng.standard_normal((n_samples, N_COLUMNS), dtype=np.float32)
    idle = np.zeros_like(active)
    idle[:, :N_ACTIVE] = active[:, :N_ACTIVE]  # one-hot codes follow, which never occur
    idle[:, N_ACTIVE] = 1
    y = (active[:, :N_ACTIVE].sum(axis=1) > 0).astype(int)
    return active, idle, y


def measure(library, n_calls):
    """Seconds per step, of each call of partial_fit."""
    active, idle, y = data()
    model = LIBRARIES[library].MLPClassifier(
        (256,), alpha=0.0, batch_size=BATCH_SIZE, shuffle=False, random_state=0
    )
    model.partial_fit(active, y, classes=[0, 1])
    model.partial_fit(idle, y)
    seconds = []
    for _ in range(n_calls):
        start = time.perf_counter()
        model.partial_fit(idle, y)
        seconds.append((time.perf_counter() - start) / STEPS_PER_CALL)
    return {"library": library, "seconds": seconds, "denormal": n_denormal(model)}


def n_denormal(model):
    """How many first moments of scikit-learn's optimizer are denormal."""
    optimizer = getattr(model, "_optimizer", None)
    if optimizer is None:
        return None
    moments = np.concatenate([m.ravel() for m in optimizer.ms])
    tiny = np.finfo(moments.dtype).tiny
    return int(np.count_nonzero((moments != 0) & (abs(moments) < tiny)))


def report(results):
    rows = []
    for library in LIBRARIES:
        found = [result for result in results if result["library"] == library]
        starts, ends = [], []
        for result in found:
            tenth = max(1, len(result["seconds"]) // 10)
            starts.append(median(result["seconds"][:tenth]))
            ends.append(median(result["seconds"][-tenth:]))
        ratio = median(ends) / median(starts)
        denormal = found[0]["denormal"]
        rows.append(
            [
                library,
                duration(median(starts)),
                duration(median(ends)),
                at_most(ratio, 1.1) if library == "fastnn" else f"{ratio:.2f}",
                "-" if denormal is None else f"{denormal:,}",
            ]
        )
    n_steps = STEPS_PER_CALL * len(results[0]["seconds"])
    head = ["", "a step at first", "at last", "ratio", "denormal moments at last"]
    lines = [f"Time per step over {n_steps:,} steps, columns that fall idle:", ""]
    return ["", *lines, *table(head, rows)]


def main(arguments=None):
    parser = new_parser("benchmarks.denormals", __doc__)
    parser.add_argument("--repeats", type=int, default=3, help="fresh processes, each")
    parser.add_argument("--calls", type=int, default=100, help="of 40 steps each")
    parser.add_argument("--library", choices=LIBRARIES, help="measure one, print JSON")
    chosen = parser.parse_args(arguments)
    if chosen.library:
        warnings.simplefilter("ignore")
        print(json.dumps(measure(chosen.library, chosen.calls)))
        return

    def every():
        results = []
        for _ in range(chosen.repeats):
            for library in LIBRARIES:
                print(library, file=sys.stderr)
                results.append(
                    fresh.measure(
                        "benchmarks.denormals",
                        *("--library", library, "--calls", chosen.calls),
                    )
                )
        return results

    run(chosen, every, report)


if __name__ == "__main__":
    main()
