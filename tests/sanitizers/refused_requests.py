"""Memory, locks and threads are refused one after another, in a build of instrument.py.

Whatever is refused, a call raises MemoryError or gives what it gives otherwise, and the
estimator, the process and its memory are as they were.
"""

import gc

import numpy as np
import pytest
from refusals import LIBRARY, Refusals
from scipy import sparse
from test_interrupts import FITS, X, curves_of, float_mode, y
from test_threads import blas_threads, n_tasks, wait_for_tasks

from fastnn import MLPClassifier, MLPRegressor, NeuralNetClassifier, NeuralNetRegressor
from fastnn.averaging import EMA
from fastnn.constraints import MaxNorm
from fastnn.layers import BatchNorm, Dense, Dropout, LayerNorm, PReLU
from fastnn.network import Sequential

pytestmark = [
    pytest.mark.skipif(LIBRARY is None, reason="python tests/sanitizers runs it"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]


def squared_error(target, z):
    return ((z - target) ** 2).sum(axis=1) / 2, z - target


def meeting(n_jobs):
    layers = [
        Dense(4, "relu", kernel_constraint=MaxNorm(1.0)), BatchNorm(), Dropout(0.1),
        PReLU(), LayerNorm(),
    ]  # fmt: skip
    return NeuralNetClassifier(
        Sequential(layers), epochs=2, averaging=EMA(), n_jobs=n_jobs, random_state=0
    )


SHARED = {"max_iter": 2, "random_state": 0}
MODELS = {
    **FITS,
    "meetings": lambda: meeting(3),
    "custom loss": lambda: NeuralNetRegressor(
        loss=squared_error, epochs=2, n_jobs=2, random_state=0
    ),
    "bf16": lambda: MLPClassifier(
        (40, 40), precision="bf16", batch_size=50, n_jobs=2, **SHARED
    ),
    "wide": lambda: MLPClassifier((600,), n_jobs=2, dtype="float64", **SHARED),
    "lbfgs of two layers": lambda: MLPRegressor(
        hidden_layer_sizes=(5, 3), solver="lbfgs", **SHARED
    ),
}
SPARSE = sparse.csr_array(np.where(abs(X) > 0.5, X, 0))


def fit(model, X):
    model.fit(X, y)
    return model


def partial_fit(model, X):
    model.partial_fit(X, y, X_val=X[:9], y_val=y[:9])
    return model


def predict(model, X):
    stack = sparse.vstack if sparse.issparse(X) else np.vstack
    return model.predict(stack([X] * 8))  # for more threads than one


CALLS = [fit, partial_fit, predict]
CASES = [
    (name, call, form)
    for name in MODELS
    for call in CALLS
    for form in ("dense", "sparse", "float32, in Fortran order")
    if not (name.startswith("lbfgs") and call is partial_fit)
]


@pytest.fixture(autouse=True)
def _many_threads(monkeypatch):
    monkeypatch.setattr("fastnn.engine.OPERATIONS_PER_THREAD", 1)
    monkeypatch.setattr("fastnn.predictor.OPERATIONS_PER_THREAD", 1)


@pytest.fixture(params=["of the core", "of arrays"])
def refusals(request):
    """Refuses what the core asks for itself, or what NumPy asks for as well."""
    found = Refusals()
    if request.param == "of arrays":
        with found.of_arrays():
            yield found
    else:
        yield found


def state_of(model):
    """What a refused call leaves alone."""
    fitted = model._fitted
    curves = [[list(each) for each in of_kind] for of_kind in curves_of(model)]
    return id(fitted), fitted.parameters.tobytes(), curves, sorted(vars(model))


def outcome(result):
    return result if isinstance(result, np.ndarray) else result._fitted.parameters


@pytest.mark.parametrize(("name", "call", "form"), CASES)
def test_whatever_is_refused(name, call, form, refusals):
    data = {"dense": X, "sparse": SPARSE}.get(form, np.asfortranarray(X, np.float32))

    def fitted():
        return fit(MODELS[name](), data)

    expected = outcome(call(fitted(), data))  # what a thread keeps is there from now on
    model = fitted()
    refusals.count()
    call(model, data)
    n_requests = refusals.asked
    assert n_requests
    limits, mode, tasks = blas_threads(), float_mode(), n_tasks()
    del model
    gc.collect()
    assert wait_for_tasks(tasks)
    rooms = refusals.rooms
    for n in range(1, n_requests + 1):
        model = fitted()
        before, predictions = state_of(model), model.predict(data)
        refusals.refuse(n)
        try:
            result = call(model, data)
        except MemoryError as error:
            error.__traceback__ = None
            refusals.count()
            assert state_of(model) == before
            np.testing.assert_array_equal(model.predict(data), predictions)
        else:
            refusals.count()
            # Without room for copies, products add up in another order.
            np.testing.assert_allclose(outcome(result), expected, rtol=1e-3, atol=1e-4)
            del result
        assert blas_threads() == limits
        assert float_mode() == mode
        del model
    gc.collect()
    assert wait_for_tasks(tasks)
    assert refusals.rooms == rooms
