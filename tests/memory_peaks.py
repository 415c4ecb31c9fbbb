"""How many bytes calls of fit and predict take at most: prints them as JSON.

Runs in a process of its own, on Linux, with a C library that gives large arrays back.
"""

import gc
import json

import numpy as np
from scipy import sparse

from fastnn import MLPClassifier, MLPRegressor, NeuralNetRegressor, Sequential
from fastnn.averaging import EMA
from fastnn.layers import BatchNorm, Dense

N_ROWS, N_COLUMNS, N_FEW = 200_000, 20, 20
WIDE, WIDE_LBFGS, TALL = 2000, 700, 200_000


def field(name):
    with open("/proc/self/status") as file:
        (line,) = (line for line in file if line.startswith(name))
    return 1024 * int(line.split()[1])


def peak_of(call):
    gc.collect()
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")  # the peak begins anew
    before = field("VmRSS")
    call()
    return field("VmHWM") - before


def mlp(units, Estimator=MLPRegressor, **params):
    params = {"max_iter": 3, "n_jobs": 1, "random_state": 0, "tol": 0, **params}
    return Estimator(hidden_layer_sizes=units, **params)


def wide(**params):
    return mlp((WIDE, WIDE), **params)


def narrow(**params):
    return mlp((5,), batch_size=5000, **params)


def net(*layers, **params):
    params = {"n_jobs": 1, "random_state": 0, "optimizer": "sgd", **params}
    return NeuralNetRegressor(Sequential(layers), **params)


def forms_of(X, rng):
    """The same size of X in other forms; of sparse ones, a tenth of the numbers."""
    tenth = sparse.csr_array(
        (
            np.ones(10 * N_ROWS),
            np.tile(np.arange(0, 100, 10, dtype=np.int32), N_ROWS),
            np.arange(0, 10 * N_ROWS + 1, 10, dtype=np.int32),
        ),
        shape=(N_ROWS, 100),
    )
    return {
        "float64": X,
        "float32": X.astype(np.float32),
        "Fortran order": np.asfortranarray(X),
        "rows apart": rng.normal(size=(N_ROWS, 2 * N_COLUMNS))[:, ::2],
        "integers": rng.integers(0, 9, X.shape),
        "CSR": tenth,
        "CSC": tenth.tocsc(),
    }


def calls(X, y, forms):
    """What to call, by name, after what first calls load or make once."""
    few = X[:N_FEW], y[:N_FEW]

    def whole(*layers, n_jobs=1):
        network = Dense(50, "relu"), *layers
        return net(*network, epochs=1, batch_size=N_ROWS, n_jobs=n_jobs).fit(X, y)

    for solver in ("adam", "sgd", "lbfgs"):
        mlp((5,), solver=solver).fit(*few).predict(X)
    narrow(early_stopping=True).fit(X, y)
    narrow(n_jobs=2, Estimator=MLPClassifier).fit(X[:9000], y[:9000] > 0)
    trained = wide().fit(*few)
    trained_by_sgd = wide(solver="sgd").fit(*few)
    tall = [mlp((TALL,), n_jobs=n_jobs, max_iter=1).fit(*few) for n_jobs in (1, 2)]
    return {
        "adam": lambda: wide().fit(*few),
        "adam on two threads": lambda: wide(n_jobs=2, batch_size=N_FEW).fit(*few),
        "sgd": lambda: wide(solver="sgd").fit(*few),
        "early stopping": lambda: wide(early_stopping=True).fit(*few),
        "average": lambda: net(
            Dense(WIDE, "relu"), Dense(WIDE, "relu"), epochs=3, averaging=EMA()
        ).fit(*few),
        "float64": lambda: wide(dtype="float64").fit(*few),
        "partial_fit": lambda: trained.partial_fit(*few),
        "partial_fit with sgd": lambda: trained_by_sgd.partial_fit(*few),
        "lbfgs": lambda: mlp((WIDE_LBFGS,) * 2, solver="lbfgs", max_iter=12).fit(*few),
        "held out": lambda: narrow(early_stopping=True).fit(X, y),
        "validation data": lambda: narrow().fit(*few, X_val=X, y_val=y),
        "one mini-batch": whole,
        "one mini-batch on two threads": lambda: whole(n_jobs=2),
        "one whole mini-batch": lambda: whole(BatchNorm()),
        "predict": lambda: narrow().fit(*few).predict(X),
        "predict wide": lambda: tall[0].predict(X[:2000]),
        "predict wide on two threads": lambda: tall[1].predict(X[:2000]),
    } | {f"X, {name}": lambda X=X: narrow().fit(X, y) for name, X in forms.items()}


def main():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(N_ROWS, N_COLUMNS)), rng.normal(size=N_ROWS)
    called = calls(X, y, forms_of(X, rng))
    print(json.dumps({name: peak_of(call) for name, call in called.items()}))


if __name__ == "__main__":
    main()
