"""Ctrl-C and other exceptions between any two lines of a call.

A handler of a signal raises where the interpreter happens to be. Whatever it has done
until then, the call comes back, leaves no thread, limit or mode behind, and the estimator
is as it was before or as an interrupted fit leaves it.
"""

import os
import signal
import sys
import threading
import time
import warnings
from itertools import count

import numpy as np
import pytest
from sklearn.datasets import load_iris
from test_threads import blas_threads, n_tasks, tasks, wait_for_tasks

import fastnn
from fastnn import MLPClassifier, MLPRegressor, NeuralNetClassifier, Sequential
from fastnn.averaging import EMA
from fastnn.callbacks import EarlyStopping
from fastnn.layers import BatchNorm, Dense, Dropout

PACKAGE = os.path.dirname(fastnn.__file__)
X, y = load_iris(return_X_y=True)
X = (X - X.mean(axis=0)) / X.std(axis=0)

FITS = {
    "adam": lambda: MLPClassifier((5,), max_iter=2, random_state=0),
    "early stopping": lambda: MLPRegressor(
        (5,), max_iter=2, early_stopping=True, random_state=0
    ),
    "lbfgs": lambda: MLPRegressor((3,), solver="lbfgs", max_iter=2, random_state=0),
    "threads": lambda: MLPClassifier((5,), max_iter=2, n_jobs=2, random_state=0),
    "network": lambda: NeuralNetClassifier(
        Sequential([Dense(4, "relu"), BatchNorm(), Dropout(0.1)]),
        epochs=2,
        validation=0.2,
        averaging=EMA(),
        early_stopping=EarlyStopping(),
        random_state=np.random.RandomState(0),
    ),
}
CALLS = {
    "fit": lambda model: model.fit(X, y),
    "partial_fit": lambda model: model.partial_fit(X, y),
}


class Raise:
    """Raises an exception on the n-th line of the package, if there are so many."""

    def __init__(self, error, n):
        self.error, self.left = error, n
        self.raised = False

    def __call__(self, frame, event, argument):
        if not frame.f_code.co_filename.startswith(PACKAGE):
            return None
        return self.line

    def line(self, frame, event, argument):
        if event == "line":
            self.left -= 1
            if self.left == 0:
                sys.settrace(None)
                self.raised = True
                raise self.error
        return self.line

    def during(self, call, *arguments):
        """The exception that comes out of a call, if one does."""
        before = sys.gettrace()
        try:
            sys.settrace(self)
            call(*arguments)
        except BaseException as error:
            return error
        finally:
            sys.settrace(before)
        return None


def lines_of(call, *arguments):
    counter = Raise(None, -1)
    assert counter.during(call, *arguments) is None
    return -counter.left - 1


def epochs_of(model):
    """Lengths of all that has a number per epoch."""
    if isinstance(model, NeuralNetClassifier):
        return {len(each) for each in model.history_.values()}
    if model.solver == "lbfgs":
        return set()
    curves = (model.loss_curve_, model.validation_loss_curve_, model.validation_scores_)
    return {len(each) for each in curves if each is not None}


def fingerprint(model):
    draws = vars(model)["_training_state"].random_state if epochs_of(model) else None
    return (
        model._fitted.parameters.tobytes(),
        sorted(epochs_of(model)),
        None if draws is None else draws.get_state()[1].tobytes(),
    )


@pytest.mark.usefixtures("_small_steps_use_threads")
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("error", [KeyboardInterrupt, TimeoutError])
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("name", FITS)
def test_an_exception_on_any_line(name, call, error):
    if (name, call) in (("lbfgs", "partial_fit"), ("early stopping", "partial_fit")):
        pytest.skip("has no such call")
    run = CALLS[call]
    if call == "partial_fit":
        run = lambda model: model.set_params(validation=None).partial_fit(X, y) \
            if name == "network" else model.partial_fit(X, y)  # fmt: skip
    fitted = FITS[name]().fit(X, y)
    n_lines = lines_of(run, FITS[name]().fit(X, y))
    assert n_lines > 100
    limits, mode = blas_threads(), float_mode()
    for n in range(1, n_lines + 1, max(1, n_lines // CASES)):
        model = FITS[name]().fit(X, y)
        before, state = fingerprint(model), vars(model)["_fitted"]
        raiser = Raise(error, n)
        came = raiser.during(run, model)
        assert raiser.raised
        assert came is None or type(came) is error, came
        if came is not None:
            assert vars(model)["_fitted"] is state
            assert fingerprint(model) == before
        assert len(epochs_of(model)) <= 1
        assert model.predict(X).shape == y.shape
        if "loss_" in vars(model):
            assert np.isfinite(model.loss_)
        assert blas_threads() == limits
        assert float_mode() == mode
    assert fingerprint(fitted) == fingerprint(FITS[name]().fit(X, y))


CASES = int(os.environ.get("FASTNN_TEST_LINES", 40))


def float_mode():
    """Whether denormal numbers are numbers on this thread."""
    return np.finfo(np.float32).tiny * np.float32(0.5) > 0


@pytest.fixture
def _small_steps_use_threads(monkeypatch):
    monkeypatch.setattr("fastnn.engine.OPERATIONS_PER_THREAD", 1)
