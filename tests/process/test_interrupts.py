"""Ctrl-C and other exceptions between any two lines of a call.

A handler of a signal raises where the interpreter happens to be. Whatever it has done
until then, the call comes back, leaves no thread, limit or mode behind, and the
estimator is as it was before or as an interrupted fit leaves it.
"""

import os
import signal
import sys
import threading
import time
from collections import Counter
from copy import deepcopy
from itertools import count

import numpy as np
import pytest
from interruptions import FITS, X, curves_of, float_mode, y
from pairs import in_turn
from patience import SOON
from tasks import blas_threads, settled_tasks, tasks, wait_for_tasks

import fastnn
from fastnn import MLPClassifier, MLPRegressor

PACKAGE = os.path.dirname(fastnn.__file__)

CALLS = {
    "fit": lambda model: model.fit(X, y),
    "partial_fit": lambda model: model.partial_fit(X, y, X_val=X[:9], y_val=y[:9]),
}
RUNS = [
    (name, call)
    for name in FITS
    for call in CALLS
    if (name, call) != ("lbfgs", "partial_fit")
]


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


class Lines(Raise):
    """Takes note of the lines of the package that a call runs, in their order."""

    def __init__(self):
        super().__init__(None, 0)
        self.seen = []

    def line(self, frame, event, argument):
        if event == "line":
            self.seen.append((frame.f_code, frame.f_lineno))
        return self.line


def moments_of(call, *arguments):
    """Numbers of lines that a call runs: of each line the first times and the last."""
    lines = Lines()
    assert lines.during(call, *arguments) is None
    times, last = Counter(), dict(map(reversed, enumerate(lines.seen)))
    moments = []
    for n, line in enumerate(lines.seen):
        times[line] += 1
        if times[line] <= 2 or n == last[line]:
            moments.append(n + 1)
    return moments


def fingerprint(model):
    state = vars(model).get("_training_state")
    stop = {} if isinstance(model, MLPClassifier) else vars(model.early_stopping)
    best = stop.get("_best")
    return (
        model._fitted.parameters.tobytes(),
        curves_of(model),
        None if state is None else state.random_state.get_state()[1].tobytes(),
        {**stop, "_best": best and best.host.tobytes()},
    )


@tasks
@pytest.mark.usefixtures("_small_steps_use_threads")
@pytest.mark.filterwarnings("ignore::UserWarning")
@in_turn(name_and_call=RUNS, error=[KeyboardInterrupt, TimeoutError])
def test_an_exception_on_any_line(name_and_call, error):
    name, call = name_and_call
    run, start = CALLS[call], FITS[name]().fit(X, y)
    end = deepcopy(start)
    moments = moments_of(run, end)
    assert len(moments) > 100
    trained = end._fitted.parameters
    before, limits, mode = fingerprint(start), blas_threads(), float_mode()
    errors, threads = np.geterr(), settled_tasks()
    for n in moments[:: max(1, len(moments) // CASES)]:
        model = deepcopy(start)
        fitted = model._fitted
        raiser = Raise(error, n)
        came = raiser.during(run, model)
        assert raiser.raised
        if came is not None:
            # scikit-learn hides what comes of a look at whether there is such a method.
            assert error in (type(came), type(came.__cause__))
            # All is as it was, or the call had come to its end.
            if model._fitted is fitted:
                assert fingerprint(model) == before
            else:
                np.testing.assert_array_equal(model._fitted.parameters, trained)
        for curves in curves_of(model):
            assert len({len(each) for each in curves}) <= 1
        assert model.predict(X).shape == y.shape
        if "loss_" in vars(model):
            assert np.isfinite(model.loss_)
        assert blas_threads() == limits
        assert float_mode() == mode
        assert np.geterr() == errors
    assert wait_for_tasks(threads)


CASES = int(os.environ.get("FASTNN_TEST_LINES", 40))


@pytest.fixture
def _small_steps_use_threads(monkeypatch):
    monkeypatch.setattr("fastnn.engine.engine.OPERATIONS_PER_THREAD", 1)


def interrupted(call, *arguments, after=0.05):
    """Send SIGINT while a call runs; how many seconds later it came back."""
    sent = []

    def send():
        sent.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    timer = threading.Timer(after, send)
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            call(*arguments)
        return time.monotonic() - sent[0]
    finally:
        timer.join()


LARGE = np.random.default_rng(0).normal(size=(30_000, 300)).astype(np.float32)


@pytest.mark.filterwarnings("ignore:Training interrupted:UserWarning")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_large_predict_is_interrupted_soon(n_jobs):
    model = MLPRegressor(hidden_layer_sizes=(3000, 3000), max_iter=1, n_jobs=n_jobs)
    model.fit(LARGE[:64], LARGE[:64, 0])
    assert interrupted(model.predict, LARGE) < SOON
    assert model.predict(LARGE[:3]).shape == (3,)


def test_an_interrupted_first_epoch_has_a_loss():
    calls = count()

    def loss(target, z):
        if next(calls) == 3:
            signal.raise_signal(signal.SIGINT)
        return ((z - target) ** 2).sum(axis=1) / 2, z - target

    model = fastnn.NeuralNetRegressor(loss=loss, epochs=3, shuffle=False)
    with pytest.warns(UserWarning, match="Training interrupted"):
        model.fit(X, X[:, 0])
    assert model.n_epochs_ == len(model.history_["loss"]) == 0
    assert model._training_state.optimizer.step == 3
    model = MLPClassifier((5,), batch_size=10, random_state=0, max_iter=1)

    def slow(step):
        if step == 12:
            signal.raise_signal(signal.SIGINT)
        return 1.0

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fastnn.training.trainer.STEPS_AT_ONCE", 4)
        with pytest.warns(UserWarning, match="Training interrupted"):
            model.set_params(learning_rate=slow).fit(X, y)
    assert model.n_iter_ == len(model.loss_curve_) == 0
    assert 0.5 < model.loss_ < 2
