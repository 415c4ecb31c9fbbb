"""Predictions in the type of X: float64 unless X and the weights are float32.

The layers compute in the type of the weights; what that cannot hold is computed in
float64.
"""

import json

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.datasets import make_classification

from fastnn import (
    HiddenLayerTransformer,
    MLPClassifier,
    MLPRegressor,
    NeuralNetClassifier,
    NeuralNetRegressor,
)

rng = np.random.default_rng(0)
X = rng.normal(size=(120, 4))
NUMBERS = X[:, 0] - X[:, 1]
TARGETS = {
    "numbers": NUMBERS,
    "counts": rng.poisson(np.exp(X[:, 0])),
    "two classes": np.where(X[:, 0] > 0, "yes", "no"),
    "three classes": np.digitize(X[:, 0], [-0.5, 0.5]),
    "labels": np.column_stack([X[:, 0] > 0, X[:, 1] > 0]).astype(int),
    "columns": np.column_stack([np.digitize(X[:, 0], [-1, 1]), X[:, 1] > 0]),
}
MODELS = {
    "numbers": [
        MLPRegressor(max_iter=3, random_state=0),
        NeuralNetRegressor(epochs=2, random_state=0),
    ],
    "counts": [
        MLPRegressor("poisson", max_iter=3, random_state=0),
        NeuralNetRegressor(loss="poisson", epochs=2, random_state=0),
    ],
    "hinge": [NeuralNetClassifier(loss="hinge", epochs=2, random_state=0)],
}
CLASSIFIERS = [
    MLPClassifier(max_iter=3, random_state=0),
    NeuralNetClassifier(epochs=2, random_state=0),
]
CASES = [
    (target, model, method)
    for target in TARGETS
    for model in MODELS.get(target, CLASSIFIERS)
    for method in (
        ("predict",) if target in MODELS else ("predict_proba", "predict_log_proba")
    )
] + [("two classes", *MODELS["hinge"], "decision_function")]
CONTAINERS = {
    "array": np.asarray,
    "Fortran order": np.asfortranarray,
    "list": np.ndarray.tolist,
    "DataFrame": pd.DataFrame,
    "polars": lambda X: pl.DataFrame(X, schema=list("abcd")),
    "CSR": sparse.csr_array,
    "COO": sparse.coo_matrix,
    "integers": lambda X: np.rint(X).astype(int),
    "nullable": lambda X: pd.DataFrame(X).convert_dtypes(),
}
pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:X (does not|has feature):UserWarning"),
]


def outputs(model, method, X):
    """The outputs as one array."""
    found = getattr(model, method)(X)
    return np.hstack(found) if isinstance(found, list) else found


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize(("target", "model", "method"), CASES)
def test_float64_in_float64_out(target, model, method, container):
    model.fit(X, TARGETS[target])
    found = outputs(model, method, CONTAINERS[container](X))
    assert found.dtype == np.float64
    single = outputs(model, method, X.astype(np.float32))
    assert single.dtype == np.float32
    if container != "integers":
        np.testing.assert_allclose(found, single, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("target", "model", "method"), CASES)
def test_weights_of_float64_give_float64(target, model, method):
    model = type(model)(**model.get_params()).set_params(dtype="float64")
    model.fit(X, TARGETS[target])
    assert outputs(model, method, X.astype(np.float32)).dtype == np.float64


@pytest.mark.parametrize("container", ["array", "list", "DataFrame", "CSR", "COO"])
@pytest.mark.parametrize("large", [1e25, 1e39, 1e300])
@pytest.mark.parametrize(("target", "model", "method"), CASES)
def test_numbers_beyond_float32(target, model, method, large, container):
    model.fit(X, TARGETS[target])
    new = X[:9].copy()
    new[3] *= large
    new[5, 1] = -large
    found = outputs(model, method, CONTAINERS[container](new))
    assert not np.isnan(found).any()
    # The same model as one of float64.
    fitted = model._fitted
    wide = fitted.over(type(fitted.weights)(fitted.parameters.astype(np.float64)))
    model._fitted = wide
    expected = outputs(model, method, new)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5)
    # Whoever passes float32 gets it back.
    if large == 1e25:
        model._fitted = fitted
        single = outputs(model, method, new.astype(np.float32))
        assert single.dtype == np.float32
        assert not np.isnan(single).any()


def test_hidden_layers_beyond_float32():
    model = MLPClassifier((5,), activation="tanh", max_iter=2)
    model.fit(X, TARGETS["two classes"])
    new = X[:9].copy()
    new[3] = [1e39, -1e39, 1e39, 0]
    hidden = model.hidden_activations(new)
    assert np.isfinite(hidden).all()
    transformer = HiddenLayerTransformer(model, prefit=True).fit(X)
    np.testing.assert_array_equal(transformer.transform(new), hidden)


@pytest.mark.parametrize("name", ["two classes", "three classes", "columns"])
def test_rows_of_probabilities_add_up(name):
    model = MLPClassifier(max_iter=100, learning_rate_init=0.05, random_state=0)
    p = model.fit(X * 5, TARGETS[name]).predict_proba(X * 5)
    for head in p if isinstance(p, list) else [p]:
        np.testing.assert_allclose(head.sum(axis=1), 1, rtol=0, atol=1e-15)
        for row in head:
            np.random.default_rng(0).multinomial(10, row)
        json.dumps(head[0, 0])


def test_confident_rows_do_not_tie():
    data, y = make_classification(
        2000, 20, n_informative=10, class_sep=3, random_state=0
    )
    model = MLPClassifier((50,), max_iter=60, learning_rate_init=0.01, random_state=0)
    p = model.fit(data, y).predict_proba(data)
    theirs = model.to_sklearn().predict_proba(data)
    np.testing.assert_allclose(p, theirs, rtol=1e-3, atol=1e-6)
    assert (p[:, 1] == 1).sum() <= (theirs[:, 1] == 1).sum() + 5
    assert (p > 0).all()
    assert np.isfinite(model.predict_log_proba(data)).all()
