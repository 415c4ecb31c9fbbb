"""Several columns of classes at once, as scikit-learn's forests take them."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import log_loss

from fastnn import MLPClassifier, Sequential
from fastnn.layers import Dense
from fastnn.losses import CrossEntropies
from fastnn.network import lower

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, y_iris = load_iris(return_X_y=True)
X = (X - X.mean(axis=0)) / X.std(axis=0)
Y = np.column_stack([y_iris, X[:, 0] > 0, np.minimum(y_iris, 1) + 5])
NAMES = np.array(["a", "bb", "ccc", "d", "e", "f", "g"])
CLASSES = [[0, 1, 2], [0, 1], [5, 6]]


def network(**params):
    params = {"max_iter": 5, "random_state": 0, "learning_rate_init": 0.02, **params}
    return MLPClassifier((10,), **params)


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("targets", [Y, NAMES[Y], NAMES[Y].astype(object)])
@pytest.mark.parametrize("container", [np.asarray, pd.DataFrame])
def test_learns_all_columns(targets, container, solver):
    model = network(solver=solver, max_iter=100, tol=1e-3).fit(X, container(targets))
    predictions = model.predict(X)
    assert predictions.shape == targets.shape
    assert (predictions == targets).mean(axis=0).min() > 0.9
    forest = RandomForestClassifier(2, random_state=0).fit(X, container(targets))
    assert predictions.dtype == forest.predict(X).dtype
    assert [c.dtype for c in model.classes_] == [c.dtype for c in forest.classes_]
    for one, other in zip(model.classes_, forest.classes_, strict=True):
        np.testing.assert_array_equal(one, other)
    assert model.n_outputs_ == 3 + 2 + 2
    assert model.out_activation_ == "softmax"


def test_probabilities_are_lists():
    model = network().fit(X, Y)
    probabilities, logs = model.predict_proba(X), model.predict_log_proba(X)
    assert isinstance(probabilities, list)
    assert [p.shape for p in probabilities] == [(150, 3), (150, 2), (150, 2)]
    predictions = model.predict(X)
    for number, (p, log_p) in enumerate(zip(probabilities, logs, strict=True)):
        np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-6)
        np.testing.assert_array_equal(
            predictions[:, number], model.classes_[number][p.argmax(axis=1)]
        )
        np.testing.assert_allclose(np.log(p), log_p, rtol=1e-6)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_the_loss_is_the_sum_of_the_columns(solver):
    model = network(solver=solver, alpha=0, dtype="float64")
    weight = np.linspace(0, 1, 150)
    if solver == "lbfgs":
        loss = model.fit(X, Y, weight).loss_
    else:
        model.fit(X, Y, X_val=X, y_val=Y, sample_weight_val=weight)
        loss = model.validation_loss_curve_[-1]
    expected = [
        log_loss(column, p, sample_weight=weight)
        for column, p in zip(Y.T, model.predict_proba(X), strict=True)
    ]
    assert loss == pytest.approx(sum(expected))


def test_score_raises_as_that_of_forests():
    messages = []
    for model in (network(), RandomForestClassifier(2)):
        with pytest.raises(ValueError, match="multiclass-multioutput") as error:
            model.fit(X, Y).score(X, Y)
        messages.append(str(error.value))
    assert messages[0] == messages[1]


@pytest.mark.parametrize("weight", [None, np.linspace(0, 1, 150)])
def test_validation_score_is_the_mean_accuracy(weight):
    model = network().fit(X, Y, X_val=X, y_val=Y, sample_weight_val=weight)
    right = (model.predict(X) == Y).mean(axis=1)
    expected = np.average(right, weights=weight)
    assert model.validation_scores_[-1] == pytest.approx(expected)
    model.set_params(early_stopping=True).fit(X, Y)
    assert len(model.validation_scores_) == 5
    assert model.best_validation_score_ == max(model.validation_scores_)


def test_partial_fit():
    model = network()
    # The first batch looks like a label indicator matrix and lacks classes.
    first = np.column_stack([Y[:50, 0], Y[:50, 1], Y[:50, 2]])
    model.partial_fit(X[:50], first, classes=CLASSES)
    for _ in range(60):
        model.partial_fit(X[50:], Y[50:]).partial_fit(X, Y, classes=CLASSES)
    assert (model.predict(X) == Y).mean() > 0.9
    twin = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(twin.predict(X), model.predict(X))
    model.partial_fit(X, Y)
    twin.partial_fit(X, Y)
    np.testing.assert_array_equal(twin.coefs_[0], model.coefs_[0])


def test_zeros_and_ones_are_columns_of_classes_where_classes_say_so():
    labels = (Y > 0).astype(int)
    model = network().partial_fit(X, labels, classes=[[0, 1, 2], [0, 1], [0, 1]])
    assert [p.shape[1] for p in model.predict_proba(X)] == [3, 2, 2]
    model = network().fit(X, labels)
    assert model.predict_proba(X).shape == (150, 3)


def test_a_column_of_one_class():
    targets = np.column_stack([y_iris, np.full(150, 7)])
    model = network().fit(X, targets)
    np.testing.assert_array_equal(model.predict(X)[:, 1], 7)
    assert model.predict_proba(X)[1].shape == (150, 1)


def test_class_weights():
    class_weight = [{0: 2.0}, {0: 1, 1: 3}, {5: 0.5, 6: 1}]
    weight = np.where(Y[:, 0] == 0, 2.0, 1.0) * np.where(Y[:, 1] == 1, 3, 1)
    weight *= np.where(Y[:, 2] == 5, 0.5, 1)
    one = network(class_weight=class_weight, dtype="float64").fit(X, Y)
    other = network(dtype="float64").fit(X, Y, weight)
    np.testing.assert_allclose(one.coefs_[0], other.coefs_[0], atol=1e-12)
    assert network(class_weight="balanced").fit(X, Y).n_iter_ == 5


def test_warm_start():
    model = network(warm_start=True).fit(X, Y)
    before = model.loss_
    assert model.fit(X, Y).loss_ < before
    with pytest.raises(ValueError, match=r"Previously got .* in column 0"):
        model.fit(X, np.column_stack([np.minimum(Y[:, 0], 1), Y[:, 1], Y[:, 2] + 1]))


@pytest.mark.parametrize(
    ("targets", "classes", "message"),
    [
        (Y + 1, None, r"column 0 of `y` has classes not in `self.classes_`"),
        (Y[:, :2], None, r"y has shape \(150, 2\), .* fitted with 3 columns"),
        (Y[:, 0], None, r"y has shape \(150,\), .* fitted with 3 columns"),
        (Y, CLASSES[:2], "not the same as on last call"),
        (Y, [[0, 1, 2], [0, 1], [5, 7]], "not the same as on last call"),
        (Y, [0, 1, 2], "not the same as on last call"),
    ],
)
def test_further_targets_that_differ(targets, classes, message):
    model = network().fit(X, Y)
    before = model.coefs_[0].copy()
    with pytest.raises(ValueError, match=message):
        model.partial_fit(X, targets, classes=classes)
    np.testing.assert_array_equal(model.coefs_[0], before)


@pytest.mark.parametrize("classes", [[0, 1, 2], CLASSES[:2], [[0, 1, 2]]])
def test_the_first_partial_fit_needs_classes_for_each_column(classes):
    with pytest.raises(ValueError, match="one array of classes for each of the 3"):
        network().partial_fit(X, Y, classes=classes)


def test_the_first_partial_fit_checks_the_classes():
    with pytest.raises(ValueError, match="column 2 of `y` has classes not in"):
        network().partial_fit(X, Y, classes=[[0, 1, 2], [0, 1], [5, 7]])
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        network().partial_fit(X, Y)


def test_a_model_of_one_column_takes_no_more():
    model = network().fit(X, y_iris)
    with pytest.raises(ValueError, match="y is multiclass-multioutput, but the model"):
        model.partial_fit(X, Y)


@pytest.mark.parametrize(
    "n_classes", [[np.nan, 2], [1.5, 2], [0, 3], [None], ["a"], [], [1, 1]]
)
def test_numbers_of_classes_are_integers(n_classes):
    loss = CrossEntropies(n_classes)
    with pytest.raises(ValueError, match=r"n_classes=.* must be integers of 1 or more"):
        lower(Sequential([Dense(3)]), input_shape=(2,), loss=loss)
