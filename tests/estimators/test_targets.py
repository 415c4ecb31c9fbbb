"""What y means: labels, indicators, columns of classes, numbers, or nothing."""

import datetime
from fractions import Fraction

import numpy as np
import pandas as pd
import polars
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.model_selection import KFold, cross_val_predict

from fastnn import (
    MLPClassifier,
    MLPRegressor,
    NeuralNetClassifier,
    NeuralNetRegressor,
    Sequential,
    from_sklearn,
    losses,
)
from fastnn.callbacks import LearningRateFinder
from fastnn.layers import Activation, Dense

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 3))
side = (X[:, 0] > 0).astype(int)
BITS = np.column_stack([side, 1 - side, X[:, 1] > 0])
ONE_HOT = np.eye(3, dtype=int)[rng.integers(0, 3, 60)]
DATES = pd.Series(pd.date_range("2020", periods=60))
CLASSIFIERS = {
    "mlp": lambda **params: MLPClassifier((8,), max_iter=2, random_state=0, **params),
    "net": lambda **params: NeuralNetClassifier(epochs=2, random_state=0, **params),
}
REGRESSORS = {
    "mlp": lambda **params: MLPRegressor(max_iter=2, random_state=0, **params),
    "net": lambda **params: NeuralNetRegressor(epochs=2, random_state=0, **params),
}
classifiers = pytest.mark.parametrize("make", CLASSIFIERS.values(), ids=CLASSIFIERS)
regressors = pytest.mark.parametrize("make", REGRESSORS.values(), ids=REGRESSORS)

# ------------------------------------------------------- columns of two numbers


@classifiers
@pytest.mark.parametrize("numbers", [(1, 2), (-1, 1), (0, 2), (1.0, 2.0), (0, -1)])
@pytest.mark.parametrize("container", [np.asarray, pd.DataFrame, np.ndarray.tolist])
def test_two_numbers_in_all_columns_are_classes(make, numbers, container):
    Y = np.array(numbers)[BITS]
    model = make().fit(X, container(Y), X_val=X, y_val=container(Y))
    for classes in model.classes_:
        np.testing.assert_array_equal(classes, np.sort(numbers))
    assert set(np.unique(model.predict(X))) <= set(numbers)
    model = make().partial_fit(X, container(Y), classes=[numbers] * 3)
    assert [p.shape for p in model.predict_proba(X)] == [(60, 2)] * 3


@classifiers
@pytest.mark.parametrize("kind", [int, float, bool, sparse.csr_matrix])
def test_zeros_and_ones_are_indicators(make, kind):
    Y = kind(BITS) if kind is sparse.csr_matrix else BITS.astype(kind)
    assert make().fit(X, Y).predict_proba(X).shape == (60, 3)


def test_the_learning_rate_finder_tells_columns_of_classes():
    finder = LearningRateFinder(NeuralNetClassifier(), n_steps=2)
    assert len(finder.fit(X, BITS + 1).losses_) == 2


@classifiers
@pytest.mark.parametrize(
    ("Y", "found"),
    [
        (sparse.csr_matrix(BITS + 1), "number [12]"),
        (sparse.csr_array(BITS * 2), "number 2"),
        (sparse.csr_matrix(BITS[:, :1]), "one column"),
    ],
)
def test_other_sparse_targets_are_refused(make, Y, found):
    with pytest.raises(ValueError, match=f"sparse y must be .* got (the )?{found}"):
        make().fit(X, Y)
    if Y.shape[1] > 1:
        with pytest.raises(ValueError, match=r"Validation data .* sparse y must be"):
            make().fit(X, BITS, X_val=X, y_val=Y)


# ------------------------------------------------------- classes=


WORDS = ["c", "a", "b"]


@classifiers
@pytest.mark.parametrize(
    "classes",
    [
        pd.Series(WORDS, index=[1000, 7, 8]),
        pd.Index(WORDS),
        pd.Series(WORDS, dtype="category"),
        pd.DataFrame({"label": WORDS}, index=[5, 6, 7]),
        polars.Series(WORDS),
        polars.DataFrame({"label": WORDS}),
        set(WORDS),
        frozenset(WORDS),
        dict.fromkeys(WORDS).keys(),
        "cab".__iter__,
        np.array(WORDS, dtype=object),
        [WORDS],
    ],
    ids=lambda classes: type(classes).__name__,
)
def test_classes_in_any_container(make, classes):
    if callable(classes):  # an iterator is used up by each call
        classes = classes()
    model = make().partial_fit(X, np.where(side, "a", "b"), classes=classes)
    assert list(model.classes_) == ["a", "b", "c"]


@pytest.mark.parametrize(
    "classes", [range(3), pd.Series([2, 1, 0], dtype="Int64"), polars.Series([0, 1, 2])]
)
def test_classes_that_are_numbers(classes):
    model = NeuralNetClassifier().partial_fit(X, side, classes=classes)
    np.testing.assert_array_equal(model.classes_, [0, 1, 2])


@classifiers
@pytest.mark.parametrize(
    "classes",
    [
        pd.DataFrame({"one": [1, 2], "two": [2, 1], "three": [1, 2]}),
        polars.DataFrame({"one": [1, 2], "two": [2, 1], "three": [1, 2]}),
        [{1, 2}, range(1, 3), pd.Series([1, 2], index=[8, 9])],
        [[1, 2], [1, 2], [1, 2]].__iter__,
    ],
    ids=lambda classes: type(classes).__name__,
)
def test_classes_of_several_columns(make, classes):
    classes = classes() if callable(classes) else classes
    model = make().partial_fit(X[:1], BITS[:1] + 1, classes=classes)
    assert [list(each) for each in model.classes_] == [[1, 2]] * 3


@classifiers
@pytest.mark.parametrize(
    "classes",
    ["ab", b"ab", 3, np.array(3), {1: 2}, [], [1, "a"], [0.0, np.nan], [0, None]],
)
def test_what_are_no_classes(make, classes):
    with pytest.raises(ValueError, match="classes must"):
        make().partial_fit(X, side, classes=classes)


# ------------------------------------------------------- a single class

ONE = np.zeros(60, int)


@pytest.mark.parametrize(
    "given",
    [
        *(make() for make in CLASSIFIERS.values()),
        *(
            NeuralNetClassifier(loss=loss, epochs=2)
            for loss in (
                *("focal", "hinge", "squared_hinge"),
                *(losses.CrossEntropy(), losses.Focal(), losses.MultiMargin()),
            )
        ),
        NeuralNetClassifier(Sequential([Dense(1, "sigmoid")]), epochs=2),
        NeuralNetClassifier(Sequential([Dense(2, "softmax")]), epochs=2),
        MLPClassifier((4,), solver="lbfgs", max_iter=2),
        MLPClassifier((4,), early_stopping=True, max_iter=2),
    ],
    ids=str,
)
def test_a_single_class(given):
    options = given.get_params()
    epochs = options.get("solver") != "lbfgs" and options["early_stopping"] is not True
    calls = [lambda: clone(given).fit(X, ONE)]
    if epochs:
        calls.append(lambda: clone(given).partial_fit(X, ONE, classes=[0]))
    for call in calls:
        model = call()
        assert model.classes_.tolist() == [0]
        np.testing.assert_array_equal(model.predict(X), ONE)
        assert model.score(X, ONE) == 1
        if hasattr(model, "predict_proba"):
            np.testing.assert_array_equal(model.predict_proba(X), np.ones((60, 1)))
            np.testing.assert_array_equal(model.predict_log_proba(X), np.zeros((60, 1)))
        else:
            assert model.decision_function(X).shape == (60,)


@classifiers
@pytest.mark.parametrize("method", ["predict_proba", "predict_log_proba"])
@pytest.mark.filterwarnings("ignore:Number of classes in training fold")
def test_folds_of_a_single_class(make, method):
    found = cross_val_predict(
        make(), X, np.repeat([0, 1], 30), cv=KFold(2), method=method
    )
    assert found.shape == (60, 2)


def test_a_single_class_from_scikit_learn():
    model = CLASSIFIERS["mlp"]().fit(X, ONE)
    again = from_sklearn(model.to_sklearn())
    np.testing.assert_array_equal(again.predict_proba(X), np.ones((60, 1)))


# ------------------------------------------------------- what is no number

NO_NUMBERS = {
    "dates": DATES.to_numpy(),
    "series": DATES,
    "time zone": DATES.dt.tz_localize("UTC"),
    "durations": DATES - DATES[0],
    "frame": pd.DataFrame({"day": DATES, "number": 1.0}),
    "polars": polars.Series([datetime.date(2020, 1, 1)] * 60),
    "polars durations": polars.Series([datetime.timedelta(1)] * 60),
    "datetimes": [datetime.datetime(2020, 1, 1)] * 60,
    "complex": X[:, 0] + 1j,
    "words": ["1.5"] * 60,
    "None": [None] * 60,
    "huge": [10**400] * 60,
    "sparse": sparse.csr_matrix(X[:, :2]),
    "records": np.zeros(60, [("a", "f4"), ("b", "f4")]),
    "bytes of no kind": np.zeros(60, "V4"),
}


@regressors
@pytest.mark.parametrize("y", NO_NUMBERS.values(), ids=NO_NUMBERS)
def test_targets_that_are_no_real_numbers(make, y):
    for method in ("fit", "partial_fit"):
        with pytest.raises(ValueError, match=r"\by (must|is sparse|holds)"):
            getattr(make(), method)(X, y)
    with pytest.raises(ValueError, match=r"\by_val (must|is sparse|holds)"):
        make().fit(X, X[:, 0], X_val=X, y_val=y)


@regressors
def test_objects_and_booleans_may_be_numbers(make):
    expected = make().fit(X, side / 2).predict(X)
    for y in ([Fraction(int(i), 2) for i in side], (side / 2).astype(object)):
        np.testing.assert_array_equal(make().fit(X, y).predict(X), expected)
    expected = make().fit(X, side).predict(X)
    np.testing.assert_array_equal(make().fit(X, side == 1).predict(X), expected)


@regressors
def test_features_that_are_dates(make):
    for dates in (
        DATES.to_frame(),
        np.column_stack([DATES, DATES]),
        pd.DataFrame({"day": DATES, "number": 1.0}),
    ):
        with pytest.raises(ValueError, match="X must hold real numbers, got datetime"):
            make().fit(dates, X[:, 0])
    with pytest.raises(ValueError, match="X must hold real numbers, got datetime"):
        make().fit(X[:, :1], X[:, 0]).predict(DATES.to_frame().to_numpy())


@classifiers
def test_labels_of_other_types(make):
    for labels in (
        DATES.to_numpy()[side],
        pd.Series(["u", "v"], dtype="category")[side],
    ):
        model = make().fit(X, labels)
        assert set(model.predict(X)) <= set(np.asarray(labels))
    days = DATES.to_numpy()[side].copy()
    days[3] = np.datetime64("NaT")
    with pytest.raises(ValueError, match="y contains NaT"):
        make().fit(X, days)
    with pytest.raises(ValueError, match=r"y must hold words.*\(Timestamp\)"):
        make().fit(X, DATES.dt.tz_localize("UTC"))
    with pytest.raises(ValueError, match="y holds complex128"):
        make().fit(X, X[:, 0] + 1j)


# ------------------------------------------------------- one-hot rows


@pytest.mark.parametrize(
    "params",
    [
        {"network": Sequential([Dense(8, "relu"), Dense(3, "softmax")])},
        {"network": Sequential([Dense(8, "relu"), Dense(3), Activation("softmax")])},
        {"network": Sequential([Dense(3, "softmax")]), "loss": losses.LogLoss()},
        {"loss": losses.CrossEntropy()},
        {"loss": losses.Focal()},
        {"loss": losses.SoftCrossEntropy()},
    ],
    ids=str,
)
def test_one_hot_rows_meet_a_softmax(params):
    model = NeuralNetClassifier(epochs=2, **params)
    for y in (ONE_HOT, ONE_HOT == 1, sparse.csr_matrix(ONE_HOT), pd.DataFrame(ONE_HOT)):
        with pytest.raises(
            ValueError, match=r"one-hot.*y.argmax\(axis=1\)|in place of one"
        ):
            model.fit(X, y)
    if not isinstance(params.get("loss"), losses.SoftCrossEntropy | losses.LogLoss):
        assert model.fit(X, ONE_HOT.argmax(axis=1)).predict_proba(X).shape == (60, 3)
