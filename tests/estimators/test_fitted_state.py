"""The estimators: what they keep, how it is changed, copied, saved and shared."""

import copy
import io
import pickle
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import (
    load_digits,
    load_iris,
)

import fastnn
from fastnn import MLPClassifier, MLPRegressor
from fastnn.exceptions import InconsistentVersionWarning

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

ESTIMATORS = [MLPClassifier, MLPRegressor]

X_iris, y_iris = load_iris(return_X_y=True)
X_digits, y_digits = load_digits(return_X_y=True)
X_digits /= 16


def fitted(Estimator=MLPClassifier, **params):
    params = {"hidden_layer_sizes": (8,), "max_iter": 5, "random_state": 0, **params}
    return Estimator(**params).fit(X_iris, y_iris)


@pytest.mark.parametrize("Estimator", ESTIMATORS)
@pytest.mark.parametrize(
    "attribute", ["coefs_", "intercepts_", "loss_", "n_iter_", "t_", "classes_"]
)
def test_nothing_is_there_before_fit(Estimator, attribute):
    assert not hasattr(Estimator(), attribute)


@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_shapes(Estimator):
    model = fitted(Estimator, hidden_layer_sizes=(5, 3))
    n_outputs = 3 if Estimator is MLPClassifier else 1
    assert isinstance(model.coefs_, list)
    assert [w.shape for w in model.coefs_] == [(4, 5), (5, 3), (3, n_outputs)]
    assert [b.shape for b in model.intercepts_] == [(5,), (3,), (n_outputs,)]
    assert model.n_layers_ == 4
    assert model.n_outputs_ == n_outputs


def test_assigning_an_item_changes_the_model():
    model = fitted(MLPRegressor)
    model.coefs_[1] = np.zeros((8, 1))
    model.intercepts_[-1] = [7.0]
    np.testing.assert_array_equal(model.predict(X_iris), np.full(150, 7.0))
    model.intercepts_[1][:] = 8.0
    np.testing.assert_array_equal(model.predict(X_iris), np.full(150, 8.0))
    model.intercepts_[:] = [np.zeros(8), np.ones(1)]
    np.testing.assert_array_equal(model.predict(X_iris), np.ones(150))


def test_assigning_the_list_installs_a_new_buffer():
    model, other = fitted(MLPRegressor), fitted(MLPRegressor, random_state=1)
    twin = copy.copy(model)
    before = model.predict(X_iris)
    twin.coefs_ = other.coefs_
    twin.intercepts_ = other.intercepts_
    np.testing.assert_array_equal(twin.predict(X_iris), other.predict(X_iris))
    np.testing.assert_array_equal(model.predict(X_iris), before)
    twin.coefs_[0][:] = 0
    assert other.coefs_[0].any()


def test_weights_saved_aside_are_copies():
    model = fitted(MLPRegressor)
    before, best = model.predict(X_iris), copy.deepcopy(model.coefs_)
    model.coefs_[0][:] = 0
    assert best[0].any()
    model.coefs_ = best
    np.testing.assert_array_equal(model.predict(X_iris), before)


@pytest.mark.parametrize(
    ("assign", "message"),
    [
        (lambda m: m.coefs_.__setitem__(0, np.zeros((4, 9))), r"coefs_\[0\].*\(4, 8\)"),
        (lambda m: m.coefs_.__setitem__(0, 1.0), r"must have shape \(4, 8\)"),
        (lambda m: setattr(m, "intercepts_", [np.zeros(8)]), "must hold 2 arrays"),
        (lambda m: setattr(m, "coefs_", m.coefs_[::-1]), r"coefs_\[0\] must have"),
    ],
)
def test_assigning_other_shapes_raises(assign, message):
    model = fitted(MLPRegressor)
    before = model.predict(X_iris)
    with pytest.raises(ValueError, match=message):
        assign(model)
    np.testing.assert_array_equal(model.predict(X_iris), before)


NO_WEIGHTS = {
    "complex": np.zeros((4, 8), complex),
    "objects": np.zeros((4, 8), object),
    "words": np.full((4, 8), "a"),
    "bytes": np.full((4, 8), b"1"),
    "dates": np.zeros((4, 8), "M8[s]"),
    "records": np.zeros((4, 8), [("a", "f4")]),
    "ragged": [[0.0], [0.0, 1.0]],
    "nothing": None,
    "too large": np.full((4, 8), 1e300),
    "sparse": sparse.csr_array((4, 8)),
}


@pytest.mark.parametrize("kind", NO_WEIGHTS)
@pytest.mark.parametrize(
    "assign",
    [
        lambda m, value: m.coefs_.__setitem__(0, value),
        lambda m, value: m.coefs_.__setitem__(slice(None), [value, np.zeros((8, 1))]),
        lambda m, value: setattr(m, "coefs_", [value, np.zeros((8, 1))]),
    ],
    ids=["item", "slice", "list"],
)
def test_assigning_what_is_no_number_raises(assign, kind):
    model = fitted(MLPRegressor)
    before = model.predict(X_iris)
    with pytest.raises(ValueError, match=r"coefs_\[0\]"):
        assign(model, NO_WEIGHTS[kind])
    np.testing.assert_array_equal(model.predict(X_iris), before)


@pytest.mark.parametrize("value", [None, 3, np.float32(1)])
def test_assigning_no_list_raises(value):
    model = fitted(MLPRegressor)
    with pytest.raises(ValueError, match="intercepts_ must be a list of 2 arrays"):
        model.intercepts_ = value


def test_a_slice_is_assigned_as_a_whole_or_not_at_all():
    model = fitted(MLPRegressor)
    before = model.predict(X_iris)
    with pytest.raises(ValueError, match=r"coefs_\[1\]"):
        model.coefs_[:] = [np.zeros((4, 8)), np.zeros((8, 2))]
    np.testing.assert_array_equal(model.predict(X_iris), before)


@pytest.mark.parametrize("dtype", [">f4", np.float16, np.int64, bool, np.longdouble])
def test_assigning_other_numbers(dtype):
    model = fitted(MLPRegressor)
    kernel = np.eye(4, 8, dtype=dtype)[:, ::-1]
    model.coefs_[0] = kernel
    np.testing.assert_array_equal(model.coefs_[0], kernel.astype(np.float32))


@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_parameters_may_change_after_fit(Estimator):
    model = fitted(Estimator)
    before = model.predict(X_iris)
    model.set_params(
        hidden_layer_sizes=(3, 3), activation="tanh", dtype="float64", solver="lbfgs"
    )
    np.testing.assert_array_equal(model.predict(X_iris), before)
    np.testing.assert_array_equal(
        pickle.loads(pickle.dumps(model)).predict(X_iris), before
    )


def reload_by_joblib(model):
    file = io.BytesIO()
    joblib.dump(model, file)
    file.seek(0)
    return joblib.load(file)


@pytest.mark.parametrize("Estimator", ESTIMATORS)
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize(
    "duplicate",
    [
        lambda model: pickle.loads(pickle.dumps(model)),
        reload_by_joblib,
        copy.copy,
        copy.deepcopy,
    ],
)
def test_duplicates_predict_the_same(Estimator, solver, duplicate):
    model = fitted(Estimator, solver=solver, tol=1.0)
    twin = duplicate(model)
    np.testing.assert_array_equal(twin.predict(X_iris), model.predict(X_iris))
    assert twin.get_params() == model.get_params()
    assert vars(twin).keys() == vars(model).keys()
    before = model.predict(X_iris)
    twin.fit(X_iris[:, :2], y_iris)
    np.testing.assert_array_equal(model.predict(X_iris), before)


@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_a_model_on_a_read_only_file(Estimator, tmp_path):
    model = fitted(Estimator)
    joblib.dump(model, tmp_path / "model")
    mapped = joblib.load(tmp_path / "model", mmap_mode="r")
    np.testing.assert_array_equal(mapped.predict(X_iris), model.predict(X_iris))
    mapped.partial_fit(X_iris, y_iris)
    assert mapped.coefs_[0].flags.writeable


def test_pickles_hold_the_version_and_no_plan():
    dump = pickle.dumps(fitted())
    assert fastnn.__version__.encode() in dump
    assert b"fastnn.plan.records" not in dump


@pytest.mark.parametrize(
    "private",
    ["FittedNetwork", "MirroredArray", "Targets", "ConvergenceState", "OptimizerState"],
)
def test_pickles_hold_no_private_class(private):
    assert private.encode() not in pickle.dumps(fitted())


@pytest.mark.parametrize("version", ["0.0.1", None])
def test_another_version_warns(version, monkeypatch):
    model = fitted()
    before = model.predict(X_iris)
    state = model.__getstate__()
    del state["_fastnn_version"]
    if version is not None:
        state["_fastnn_version"] = version
    twin = MLPClassifier.__new__(MLPClassifier)
    saved_by = version or "unknown"
    with pytest.warns(InconsistentVersionWarning, match=f"saved by fastnn {saved_by}"):
        twin.__setstate__(state)
    assert "_fastnn_version" not in vars(twin)
    np.testing.assert_array_equal(twin.predict(X_iris), before)


@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_clone_is_not_fitted(Estimator):
    twin = clone(fitted(Estimator))
    assert not hasattr(twin, "coefs_")
    assert twin.get_params() == fitted(Estimator).get_params()


@pytest.mark.parametrize("Estimator", ESTIMATORS)
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_concurrent_predictions(Estimator, container):
    rng = np.random.RandomState(0)
    model = fitted(Estimator, hidden_layer_sizes=(64, 64))
    inputs = [container(rng.standard_normal((500 + i, 4))) for i in range(32)]
    expected = [model.predict(X) for X in inputs]
    attributes = dict(vars(model))
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(model.predict, inputs))
    for one, other in zip(results, expected, strict=True):
        np.testing.assert_array_equal(one, other)
    assert vars(model).keys() == attributes.keys()
    assert all(vars(model)[name] is value for name, value in attributes.items())


@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_concurrent_fits(Estimator):
    models = [clone(fitted(Estimator, random_state=i)) for i in range(6)]
    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(lambda m: clone(m).fit(X_iris, y_iris), models))
    for one, model in zip(together, models, strict=True):
        np.testing.assert_array_equal(
            one.predict(X_iris), model.fit(X_iris, y_iris).predict(X_iris)
        )


def test_tags():
    tags = MLPClassifier().__sklearn_tags__()
    assert tags.input_tags.sparse
    assert tags.classifier_tags.multi_label
    assert tags.target_tags.multi_output
    tags = MLPRegressor().__sklearn_tags__()
    assert tags.input_tags.sparse
    assert tags.target_tags.multi_output
    assert not tags.target_tags.positive_only
    assert MLPRegressor("poisson").__sklearn_tags__().target_tags.positive_only


def test_repr_shows_what_was_changed():
    assert repr(MLPClassifier(dtype=None)) == "MLPClassifier(dtype=None)"


def test_show_versions(capsys):
    fastnn.show_versions()
    out = capsys.readouterr().out
    for line in ("python: ", f"fastnn: {fastnn.__version__}", "numpy: ", "blas: "):
        assert line in out
