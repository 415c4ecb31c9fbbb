"""What ``precision=`` costs in accuracy and gains in speed, as tables.

    python -m benchmarks.precision accuracy    # paired fits on four data sets
    python -m benchmarks.precision steps       # training of the workloads
    python -m benchmarks.precision products    # the products of their steps

The data sets are no part of the project: ``--data`` or the environment variable
FASTNN_TEST_DATA names the folder that holds them.
"""

import argparse
import os
import time
import warnings
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import as_strided
from scipy.linalg.blas import sgemm
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from benchmarks.machine import describe_machine
from benchmarks.peers import fastnn as ours
from benchmarks.suite.workloads import WORKLOADS
from fastnn import MLPClassifier, MLPRegressor
from fastnn.engine.cpu.blas import matrix_product
from fastnn.engine.cpu.precision import PRECISIONS, matrix_unit

LARGE = ("W3", "W4", "W5")


@dataclass(frozen=True)
class Task:
    hidden: tuple[int, ...]
    batch_size: int
    epochs: int


TASKS = {
    "fashion_mnist": Task((512,), 128, 10),
    "letter": Task((256, 256), 128, 30),
    "spambase": Task((128, 128), 64, 20),
    "ccpp": Task((128, 128), 64, 30),
}


# ----------------------------------------------------------------------------- accuracy


def load(folder, name):
    """X, y and the number of rows of the official training part, or 0."""
    with np.load(Path(folder) / f"{name}.npz", allow_pickle=False) as arrays:
        y, n_train = arrays["y"], int(arrays["n_train"])
        if "X_img" in arrays:
            return arrays["X_img"].reshape(len(y), -1) / np.float32(255), y, n_train
        return arrays["X_num"], y, n_train


def parts(X, y, n_train, seed):
    """Training and test data: the official ones, or standardized ones by the seed."""
    if n_train:
        return X[:n_train], X[n_train:], y[:n_train], y[n_train:]
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=seed)
    scaler = StandardScaler().fit(X_train)
    if y.dtype.kind == "f":
        mean, std = y_train.mean(), y_train.std()
        y_train, y_test = (y_train - mean) / std, (y_test - mean) / std
    return scaler.transform(X_train), scaler.transform(X_test), y_train, y_test


def score(data, task, precision, seed):
    """Score of one fit, in hundredths, and the precision that ran."""
    X_train, X_test, y_train, y_test = data
    Estimator = MLPRegressor if y_train.dtype.kind == "f" else MLPClassifier
    model = Estimator(
        hidden_layer_sizes=task.hidden,
        batch_size=task.batch_size,
        max_iter=task.epochs,
        n_iter_no_change=task.epochs,  # never stops before max_iter
        random_state=seed,
        precision=precision,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "maximum iterations reached" is the point
        model.fit(X_train, y_train)
    return 100 * model.score(X_test, y_test), model.precision_


def compare(X, y, n_train, task, precision, n_seeds):
    """Scores with float32 and with the precision, of shape (2, n_seeds), and its name.

    Both fits of a seed have the same weights, orders and parts of the data at first.
    """
    scores, names = np.empty((2, n_seeds)), set()
    for seed in range(n_seeds):
        data = parts(X, y, n_train, seed)
        scores[0, seed], _ = score(data, task, None, seed)
        scores[1, seed], name = score(data, task, precision, seed)
        names.add(name)
    return scores, "/".join(sorted(names))


def accuracy(folder, names, n_seeds):
    yield f"Scores (accuracy in %, or 100 R2) of {n_seeds} paired fits:"
    yield ""
    yield (
        "| data | hidden | asked for | ran | float32 | this | difference | "
        "standard error |"
    )
    yield "| --- | --- | --- | --- | ---: | ---: | ---: | ---: |"
    for name in names:
        for precision in PRECISIONS:
            if matrix_unit(precision) is None:
                continue
            task = TASKS[name]
            scores, ran = compare(*load(folder, name), task, precision, n_seeds)
            difference = scores[1] - scores[0]
            error = difference.std(ddof=1) / np.sqrt(n_seeds)
            means = scores.mean(axis=1)
            yield (
                f"| {name} | {task.hidden} | {precision} | {ran} | {means[0]:.2f} | "
                f"{means[1]:.2f} | {difference.mean():+.2f} | {error:.2f} |"
            )


# -------------------------------------------------------------------------------- speed


def samples_per_second(workload, data, precision, threads, seconds):
    """Of an epoch: the time of a long fit less that of a short one."""

    train = ours.prepare(workload, *data, threads)

    def fit(epochs):
        return train(epochs, precision=precision)[0]

    fit(1)
    short = min(fit(1) for _ in range(2))
    epochs = max(1, round(seconds / short))
    return workload.n_samples * epochs / (fit(1 + epochs) - short)


def steps(names, threads, repeats, seconds):
    available = [None, *(p for p in PRECISIONS if matrix_unit(p))]
    yield f"Samples per second of training, median of {repeats} (ratio to float32):"
    yield ""
    yield f"| | threads | {' | '.join(p or 'float32' for p in available)} |"
    yield f"| --- | --- | {' | '.join('---:' for _ in available)} |"
    for name in names:
        data = WORKLOADS[name].data()
        for count in threads:
            speeds = [
                [
                    samples_per_second(WORKLOADS[name], data, p, count, seconds)
                    for p in available
                ]
                for _ in range(repeats)
            ]
            medians = np.median(speeds, axis=0)
            cells = [f"{each:,.0f} ({each / medians[0]:.2f})" for each in medians]
            yield f"| {name} | {count} | {' | '.join(cells)} |"


def products_of(workload):
    """(m, n, k, which are transposed) of the products of a step."""
    widths = [workload.n_features, *workload.hidden, workload.n_classes]
    for i, (before, after) in enumerate(pairwise(widths)):
        yield workload.batch_size, after, before, (False, False)
        yield before, after, workload.batch_size, (True, False)
        if i:
            yield workload.batch_size, before, after, (False, True)


def fastest(work, repeats=10):
    """Seconds that a call takes at best."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


class Product:
    """One product of a step, taken by whoever."""

    def __init__(self, m, n, k, turned):
        rng = np.random.default_rng(0)
        self.turned = turned
        self.a = rng.standard_normal((k, m) if turned[0] else (m, k), np.float32)
        self.b = rng.standard_normal((n, k) if turned[1] else (k, n), np.float32)
        self.c = np.empty((m, n), np.float32)
        self.operations = 2 * m * n * k
        self.at_once = min(1000, 1 + 10**9 // self.operations)

    def blas(self):
        """Seconds of SciPy's BLAS."""
        # Fortran order: the transposed product of the transposed operands.
        a, b, c = self.a.T, self.b.T, self.c.T
        turned = {"trans_a": self.turned[1], "trans_b": self.turned[0]}

        def work():
            for _ in range(self.at_once):
                sgemm(1, b, a, 0, c, overwrite_c=True, **turned)

        with threadpool_limits(1, user_api="blas"):
            return fastest(work) / self.at_once

    def ours(self, precision):
        """Seconds of our kernels, many in one call as in an epoch."""
        a, b, c = (
            as_strided(x, (self.at_once, *x.shape), (0, *x.strides))
            for x in (self.a, self.b, self.c)
        )
        options = {"transpose_a": self.turned[0], "transpose_b": self.turned[1]}

        def work():
            matrix_product(a, b, c, precision=precision, **options)

        return fastest(work) / self.at_once


def products(names):
    available = [p for p in PRECISIONS if matrix_unit(p)]
    head = ["SciPy BLAS", "float32", *available]
    yield "GFLOP/s of a step's products on one thread, at best:"
    yield ""
    yield f"| | m x n x k | {' | '.join(head)} |"
    yield f"| --- | --- | {' | '.join('---:' for _ in head)} |"
    for name in names:
        for m, n, k, turned in dict.fromkeys(products_of(WORKLOADS[name])):
            product = Product(m, n, k, turned)
            times = [product.blas(), *(product.ours(p) for p in (None, *available))]
            cells = [f"{1e-9 * product.operations / each:.0f}" for each in times]
            letters = "".join("NT"[each] for each in turned)
            yield f"| {name} | {m} x {n} x {k} {letters} | {' | '.join(cells)} |"


def main(arguments=None):
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.precision",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("table", choices=["accuracy", "steps", "products"])
    parser.add_argument("--data", default=os.environ.get("FASTNN_TEST_DATA"))
    parser.add_argument("--only", help="such as letter,ccpp, or W3,W4")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--threads", default="1,2", help="such as 1 or 1,2")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each training")
    chosen = parser.parse_args(arguments)
    known = TASKS if chosen.table == "accuracy" else LARGE
    names = chosen.only.split(",") if chosen.only else list(known)
    if unknown := sorted(set(names) - set(known)):
        parser.error(f"{', '.join(unknown)}: choose from {', '.join(known)}")
    if chosen.table == "accuracy":
        if chosen.data is None:
            parser.error("--data must name the folder that holds the data sets")
        lines = accuracy(chosen.data, names, chosen.seeds)
    elif chosen.table == "steps":
        threads = [int(count) for count in chosen.threads.split(",")]
        lines = steps(names, threads, chosen.repeats, chosen.seconds)
    else:
        lines = products(names)
    for precision in PRECISIONS:
        print(f"- {precision}: {matrix_unit(precision) or 'float32 in its place'}")
    for line in [*describe_machine(), ""]:
        print(line)
    for line in lines:
        print(line, flush=True)


if __name__ == "__main__":
    main()
