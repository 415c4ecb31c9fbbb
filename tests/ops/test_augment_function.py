"""Augmentation by a Python function: when it is called, and what it may return."""

import pickle

import numpy as np
import pytest
from probes import training_outputs
from sklearn.model_selection import KFold, cross_val_score

from fastnn import NeuralNetClassifier, Sequential
from fastnn.layers import Augment, BatchNorm, Dense, Flatten, RandomFlip, Reshape
from fastnn.losses import SquaredError
from fastnn.network import lower

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 12)).astype(np.float32)
y = np.arange(60) % 3


def noisy(x, rng):
    """In place, of a copy."""
    x += rng.normal(size=x.shape).astype(x.dtype)
    return x


def network_of(function, *layers):
    return Sequential(
        [Reshape((2, 3, 2)), *layers, Augment(function), Flatten(), Dense(8, "relu")]
    )


def fit(function, *layers, **options):
    model = NeuralNetClassifier(
        network_of(function, *layers), epochs=3, batch_size=16, random_state=0
    )
    return model.set_params(**options).fit(X, y)


def test_it_is_called_once_for_a_mini_batch_of_training():
    shapes, draws = [], []

    def function(x, rng):
        assert x.dtype == np.float32
        assert x.flags.writeable
        shapes.append(x.shape)
        draws.append(rng.random())
        return noisy(x, rng)

    before = X.copy()
    model = fit(function, validation=0.2)
    assert shapes == 3 * [(16, 2, 3, 2)] * 3
    assert len(set(draws)) == 9
    np.testing.assert_array_equal(X, before)
    model.predict(X)
    model.score(X, y)
    assert len(shapes) == 9


@pytest.mark.parametrize("n_threads", [1, 3])
def test_threads_meet_there(n_threads, monkeypatch):
    monkeypatch.setattr("fastnn.engine.engine.OPERATIONS_PER_THREAD", 1)
    x = rng.normal(size=(20, 2, 3, 2))
    layers = [RandomFlip(), Augment(noisy)]
    whole = training_outputs(layers, x, seed=5, step=1)
    shared = training_outputs(layers, x, seed=5, step=1, n_threads=n_threads)
    np.testing.assert_array_equal(shared, whole)
    assert (training_outputs(layers, x, seed=5, step=2) != whole).any()


def test_one_random_state_is_one_fit():
    one, other = fit(noisy), fit(noisy)
    assert one.loss_curve_ == other.loss_curve_
    assert one.loss_curve_ != fit(noisy, random_state=1).loss_curve_
    loaded = pickle.loads(pickle.dumps(one))
    np.testing.assert_array_equal(loaded.predict_proba(X), one.predict_proba(X))


@pytest.mark.parametrize(
    ("returned", "match"),
    [
        (lambda x: None, r"array of shape \(16, 2, 3, 2\) and float32, got NoneType"),
        (lambda x: x[:-1], r"got \(15, 2, 3, 2\) and float32"),
        (lambda x: x.astype(float), r"got \(16, 2, 3, 2\) and float64"),
        (lambda x: x / np.float32(0), "of finite numbers, got NaN or infinity in"),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_what_is_no_mini_batch(returned, match):
    with pytest.raises(ValueError, match=f"function of an Augment layer .*{match}"):
        fit(lambda x, rng: returned(x))


def test_what_it_raises_comes_out_and_the_model_stays():
    calls = []

    def failing(x, rng):
        calls.append(1)
        if len(calls) > 5:
            raise RuntimeError("no more")
        return x

    model = NeuralNetClassifier(network_of(failing), epochs=1, random_state=0)
    model.set_params(batch_size=16).fit(X, y)
    before = model.predict_proba(X)
    with pytest.raises(RuntimeError, match="no more"):
        model.partial_fit(X, y)
    np.testing.assert_array_equal(model.predict_proba(X), before)


def test_nothing_that_is_trained_stands_in_front():
    match = "the layer 'augment', an Augment, stands behind something that is trained"
    for layers in ([Dense(3)], [BatchNorm()]):
        with pytest.raises(ValueError, match=match):
            fit(noisy, *layers)
    assert len(fit(noisy, Dense(3, trainable=False), RandomFlip()).loss_curve_) == 3


def test_only_the_training_part_of_a_fold_is_augmented():
    seen = set()

    def function(x, rng):
        seen.update(x[:, 0, 0, 0].tolist())
        return noisy(x, rng)

    model = NeuralNetClassifier(network_of(function), epochs=2, random_state=0)
    for train, test in KFold(3).split(X):
        seen.clear()
        (score,) = cross_val_score(model, X, y, cv=[(train, test)])
        assert seen == set(X[train, 0].tolist())
        fitted = model.fit(X[train], y[train])
        first, again = (fitted.predict_proba(X[test]) for _ in range(2))
        np.testing.assert_array_equal(first, again)
        assert score == np.mean(first.argmax(axis=1) == y[test])
        # Unaugmented: a network without the layer says the same of the same weights.
        plain = Sequential([Flatten(), Dense(8, "relu")])
        other = NeuralNetClassifier(plain, epochs=1, random_state=0)
        other.fit(X[train].reshape(-1, 2, 3, 2), y[train])
        for own, theirs in zip(other.coefs_, fitted.coefs_, strict=True):
            own[...] = theirs
        for own, theirs in zip(other.intercepts_, fitted.intercepts_, strict=True):
            own[...] = theirs
        rows = X[test].reshape(-1, 2, 3, 2)
        np.testing.assert_array_equal(other.predict_proba(rows), first)


def test_bad_function():
    network = Sequential([Augment("flip"), Dense(1)])
    with pytest.raises(ValueError, match="'function' parameter of Augment"):
        lower(network, input_shape=(3,), loss=SquaredError())
