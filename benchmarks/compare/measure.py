"""Seconds of a short list of calls, as one line of JSON.

Run as a file, by ``benchmarks.compare``, in a folder where one build of fastnn lies.
Only what every revision has is used.
"""

import json
import sys
import time
import warnings

import numpy as np

import fastnn

SECONDS = 0.25

# Columns, hidden layers, classes (1: regression), rows in a batch, batches, threads.
STEPS = {
    "steps of W1": (10, (100,), 2, 200, 50, 1),
    "steps of W2": (30, (64, 64), 1, 32, 200, 1),
    "steps of W3": (784, (512,), 10, 128, 20, 1),
    "steps of W4": (100, (256, 256, 256), 10, 256, 20, 1),
    "steps of W4, 2 threads": (100, (256, 256, 256), 10, 256, 20, 2),
    "steps of W7": (20, (32,) * 8, 2, 64, 100, 1),
}
ROWS = (1, 1_000)


def new_model(hidden, n_classes, batch_size, threads, epochs):
    estimator = fastnn.MLPRegressor if n_classes == 1 else fastnn.MLPClassifier
    return estimator(
        hidden_layer_sizes=hidden,
        batch_size=batch_size,
        max_iter=epochs,
        n_iter_no_change=epochs,
        random_state=0,
        n_jobs=threads,
    )


def data(n_features, n_classes, n_samples):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n_samples, n_features), dtype=np.float32)
    scores = X @ rng.standard_normal((n_features, n_classes), dtype=np.float32)
    if n_classes == 1:
        return X, scores.ravel()
    return X, scores.argmax(axis=1)


def per_call(call):
    """The fastest of ten groups of calls: what else runs can only slow them down."""
    call()
    start = time.perf_counter()
    call()
    calls = max(1, round(SECONDS / 10 / (time.perf_counter() - start)))
    groups = []
    for _ in range(10):
        start = time.perf_counter()
        for _ in range(calls):
            call()
        groups.append((time.perf_counter() - start) / calls)
    return min(groups)


def calls():
    """Name and function of each timing."""
    for name, (n_features, hidden, n_classes, rows, batches, threads) in STEPS.items():
        X, y = data(n_features, n_classes, rows * batches)
        model = new_model(hidden, n_classes, rows, threads, 5)
        yield name, lambda model=model, X=X, y=y: model.fit(X, y)
        if threads == 1 and n_classes > 1:
            for n in ROWS:
                few = np.resize(X, (n, n_features))
                yield (
                    f"{name.replace('steps', 'predict_proba')}, rows: {n:,}",
                    lambda model=model, few=few: model.predict_proba(few),
                )
    X, y = data(5, 2, 100)
    model = new_model((100,), 2, 100, 1, 1)
    yield "fit, 100 rows, 1 epoch", lambda: model.fit(X, y)


def main(wanted):
    warnings.simplefilter("ignore")
    found = {}
    for name, call in calls():
        if wanted and name not in wanted and not name.startswith("steps"):
            continue
        if wanted and name not in wanted:
            call()  # predict needs a fitted model
            continue
        found[name] = per_call(call)
    print(json.dumps({"seconds": found, "file": fastnn.__file__}))


if __name__ == "__main__":
    main(sys.argv[1:])
