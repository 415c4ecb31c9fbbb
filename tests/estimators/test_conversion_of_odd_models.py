"""Models of scikit-learn with odd numbers, and those that cannot be converted."""

import copy

import numpy as np
import pytest
from sklearn import neural_network
from test_conversion import (
    OLD_WARNINGS,
    TARGETS,
    X,
    assert_same_predictions,
    make,
    number,
)

import fastnn
from fastnn import from_sklearn

pytestmark = OLD_WARNINGS

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
