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

pytestmark = [
    pytest.mark.filterwarnings(
        f"ignore::{ConvergenceWarning.__module__}.{ConvergenceWarning.__name__}"
    ),
    # Older versions of scikit-learn call newer ones of SciPy.
    pytest.mark.filterwarnings("ignore:scipy.optimize:DeprecationWarning"),
]

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


KINDS_OF_NUMBERS = {
    "float16": (lambda array: array.astype(np.float16), "float32"),
    "float32": (lambda array: array.astype(np.float32), "float32"),
    "big-endian": (lambda array: array.astype(">f8"), "float64"),
    "small big-endian": (lambda array: array.astype(">f4"), "float32"),
    "longdouble": (lambda array: array.astype(np.longdouble), "float64"),
    "int8": (lambda array: array.astype(np.int8), "float64"),
    "int64": (lambda array: array.astype(np.int64), "float64"),
    "uint8": (lambda array: abs(array).astype(np.uint8), "float64"),
    "bool": (lambda array: array > 0, "float64"),
    "Fortran order": (np.asfortranarray, "float64"),
    "strided": (lambda array: np.repeat(array, 2, axis=0)[::2], "float64"),
    "reversed": (lambda array: array[::-1].copy()[::-1], "float64"),
    "objects": (lambda array: array.astype(object), "float64"),
    "lists": (lambda array: array.tolist(), "float64"),
}


@pytest.mark.parametrize("kind", KINDS_OF_NUMBERS)
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_weights_of_any_numbers(kind, solver):
    change, dtype = KINDS_OF_NUMBERS[kind]
    model = make(neural_network, "single", solver=solver, hidden_layer_sizes=(7,))
    model.fit(X, TARGETS["single"])
    whole = [np.round(9 * each) for each in (*model.coefs_, *model.intercepts_)]
    model.coefs_ = [change(each) for each in whole[:2]]
    model.intercepts_ = [change(each) for each in whole[2:]]
    estimator = from_sklearn(model)
    assert estimator.dtype == estimator.coefs_[0].dtype == dtype
    model.coefs_ = [np.asarray(each, float) for each in model.coefs_]
    model.intercepts_ = [np.asarray(each, float) for each in model.intercepts_]
    assert_same_predictions(model, estimator, X, 1e-5 if dtype == "float32" else 1e-12)


@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("kind", ["float16", "int64", "big-endian", "strided"])
def test_moments_of_any_numbers(solver, kind):
    change, _ = KINDS_OF_NUMBERS[kind]
    model = make(neural_network, "single", solver=solver).fit(X, TARGETS["single"])
    for name in ("ms", "vs") if solver == "adam" else ("velocities",):
        moments = getattr(model._optimizer, name)
        setattr(model._optimizer, name, [change(each) for each in moments])
    from_sklearn(model).partial_fit(X, TARGETS["single"])


@pytest.mark.parametrize(
    ("attribute", "change", "message"),
    [
        ("coefs_", lambda each: each.astype(complex), r"coefs_\[0\].*complex"),
        ("coefs_", lambda each: each.astype(str), r"coefs_\[0\].*real numbers"),
        ("intercepts_", lambda each: each.astype("M8[s]"), r"intercepts_\[0\]"),
        (
            "coefs_",
            lambda each: np.full(each.shape, "a", object),
            r"coefs_\[0\].*object",
        ),
        ("coefs_", lambda each: each[:-1], r"coefs_\[0\] .* must have shape"),
        ("intercepts_", lambda each: each[:1], r"intercepts_\[0\] .* shape"),
        ("intercepts_", lambda each: each[0], r"intercepts_\[0\] .* shape"),
        ("coefs_", lambda each: each[:, :, None], r"coefs_\[0\] .* shape"),
        (
            "coefs_",
            lambda each: (
                np.full(each.shape, 1e4000, np.longdouble)
                if np.finfo(np.longdouble).max > 1e4000
                else each[:1]
            ),
            r"coefs_\[0\]",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow")
def test_weights_that_are_none(attribute, change, message):
    model = make(neural_network, "single").fit(X, TARGETS["single"])
    setattr(model, attribute, [change(each) for each in getattr(model, attribute)])
    with pytest.raises(ValueError, match=message):
        from_sklearn(model)


@pytest.mark.parametrize("attribute", ["coefs_", "intercepts_"])
def test_a_layer_without_weights(attribute):
    model = make(neural_network, "single").fit(X, TARGETS["single"])
    setattr(model, attribute, getattr(model, attribute)[:-1])
    with pytest.raises(ValueError, match=f"{attribute} .* must hold"):
        from_sklearn(model)


def test_moments_that_are_none():
    model = make(neural_network, "single").fit(X, TARGETS["single"])
    model._optimizer.vs[1] = model._optimizer.vs[1].astype(str)
    with pytest.raises(ValueError, match=r"_optimizer.vs\[1\]"):
        from_sklearn(model)


NO_COUNTS = ["3", 3.0, -1, None]
NO_RATES = ["0.1", 0, -1.0, np.nan, np.inf, None]
DAMAGES = {
    "coefs_": [None, "a", 3],
    "intercepts_": [None],
    "n_features_in_": [*NO_COUNTS, 0],
    "n_outputs_": [*NO_COUNTS, 0],
    "classes_": [None, ["a", "b", "c"]],
    "_label_binarizer": [None],
    "_random_state": [None, 3],
    "_no_improvement_count": NO_COUNTS,
    "t_": NO_COUNTS,
    "loss_": [None, "low"],
    "loss_curve_": [None, 3, [None], ["low"]],
    "best_loss_": [None, "low"],
    "validation_scores_": [3, ["high"]],
    "_optimizer": [None],
    "_optimizer.t": ["x", *NO_COUNTS],
    "_optimizer.ms": [None],
    "_optimizer.learning_rate_init": NO_RATES,
}
OF_SGD = {"_optimizer.learning_rate": NO_RATES, "_optimizer.velocities": [None]}


@pytest.mark.parametrize("value", ["missing", "wrong"])
@pytest.mark.parametrize(
    ("solver", "path", "values"),
    [("adam", *item) for item in DAMAGES.items()]
    + [("sgd", *item) for item in OF_SGD.items()],
)
def test_damaged_attributes(solver, path, values, value):
    fitted = make(neural_network, "multiclass", solver=solver).fit(X, number)
    if value == "missing":
        # Without the first no training goes on, and by the second Adam is known.
        values = [] if path in ("_optimizer", "_optimizer.ms") else ["missing"]
    for each in values:
        model = copy.deepcopy(fitted)
        owner, _, name = path.rpartition(".")
        holder = getattr(model, owner) if owner else model
        if each == "missing":
            delattr(holder, name)
        else:
            setattr(holder, name, each)
        with pytest.raises(ValueError, match=f"model is damaged: The '{path}"):
            from_sklearn(model)


@pytest.mark.parametrize("value", [None, "high"])
def test_damaged_best_scores(value):
    model = make(neural_network, "single", early_stopping=True)
    model.fit(X, TARGETS["single"]).best_validation_score_ = value
    with pytest.raises(ValueError, match="The 'best_validation_score_' attribute of"):
        from_sklearn(model)


def test_parameters_that_changed_since_fit_do_not_count():
    estimator = make(fastnn, "single", dtype="float64").fit(X, TARGETS["single"])
    model = estimator.set_params(activation="relu", loss="poisson").to_sklearn()
    assert model.activation == "tanh"
    assert model.loss == "squared_error"
    assert_same_predictions(estimator, model, X, 1e-12)


def test_a_random_state_is_copied():
    estimator = make(fastnn, "binary", random_state=np.random.RandomState(3))
    model = estimator.fit(X, TARGETS["binary"]).to_sklearn()
    assert model.random_state is not estimator.random_state


@pytest.mark.parametrize("kind", ["MLPClassifier", "MLPRegressor"])
@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"activation": "exponential"}, "no activation='exponential'"),
        (
            {"activation": ["relu", "tanh"], "hidden_layer_sizes": (3, 2)},
            r"one activation for all.*\['relu', 'tanh'\]",
        ),
    ],
)
def test_activations_that_scikit_learn_lacks(kind, parameters, message):
    estimator = getattr(fastnn, kind)(max_iter=2, **parameters).fit(X / 10, number)
    with pytest.raises(ValueError, match=message):
        estimator.to_sklearn()


@pytest.mark.parametrize("loss", ["absolute_error", "huber", "quantile"])
def test_losses_that_scikit_learn_lacks(loss):
    estimator = fastnn.MLPRegressor(loss, max_iter=2).fit(X, number)
    with pytest.raises(ValueError, match=f"no loss='{loss}'"):
        estimator.to_sklearn()


def test_targets_that_scikit_learn_lacks():
    y = np.column_stack([number, number[::-1]])
    estimator = fastnn.MLPClassifier(max_iter=2).fit(X, y)
    with pytest.raises(ValueError, match="2 columns of classes"):
        estimator.to_sklearn()


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
