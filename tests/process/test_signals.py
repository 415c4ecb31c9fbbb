"""Signals at any moment: calls come back soon, and leave nothing behind.

FASTNN_TEST_SIGNALS is how many each kind of call gets.
"""

import os
import time
import warnings
from copy import deepcopy

import numpy as np
import pytest
from interruptions import (
    _alarm_is_ctrl_c,
    _small_jobs_use_threads,
    call_interrupted,
    float_mode,
)
from patience import SOON
from scipy import sparse
from sklearn.datasets import load_iris
from tasks import blas_threads, settled_tasks, tasks, wait_for_tasks
from test_interrupts import LARGE, interrupted

from fastnn import MLPClassifier, MLPRegressor, NeuralNetClassifier, Sequential
from fastnn.callbacks import Callback, CSVLogger, ModelCheckpoint
from fastnn.engine.cpu.shuffle import shuffle
from fastnn.layers import BatchNorm, Dense, Dropout

__all__ = ["_alarm_is_ctrl_c", "_small_jobs_use_threads"]

SIGNALS = int(os.environ.get("FASTNN_TEST_SIGNALS", 8))
X, y = load_iris(return_X_y=True)
MANY = np.random.default_rng(0).normal(size=(20_000, 4)).astype(np.float32)


class Sleeper(Callback):
    """Sleeps where others measure and write."""

    def on_epoch_end(self, run):
        time.sleep(0.001)


def network(n_jobs, **params):
    layers = [Dense(8, "relu"), BatchNorm(), Dropout(0.1)]
    return NeuralNetClassifier(
        Sequential(layers), epochs=5, n_jobs=n_jobs, random_state=0, **params
    )


def mlp(n_jobs, **params):
    return MLPClassifier((8,), max_iter=5, n_jobs=n_jobs, random_state=0, **params)


# What is called, and with what.
CALLS = {
    "fit": (mlp, {}, lambda model, folder: model.fit(X, y)),
    "early stopping": (mlp, {"early_stopping": True}, lambda m, folder: m.fit(X, y)),
    "lbfgs": (mlp, {"solver": "lbfgs"}, lambda model, folder: model.fit(X, y)),
    "partial_fit": (mlp, {}, lambda model, folder: model.partial_fit(X, y)),
    "predict": (mlp, {}, lambda model, folder: model.predict(MANY)),
    "network": (network, {"validation": 0.2}, lambda m, folder: m.fit(X, y)),
    "X_val": (
        network,
        {},
        lambda model, folder: model.partial_fit(X, y, X_val=X, y_val=y),
    ),
    "sleep": (network, {"callbacks": [Sleeper()]}, lambda m, folder: m.fit(X, y)),
    "files": (
        network,
        {},
        lambda model, folder: model.set_params(
            callbacks=[
                ModelCheckpoint(folder / "net.joblib"),
                CSVLogger(folder / "log.csv"),
            ]
        ).fit(X, y),
    ),
}


def left_behind():
    """What a call must leave as it was."""
    return (
        blas_threads(),
        float_mode(),
        np.geterr(),
        len(os.listdir("/proc/self/fd")),
    )


@tasks
@pytest.mark.usefixtures("_alarm_is_ctrl_c", "_small_jobs_use_threads")
# A handler that raises in a destructor or while a file is closed is only told of.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("name", CALLS)
def test_a_signal_at_any_moment(name, n_jobs, tmp_path):
    make, params, call = CALLS[name]
    rng = np.random.default_rng(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        start = make(n_jobs, **params).fit(X, y)
        call(deepcopy(start), tmp_path)
        began = time.monotonic()
        call(deepcopy(start), tmp_path)
        usual = time.monotonic() - began
        before, threads = left_behind(), settled_tasks()
        for _ in range(SIGNALS):
            model = deepcopy(start)
            after = rng.uniform(1e-5, 1.2 * usual)
            began = time.monotonic()
            call_interrupted(after, call, model, tmp_path)
            assert time.monotonic() - began < after + usual + SOON
            assert left_behind() == before
            assert set(os.listdir(tmp_path)) <= {"net.joblib", "log.csv"}
            assert model.predict(X).shape == y.shape
            call(model, tmp_path)
    assert wait_for_tasks(threads)


def test_a_shuffle_of_many_rows():
    order, random_state = np.arange(1 << 24), np.random.RandomState(0)
    assert interrupted(shuffle, order, random_state._bit_generator) < SOON
    # What was shuffled so far is an order, and the generator is free.
    assert np.bincount(order).max() == 1
    random_state.shuffle(order[:100])


@pytest.mark.parametrize("rows", [100, (1 << 18) + 2, (1 << 19) + 1])
def test_shuffles_in_parts_are_those_of_numpy(rows):
    ours, theirs = np.arange(rows), np.arange(rows)
    one, other = np.random.RandomState(rows), np.random.RandomState(rows)
    shuffle(ours, one._bit_generator)
    other.shuffle(theirs)
    np.testing.assert_array_equal(ours, theirs)
    assert one.randint(2**30) == other.randint(2**30)


def soon(call, *arguments, **named):
    """Whether a fit ends soon after Ctrl-C, as interrupted fits end."""

    def fit():
        with pytest.warns(UserWarning, match="Training interrupted"):
            call(*arguments, **named)
        raise KeyboardInterrupt

    return interrupted(fit, after=1.0) < SOON


def test_lbfgs_within_an_evaluation():
    model = MLPRegressor(hidden_layer_sizes=(2000, 2000), solver="lbfgs")
    assert soon(model.fit, LARGE, LARGE[:, 0])
    # Whether a chunk of the samples was looked at by then is up to the machine.
    assert not hasattr(model, "coefs_") or np.isfinite(model.loss_)


@pytest.mark.parametrize("convert", [np.asarray, sparse.csr_matrix])
def test_large_validation_data(convert):
    # All but the validation of this fit takes next to no time.
    few = LARGE[:8], LARGE[:8, 0]
    model = MLPRegressor(hidden_layer_sizes=(3000, 3000)).partial_fit(*few)
    validation = {"X_val": convert(LARGE), "y_val": LARGE[:, 0]}
    assert soon(model.partial_fit, *few, **validation)
