"""Predictions of estimators: the short way for plain arrays, and shares of threads."""

import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from fastnn import MLPClassifier, MLPRegressor
from fastnn.estimators.base import BaseNeuralNetwork

rng = np.random.default_rng(0)
X = rng.standard_normal((60, 4))
TARGETS = {
    "binary": rng.integers(0, 2, 60),
    "multiclass": rng.integers(0, 3, 60).astype(str),
    "labels": rng.integers(0, 2, (60, 3)),
    "columns": rng.integers(0, 3, (60, 2)),
    "number": rng.standard_normal(60),
    "numbers": rng.standard_normal((60, 2)),
}


def fitted(problem, dtype="float32", **params):
    Estimator = MLPRegressor if "number" in problem else MLPClassifier
    params = {"hidden_layer_sizes": (6,), "max_iter": 3, "random_state": 0, **params}
    model = Estimator(dtype=dtype, **params)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(X, TARGETS[problem])


@pytest.fixture
def the_long_way(monkeypatch):
    """A list of every X that scikit-learn's validation has looked at."""
    seen = []
    check = BaseNeuralNetwork._check_X
    monkeypatch.setattr(
        BaseNeuralNetwork,
        "_check_X",
        lambda self, X, device: seen.append(X) or check(self, X, device),
    )
    return seen


@pytest.mark.parametrize("problem", TARGETS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("source", [np.float32, np.float64])
@pytest.mark.parametrize(
    "layout",
    [np.ascontiguousarray, np.asfortranarray, lambda X: np.repeat(X, 3, 1)[::-1, ::3]],
)
def test_both_ways_agree(problem, dtype, source, layout, the_long_way):
    model = fitted(problem, dtype)
    given = layout(X.astype(source))
    short = model.predict(given)
    assert not the_long_way
    long = model.predict(pd.DataFrame(given).to_numpy().tolist())
    assert len(the_long_way) == 1
    # Lists become float64 or float32 as the validation sees fit.
    if problem.startswith("number"):
        np.testing.assert_allclose(short, long, rtol=1e-5, atol=1e-6)
    else:
        np.testing.assert_array_equal(short, long)


@pytest.mark.parametrize(
    "given",
    [
        X.astype(np.int64),
        X.astype(np.float16),
        X.astype(">f8"),
        X.astype(object),
        X.tolist(),
        sparse.csr_array(X),
        X.view(np.recarray),
    ],
    ids=lambda given: f"{type(given).__name__} {getattr(given, 'dtype', '')}",
)
def test_what_needs_a_conversion_goes_the_long_way(given, the_long_way):
    model = fitted("multiclass")
    model.predict(given)
    assert len(the_long_way) == 1


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("row", [0, 59])
@pytest.mark.parametrize("source", [np.float32, np.float64])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_values_that_are_not_finite_are_refused(value, row, source, dtype):
    model = fitted("binary", dtype)
    bad = X.astype(source)
    bad[row, 3] = value
    with pytest.raises(ValueError, match="Input X contains"):
        model.predict_proba(bad)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (X[:, :3], "X has 3 features, but MLPClassifier is expecting 4"),
        (X[:0], "Found array with 0 sample"),
        (X[0], "Expected 2D array, got 1D array"),
        (X[None], "Found array with dim 3"),
    ],
)
def test_other_shapes_are_refused(bad, message):
    with pytest.raises(ValueError, match=message):
        fitted("binary").predict(bad)


def test_numbers_too_large_for_the_weights_are_not_refused():
    # They are finite, and become infinite in float32: as before, and as scikit-learn.
    large = X.copy()
    large[0, 0] = 1e300
    assert fitted("number").predict(large).shape == (60,)


def test_names_of_columns_are_compared():
    model = MLPClassifier((6,), max_iter=1, n_iter_no_change=np.inf)
    with pytest.warns(UserWarning, match="Maximum iterations"):
        model.fit(pd.DataFrame(X, columns=list("abcd")), TARGETS["binary"])
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        model.predict(X)


def test_nothing_is_remembered():
    model = fitted("multiclass")
    before = dict(vars(model))
    model.predict(X)
    assert vars(model) == before


@pytest.mark.parametrize("problem", ["binary", "multiclass", "numbers"])
@pytest.mark.parametrize("n", [1, 511, 1024, 1500, 3000])
@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array])
def test_threads_give_the_same_bits(problem, n, make, monkeypatch):
    monkeypatch.setattr("fastnn.engine.predictor.OPERATIONS_PER_THREAD", 1)
    many = make(np.resize(X, (n, 4)))
    outputs = [
        fitted(problem, n_jobs=n_jobs).predict(many).tolist() for n_jobs in (1, 2, 3)
    ]
    assert outputs[0] == outputs[1] == outputs[2]


def test_threads_notice_what_is_not_finite(monkeypatch):
    monkeypatch.setattr("fastnn.engine.predictor.OPERATIONS_PER_THREAD", 1)
    model = fitted("binary", n_jobs=2)
    for row in (0, 2999):
        bad = np.resize(X, (3000, 4))
        bad[row, 0] = np.nan
        with pytest.raises(ValueError, match="Input X contains NaN"):
            model.predict(bad)


def test_threads_may_predict_on_one_estimator(monkeypatch):
    monkeypatch.setattr("fastnn.engine.predictor.OPERATIONS_PER_THREAD", 50_000)
    model = fitted("multiclass", n_jobs=2)
    tables = [rng.standard_normal((n, 4)) for n in (1, 40, 700, 3000)]
    alone = [model.predict_proba(table) for table in tables]
    with ThreadPoolExecutor(4) as pool:
        for i, together in enumerate(pool.map(model.predict_proba, tables * 10)):
            np.testing.assert_array_equal(together, alone[i % 4])
