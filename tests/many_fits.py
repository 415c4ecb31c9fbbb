"""So many fits of all kinds: prints as JSON what the process has grown by."""

import gc
import json
import os
import pickle
import sys

import numpy as np
from scipy import sparse
from tasks import settled_tasks

import fastnn.engine.engine
from fastnn import MLPClassifier, MLPRegressor, NeuralNetClassifier, Sequential
from fastnn.averaging import EMA
from fastnn.callbacks import EarlyStopping
from fastnn.layers import BatchNorm, Dense, Dropout

rng = np.random.default_rng(0)
X = rng.normal(size=(40, 4))
y, labels = X[:, 0], (X[:, 0] > 0) * 1
params = {"max_iter": 2, "batch_size": 20, "random_state": 0}


def squares(target, z):
    return ((z - target) ** 2).sum(axis=1), 2 * (z - target)


def network(number):
    return Sequential([Dense(2 + number % 300, "relu"), BatchNorm(), Dropout(0.1)])


KINDS = [
    lambda n: MLPRegressor(hidden_layer_sizes=(4,), n_jobs=2, **params).fit(X, y),
    # More descriptions of networks than are remembered.
    lambda n: MLPClassifier((1 + n % 300,), n_jobs=1, **params).fit(X, labels),
    lambda n: MLPRegressor(
        hidden_layer_sizes=(4,), solver="lbfgs", max_iter=1, dtype=None, n_jobs=2
    ).fit(X, y),
    lambda n: MLPClassifier((4,), early_stopping=True, n_jobs=2, **params).fit(
        sparse.csr_matrix(X), labels
    ),
    lambda n: NeuralNetClassifier(
        network(n),
        epochs=2,
        n_jobs=2,
        validation=0.2,
        averaging=EMA(),
        early_stopping=EarlyStopping(),
    ).fit(X, labels),
    lambda n: fastnn.NeuralNetRegressor(loss=squares, epochs=1, n_jobs=2).fit(X, y),
    lambda n: pickle.loads(pickle.dumps(trained)).partial_fit(X, labels).predict(X),
    lambda n: refused(MLPRegressor(alpha=-1.0), X, y),
    lambda n: refused(MLPRegressor(learning_rate_init=1e300), X * 1e30, y * 1e30),
]


def resident_bytes():
    # What other files of /proc say is not exact where there are many processors.
    with open("/proc/self/smaps_rollup") as file:
        (line,) = (line for line in file if line.startswith("Rss:"))
    return 1024 * int(line.split()[1])


def refused(model, *data):
    try:
        model.fit(*data)
    except ValueError:
        return
    raise AssertionError("it was accepted")


def fit(numbers):
    for number in numbers:
        KINDS[number % len(KINDS)](number)


def state():
    gc.collect()
    return {
        "bytes": resident_bytes(),
        "objects": len(gc.get_objects()),
        # Helpers end by themselves after a while without a job.
        "threads": settled_tasks(),
        "descriptors": len(os.listdir("/proc/self/fd")),
    }


trained = MLPClassifier((4,), n_jobs=2, **params)

# More than 64 of each kind: what is remembered of networks is full by then.
WARM_UP = 720


def main(n_fits):
    fastnn.engine.engine.OPERATIONS_PER_THREAD = 1  # small steps use threads
    trained.fit(X, labels)
    fit(range(WARM_UP))
    before = state()
    fit(range(WARM_UP, WARM_UP + n_fits))
    after = state()
    print(json.dumps({name: after[name] - before[name] for name in before}))


if __name__ == "__main__":
    main(int(sys.argv[1]))
