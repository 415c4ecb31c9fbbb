"""The estimators: what they learn, from which inputs and targets."""

import copy
import subprocess
import sys
import textwrap
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import (
    load_digits,
    load_iris,
    make_multilabel_classification,
    make_regression,
)
from sklearn.metrics import accuracy_score, log_loss, r2_score
from sklearn.preprocessing import scale

from fastnn import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

ESTIMATORS = [MLPClassifier, MLPRegressor]

X_iris, y_iris = load_iris(return_X_y=True)
X_digits, y_digits = load_digits(return_X_y=True)
X_digits /= 16


def fitted(Estimator=MLPClassifier, **params):
    params = {"hidden_layer_sizes": (8,), "max_iter": 5, "random_state": 0, **params}
    return Estimator(**params).fit(X_iris, y_iris)


# ---------------------------------------------------------------------- learning


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("dtype", ["float32", "float64", None])
def test_learns_digits(solver, dtype):
    model = MLPClassifier(
        solver=solver, dtype=dtype, random_state=0, learning_rate_init=0.01, tol=1e-2
    )
    model.fit(X_digits[:1200], y_digits[:1200])
    assert model.score(X_digits[1200:], y_digits[1200:]) > 0.85


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
def test_learns_a_regression(activation):
    X, y = make_regression(500, 5, n_targets=2, random_state=0)
    y /= y.std(axis=0)
    model = MLPRegressor(
        activation=activation, random_state=0, learning_rate_init=0.02, max_iter=300
    )
    model.fit(X[:400], y[:400])
    assert model.predict(X[400:]).shape == (100, 2)
    assert model.score(X[400:], y[400:]) > 0.95


def test_poisson_regression():
    rng = np.random.RandomState(0)
    X = rng.uniform(-1, 1, (800, 3))
    y = rng.poisson(np.exp(X @ [1.0, -0.5, 0.3] + 1))
    model = MLPRegressor("poisson", (20,), random_state=0, learning_rate_init=0.01)
    predictions = model.fit(X, y).predict(X)
    assert model.out_activation_ == "exp"
    assert (predictions > 0).all()
    expected = np.exp(X @ [1.0, -0.5, 0.3] + 1)
    assert np.corrcoef(predictions, expected)[0, 1] > 0.95


# ---------------------------------------------------------------------- targets


def check_classifier(model, y, labels):
    probabilities = model.predict_proba(X_iris)
    assert probabilities.shape == (150, len(labels))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_array_equal(model.classes_, labels)
    np.testing.assert_array_equal(
        model.predict(X_iris), model.classes_[probabilities.argmax(axis=1)]
    )
    with np.errstate(divide="ignore"):
        np.testing.assert_array_equal(
            model.predict_log_proba(X_iris), np.log(probabilities)
        )
    assert model.score(X_iris, y) == accuracy_score(y, model.predict(X_iris))


@pytest.mark.parametrize(
    "labels",
    [
        np.array([10, 20, 30]),
        np.array([-1.0, 0.0, 5.0]),
        np.array(["a", "bb", "c"]),
        np.array(["a", "bb", "c"], dtype=object),
        np.array([2, 5]),
        np.array([False, True]),
        np.array(["no", "yes"]),
        np.array(["no", "yes"], dtype=object),
    ],
)
@pytest.mark.parametrize("container", [np.asarray, list, pd.Series])
def test_labels_of_any_kind(labels, container):
    y = labels[np.minimum(y_iris, len(labels) - 1)]
    model = MLPClassifier((10,), max_iter=20, random_state=0, learning_rate_init=0.1)
    model.fit(X_iris, container(y))
    check_classifier(model, y, labels)
    assert model.predict(X_iris).dtype == np.asarray(labels.tolist()).dtype
    assert model.n_outputs_ == (1 if len(labels) == 2 else 3)
    assert model.out_activation_ == ("logistic" if len(labels) == 2 else "softmax")
    assert model.score(X_iris, y) > 0.8


def test_a_single_class():
    model = MLPClassifier(max_iter=2).fit(X_iris, np.full(150, "only"))
    np.testing.assert_array_equal(model.predict(X_iris), np.full(150, "only"))


def test_partial_fit_with_classes_that_come_later():
    model = MLPClassifier(random_state=0, learning_rate_init=0.01)
    model.partial_fit(X_iris[:50], y_iris[:50], classes=[2, 1, 0])
    for _ in range(50):
        model.partial_fit(X_iris[50:], y_iris[50:]).partial_fit(X_iris, y_iris)
    check_classifier(model, y_iris, [0, 1, 2])
    assert model.score(X_iris, y_iris) > 0.8


def test_partial_fit_with_one_class_of_two():
    model = MLPClassifier(random_state=0)
    model.partial_fit(X_iris[:50], y_iris[:50], classes=[0, 1])
    model.partial_fit(X_iris[50:100], y_iris[50:100])
    check_classifier(model, y_iris, [0, 1])


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix, sparse.csc_array])
def test_multi_label(container):
    X, y = make_multilabel_classification(200, random_state=0)
    X = scale(X)
    model = MLPClassifier(random_state=0, max_iter=60, learning_rate_init=0.01)
    model.fit(X, container(y))
    predictions = model.predict(X)
    assert sparse.issparse(predictions) == sparse.issparse(container(y))
    if sparse.issparse(predictions):
        predictions = predictions.toarray()
    probabilities = model.predict_proba(X)
    np.testing.assert_array_equal(predictions, probabilities > 0.5)
    assert model.out_activation_ == "logistic"
    assert model.score(X, y) > 0.8


def test_multi_label_partial_fit_and_early_stopping():
    X, y = make_multilabel_classification(200, random_state=0)
    model = MLPClassifier(random_state=0)
    model.partial_fit(X, y, classes=range(5)).partial_fit(X, y)
    assert model.predict(X).shape == y.shape
    model = MLPClassifier(random_state=0, early_stopping=True, max_iter=5).fit(X, y)
    assert len(model.validation_scores_) == 5


def test_a_column_of_targets_is_flattened_with_a_warning():
    with pytest.warns(UserWarning, match="column-vector"):
        model = fitted(MLPRegressor).fit(X_iris, y_iris[:, None])
    assert model.predict(X_iris).shape == (150,)


def test_losses_are_those_of_the_metrics():
    model = fitted(alpha=0.0, solver="lbfgs", max_iter=15000, tol=1e-3)
    assert model.loss_ == pytest.approx(log_loss(y_iris, model.predict_proba(X_iris)))
    model = fitted(MLPRegressor, alpha=0.0, solver="lbfgs", max_iter=15000, tol=1e-3)
    residuals = model.predict(X_iris) - y_iris
    assert model.loss_ == pytest.approx(0.5 * np.mean(residuals**2))


@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_score_takes_weights(Estimator):
    model = fitted(Estimator)
    weight = np.linspace(0, 1, 150)
    metric = accuracy_score if Estimator is MLPClassifier else r2_score
    expected = metric(y_iris, model.predict(X_iris), sample_weight=weight)
    assert model.score(X_iris, y_iris, sample_weight=weight) == expected


# ---------------------------------------------------------------------- inputs


@pytest.mark.parametrize("Estimator", ESTIMATORS)
@pytest.mark.parametrize("dtype", ["float32", "float64", None])
@pytest.mark.parametrize("X_dtype", [np.float32, np.float64, np.float16, np.int64])
def test_dtype(Estimator, dtype, X_dtype):
    X = (X_iris * 10).astype(X_dtype)
    model = Estimator(max_iter=2, random_state=0, dtype=dtype).fit(X, y_iris)
    followed = np.float32 if X_dtype == np.float32 else np.float64
    expected = np.dtype(dtype) if dtype else followed
    assert all(w.dtype == expected for w in model.coefs_ + model.intercepts_)
    # As in scikit-learn, predictions are float64 where X is.
    predict = model.predict_proba if Estimator is MLPClassifier else model.predict
    for container in (np.asarray, sparse.csr_array, pd.DataFrame, np.ndarray.tolist):
        if container is sparse.csr_array and X_dtype == np.float16:
            continue  # SciPy has no such matrices
        found = predict(container(X)).dtype
        is_list = container is np.ndarray.tolist
        assert found == (np.float64 if is_list else np.result_type(expected, followed))


def layouts(X):
    wide = np.zeros((2 * X.shape[0], 3 * X.shape[1]), X.dtype)
    wide[::2, ::3] = X
    frozen = X.copy()
    frozen.flags.writeable = False
    return {
        "C": X,
        "F": np.asfortranarray(X),
        "strided": wide[::2, ::3],
        "reversed": X[::-1, ::-1].copy()[::-1, ::-1],
        "read-only": frozen,
        "DataFrame": pd.DataFrame(X),
        "list": X.tolist(),
    }


@pytest.mark.parametrize("Estimator", ESTIMATORS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("X_dtype", [np.float32, np.float64])
def test_memory_layout_does_not_matter(Estimator, dtype, X_dtype):
    base = X_iris.astype(X_dtype)
    reference = fitted(Estimator, dtype=dtype).fit(base, y_iris)
    for name, X in layouts(base).items():
        before = copy.deepcopy(X)
        model = clone(reference).fit(X, y_iris)
        for one, other in zip(reference.coefs_, model.coefs_, strict=True):
            np.testing.assert_allclose(other, one, rtol=1e-4, atol=1e-6, err_msg=name)
        np.testing.assert_allclose(
            model.predict(X), reference.predict(base), rtol=1e-4, atol=1e-6
        )
        np.testing.assert_array_equal(np.asarray(X), np.asarray(before))


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("X_dtype", [np.float32, np.float64])
def test_X_is_not_copied(order, X_dtype):
    X = np.ones((20_000, 100), X_dtype, order=order)
    X[::2] = 0
    y = X[:, 0].astype(int)
    model = MLPClassifier((4,), max_iter=1, random_state=0, n_jobs=1)
    model.fit(X[:500], y[:500])
    tracemalloc.start()
    model.fit(X, y)
    model.predict(X)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < X.nbytes / 3


@pytest.mark.parametrize("Estimator", ESTIMATORS)
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize(
    "container",
    [
        sparse.csr_matrix,
        sparse.csr_array,
        sparse.csc_matrix,
        sparse.coo_array,
    ],
)
def test_sparse_equals_dense(Estimator, solver, early_stopping, container):
    X = np.where(X_iris > 2, X_iris, 0)
    dense = fitted(Estimator, solver=solver, early_stopping=early_stopping, tol=1.0)
    model = clone(dense).fit(container(X), y_iris)
    dense.fit(X, y_iris)
    for one, other in zip(dense.coefs_, model.coefs_, strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(
        model.predict(container(X)), dense.predict(X), rtol=1e-3, atol=1e-5
    )


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
def test_sparse_indices_of_both_widths(dtype):
    X = sparse.csr_array(np.where(X_iris > 2, X_iris, 0))
    X.indices, X.indptr = X.indices.astype(dtype), X.indptr.astype(dtype)
    reference = fitted().fit(X.toarray(), y_iris)
    model = fitted().fit(X, y_iris)
    np.testing.assert_allclose(
        model.predict_proba(X), reference.predict_proba(X), rtol=1e-4
    )


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of Linux")
def test_a_sparse_fit_takes_a_tenth_of_the_memory_of_dense_X():
    script = """
        import resource
        import warnings
        from scipy import sparse
        from fastnn import MLPClassifier

        warnings.simplefilter("ignore")
        n_samples, n_features = 3000, 100_000
        X = sparse.random_array(
            (n_samples, n_features), density=1e-3, format="csr", rng=0
        )
        y = X.sum(axis=1) > 50
        model = MLPClassifier((4,), max_iter=2, random_state=0)
        model.fit(X[:200, :1000], y[:200])
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        model.fit(X, y)
        model.predict(X)
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print((after - before) * 1024 / (4 * n_samples * n_features))
    """
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert float(result.stdout) < 0.1


@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_data_frames_give_feature_names(Estimator):
    frame = pd.DataFrame(X_iris, columns=["a", "b", "c", "d"])
    model = fitted(Estimator, early_stopping=True).fit(frame, pd.Series(y_iris))
    np.testing.assert_array_equal(model.feature_names_in_, ["a", "b", "c", "d"])
    np.testing.assert_array_equal(
        model.predict(frame), fitted(Estimator, early_stopping=True).predict(X_iris)
    )
