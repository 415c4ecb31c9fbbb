"""Fitted models go to scikit-learn's perceptron and come from it."""

import copy
import pickle

import numpy as np
import pytest
import sklearn
from scipy import sparse
from sklearn import neural_network
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.fixes import parse_version

import fastnn
from fastnn import from_sklearn

OLD_WARNINGS = [
    pytest.mark.filterwarnings(
        f"ignore::{ConvergenceWarning.__module__}.{ConvergenceWarning.__name__}"
    ),
    # Older versions of scikit-learn call newer ones of SciPy.
    pytest.mark.filterwarnings("ignore:scipy.optimize:DeprecationWarning"),
]

pytestmark = OLD_WARNINGS

generator = np.random.default_rng(0)
X = generator.normal(size=(60, 5))
names = np.array(["ant", "bee", "cat"], dtype=object)
number = (X[:, 0] + X[:, 1] ** 2 > 0.5).astype(int) + (X[:, 2] > 0.3)
labels = (X[:, :4] > 0.2).astype(int)

TARGETS = {
    "binary": (X[:, 0] > 0).astype(int),
    "strings": names[(X[:, 0] > 0).astype(int)],
    "multiclass": number,
    "multiclass strings": names[number],
    "one class": np.full(60, 7),
    "multilabel": labels,
    "sparse multilabel": sparse.csr_array(labels),
    "single": X[:, 0] * X[:, 1],
    "several": X[:, :3] ** 2,
    "poisson": np.abs(X[:, 1]),
}
if "loss" not in neural_network.MLPRegressor().get_params():
    del TARGETS["poisson"]  # scikit-learn before 1.7
REGRESSION = {"single", "several", "poisson"}
CURVES = {
    "adam": {},
    "adam, early stopping": {"early_stopping": True, "max_iter": 5},
    "sgd": {"solver": "sgd", "learning_rate": "invscaling"},
    "lbfgs": {"solver": "lbfgs"},
}
ATTRIBUTES = [
    "best_loss_",
    "best_validation_score_",
    "loss_",
    "loss_curve_",
    "n_features_in_",
    "n_iter_",
    "n_layers_",
    "n_outputs_",
    "out_activation_",
    "t_",
    "validation_scores_",
]
TOLERANCE = {"float32": 1e-6, "float64": 1e-12}

EARLY_STOPPING_OF_ALL_TARGETS = parse_version(sklearn.__version__) >= parse_version(
    "1.9"
)

every_target = pytest.mark.parametrize("target", TARGETS)
every_dtype = pytest.mark.parametrize("dtype", TOLERANCE)
both_kinds = pytest.mark.parametrize("kind", ["MLPClassifier", "MLPRegressor"])


def make(library, target, **parameters):
    parameters = {
        "hidden_layer_sizes": (6, 4),
        "activation": "tanh",
        "max_iter": 3,
        "random_state": 0,
    } | parameters
    if target not in REGRESSION:
        return library.MLPClassifier(**parameters)
    if target == "poisson":
        parameters["loss"] = "poisson"
    return library.MLPRegressor(**parameters)


def assert_same_predictions(one, other, X, tolerance):
    expected, found = one.predict(X), other.predict(X)
    assert sparse.issparse(found) == sparse.issparse(expected)
    if hasattr(one, "predict_proba"):
        dense = [y.toarray() if sparse.issparse(y) else y for y in (found, expected)]
        np.testing.assert_array_equal(*dense)
        expected, found = one.predict_proba(X), other.predict_proba(X)
        if np.shape(found) != np.shape(expected):
            # Of a single class scikit-learn gives two columns all the same.
            assert len(one.classes_) == 1
            own = min(found, expected, key=lambda p: p.shape[1])
            np.testing.assert_array_equal(own, np.ones((X.shape[0], 1)))
            return
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


def assert_same_attributes(one, other):
    for attribute in ATTRIBUTES:
        assert hasattr(other, attribute) == hasattr(one, attribute), attribute
        if hasattr(one, attribute):
            expected, found = getattr(one, attribute), getattr(other, attribute)
            assert type(found) is type(expected), attribute
            assert found == expected, attribute
    if hasattr(one, "classes_"):
        np.testing.assert_array_equal(other.classes_, one.classes_)
    for attribute in ("coefs_", "intercepts_"):
        for a, b in zip(
            getattr(one, attribute), getattr(other, attribute), strict=True
        ):
            np.testing.assert_array_equal(a, b)
            assert a.dtype == b.dtype
            assert not np.shares_memory(a, b)


@every_target
@every_dtype
def test_from_sklearn(target, dtype):
    there = X.astype(dtype)
    model = make(neural_network, target).fit(there, TARGETS[target])
    estimator = from_sklearn(model)
    assert type(estimator).__module__.startswith("fastnn.")
    assert estimator.dtype == dtype
    assert_same_predictions(model, estimator, there, TOLERANCE[dtype])
    assert_same_attributes(model, estimator)
    theirs = model.get_params()
    assert {name: estimator.get_params()[name] for name in theirs} == theirs


@every_target
@every_dtype
def test_to_sklearn(target, dtype):
    estimator = make(fastnn, target, dtype=dtype).fit(X, TARGETS[target])
    model = estimator.to_sklearn()
    assert type(model).__module__.startswith("sklearn.")
    assert type(model).__name__ == type(estimator).__name__
    assert_same_predictions(estimator, model, X.astype(dtype), TOLERANCE[dtype])
    assert_same_attributes(estimator, model)
    theirs = model.get_params()
    assert {name: estimator.get_params()[name] for name in theirs} == theirs


@every_target
@pytest.mark.parametrize("curves", CURVES)
def test_there_and_back(target, curves):
    if target == "one class" and curves == "lbfgs":
        pytest.skip("nothing to minimise")
    if CURVES[curves].get("early_stopping") and not EARLY_STOPPING_OF_ALL_TARGETS:
        pytest.skip("scikit-learn before 1.9 stops early for numbers alone")
    model = make(neural_network, target, **CURVES[curves]).fit(X, TARGETS[target])
    back = from_sklearn(model).to_sklearn()
    assert_same_predictions(model, back, X, 0)
    assert_same_attributes(model, back)
    assert back.get_params() == model.get_params()


@every_target
@pytest.mark.parametrize("curves", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
def test_activations(target, curves, activation):
    parameters = CURVES[curves] | {"activation": activation, "dtype": "float64"}
    estimator = make(fastnn, target, **parameters).fit(X, TARGETS[target])
    assert_same_predictions(estimator, estimator.to_sklearn(), X, 1e-12)


@pytest.mark.parametrize("sizes", [(), 3, [5, 4, 3], np.array([4, 2])])
def test_sizes(sizes):
    estimator = make(fastnn, "multiclass", hidden_layer_sizes=sizes, dtype="float64")
    estimator.fit(X, number)
    assert_same_predictions(estimator, estimator.to_sklearn(), X, 1e-12)


@both_kinds
def test_feature_names(kind):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=list("abcde"))
    estimator = getattr(fastnn, kind)(max_iter=2).fit(frame, number)
    model = estimator.to_sklearn()
    assert list(model.feature_names_in_) == list("abcde")
    model.predict(frame)
    assert list(from_sklearn(model).feature_names_in_) == list("abcde")
    with pytest.raises(ValueError, match="feature names"):
        from_sklearn(model).predict(frame[list("edcba")])


@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("target", ["binary", "multiclass", "several"])
def test_training_goes_on_here(solver, target):
    """As it would have there: moments, learning rate and counts are taken over."""
    model = make(
        neural_network,
        target,
        solver=solver,
        learning_rate="invscaling",
        batch_size=16,
        shuffle=False,
    ).fit(X, TARGETS[target])
    estimator = from_sklearn(model)
    for _ in range(4):
        model.partial_fit(X, TARGETS[target])
        estimator.partial_fit(X, TARGETS[target])
    for ours, theirs in zip(estimator.coefs_, model.coefs_, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(estimator.loss_curve_, model.loss_curve_, rtol=1e-9)
    assert estimator.t_ == model.t_
    assert estimator.best_loss_ == pytest.approx(model.best_loss_)


@pytest.mark.parametrize("early_stopping", [True, False])
@pytest.mark.parametrize("target", ["binary", "multiclass", "single"])
def test_warm_starts_go_on(target, early_stopping):
    parameters = {"warm_start": True, "early_stopping": early_stopping}
    model = make(neural_network, target, **parameters).fit(X, TARGETS[target])
    estimator = from_sklearn(model).fit(X, TARGETS[target])
    assert estimator.loss_curve_[:3] == model.loss_curve_
    assert len(estimator.loss_curve_) == 6
    model = estimator.to_sklearn().fit(X, TARGETS[target])
    assert model.loss_curve_[:6] == estimator.loss_curve_
    assert len(model.loss_curve_) == 9
    if early_stopping:
        assert len(model.validation_scores_) == 9
        # What scikit-learn did not record is not known, and stays in step.
        assert np.isnan(estimator.validation_loss_curve_[:3]).all()
        assert np.isfinite(estimator.validation_loss_curve_[3:]).all()
        assert len(estimator.validation_loss_curve_) == 6


@every_target
def test_training_goes_on_there(target):
    estimator = make(fastnn, target).fit(X, TARGETS[target])
    model = estimator.to_sklearn()
    before = copy.deepcopy(estimator.coefs_)
    model.partial_fit(X, TARGETS[target])
    assert len(model.loss_curve_) == 4
    assert len(estimator.loss_curve_) == 3
    np.testing.assert_array_equal(estimator.coefs_[0], before[0])


def test_classes_that_y_lacks():
    estimator = fastnn.MLPClassifier(random_state=0)
    estimator.partial_fit(X, names[number % 2], classes=[*names, "dog"])
    model = estimator.to_sklearn()
    assert list(model.classes_) == ["ant", "bee", "cat", "dog"]
    assert_same_predictions(estimator, model, X.astype(np.float32), 1e-6)
    model.partial_fit(X, names[number])
    assert_same_predictions(model, from_sklearn(model), X, 1e-6)


def test_pickles():
    model = pickle.loads(
        pickle.dumps(make(neural_network, "multiclass").fit(X, number))
    )
    estimator = pickle.loads(pickle.dumps(from_sklearn(model)))
    assert_same_predictions(model, estimator, X, 1e-12)
    estimator.partial_fit(X, number)


def test_what_does_not_change_predictions_is_left_out():
    estimator = make(
        fastnn,
        "multiclass",
        activation=["tanh", "tanh"],
        dropout=[0.1, 0.2],
        class_weight="balanced",
        dtype="float64",
        n_jobs=1,
    ).fit(X, number, X_val=X, y_val=number)
    model = estimator.to_sklearn()
    assert model.activation == "tanh"
    assert_same_predictions(estimator, model, X, 1e-12)
    model.partial_fit(X, number)


def test_what_is_no_fitted_perceptron():
    with pytest.raises(NotFittedError):
        fastnn.MLPRegressor().to_sklearn()
    with pytest.raises(NotFittedError):
        from_sklearn(neural_network.MLPRegressor())
    model = make_pipeline(StandardScaler(), make(neural_network, "binary"))
    model.fit(X, TARGETS["binary"])
    with pytest.raises(TypeError, match=r"got Pipeline.*pipeline\[-1\]"):
        from_sklearn(model)
    from_sklearn(model[-1])


NOT_IN_ONNX = {
    "one class": "skl2onnx takes a single logistic output for two classes",
    "poisson": "skl2onnx does not know the activation exp",
}


@every_target
def test_onnx(target):
    """What skl2onnx makes of a converted model computes our predictions."""
    skl2onnx = pytest.importorskip("skl2onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    if target in NOT_IN_ONNX:
        pytest.skip(NOT_IN_ONNX[target])
    there = X.astype(np.float32)
    estimator = make(fastnn, target).fit(there, TARGETS[target])
    model = estimator.to_sklearn()
    options = None if target in REGRESSION else {id(model): {"zipmap": False}}
    exported = skl2onnx.to_onnx(model, there[:1], options=options)
    session = onnxruntime.InferenceSession(
        exported.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    found = session.run(None, {session.get_inputs()[0].name: there})
    expected = estimator.predict(there)
    if target in REGRESSION:
        np.testing.assert_allclose(
            found[0].reshape(expected.shape), expected, atol=1e-5
        )
        return
    if sparse.issparse(expected):
        expected = expected.toarray()
    np.testing.assert_array_equal(found[0], expected)
    np.testing.assert_allclose(found[1], estimator.predict_proba(there), atol=1e-5)
