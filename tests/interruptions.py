"""Fits that are interrupted, how that is done, and what they must leave as it was."""

import signal

import numpy as np
import pytest
from sklearn.datasets import load_iris

from fastnn import MLPClassifier, NeuralNetClassifier, Sequential
from fastnn.averaging import EMA
from fastnn.callbacks import EarlyStopping
from fastnn.layers import BatchNorm, Dense, Dropout

X, y = load_iris(return_X_y=True)
X = (X - X.mean(axis=0)) / X.std(axis=0)

FITS = {
    "adam": lambda: MLPClassifier((5,), max_iter=2, random_state=0),
    "early stopping": lambda: MLPClassifier(
        (5,), max_iter=2, early_stopping=True, random_state=0
    ),
    "lbfgs": lambda: MLPClassifier((3,), solver="lbfgs", max_iter=2, random_state=0),
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


def curves_of(model):
    """Lists with a number for each epoch, and for each that was validated."""
    if isinstance(model, NeuralNetClassifier):
        return [*model.history_.values()], []
    if model.solver == "lbfgs":
        return [], []
    validation = model.validation_loss_curve_, model.validation_scores_
    return [model.loss_curve_], [each for each in validation if each is not None]


def float_mode():
    """Whether denormal numbers are numbers on this thread."""
    return np.finfo(np.float32).tiny * np.float32(0.5) > 0


def call_interrupted(seconds, call, *arguments):
    """Ctrl-C comes after so long, if the call takes so long."""
    try:
        try:
            signal.setitimer(signal.ITIMER_REAL, seconds)
            call(*arguments)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    except KeyboardInterrupt:
        pass


@pytest.fixture
def _alarm_is_ctrl_c():
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    yield
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def _small_jobs_use_threads(monkeypatch):
    monkeypatch.setattr("fastnn.engine.engine.OPERATIONS_PER_THREAD", 1)
    monkeypatch.setattr("fastnn.engine.predictor.OPERATIONS_PER_THREAD", 1)
