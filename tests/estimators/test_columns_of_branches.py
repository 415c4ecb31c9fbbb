"""Data frames feed branches by the names of their columns."""

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.compose import make_column_selector
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastnn import (
    Branches,
    Heads,
    NeuralNet,
    NeuralNetClassifier,
    NeuralNetRegressor,
    Sequential,
    Targets,
)
from fastnn.layers import BatchNorm, Dense
from fastnn.optimizers import Adam

N = 150


@pytest.fixture(scope="module")
def X():
    rng = np.random.RandomState(0)
    return pd.DataFrame(
        {
            "age": rng.randint(18, 80, N),
            "region_a": rng.rand(N) < 0.3,
            "income": rng.normal(size=N).astype(np.float32),
            "region_b": rng.rand(N) < 0.6,
            "score": rng.normal(size=N),
        }
    )


@pytest.fixture(scope="module")
def y(X):
    return np.where(X["income"] + X["region_a"] > 0.2, "yes", "no")


def network():
    return Sequential(
        [
            Branches(
                [
                    ("numbers", Sequential([BatchNorm(), Dense(6)]), ["income", "age"]),
                    ("region", Dense(3, "relu"), make_column_selector("^region_")),
                    ("others", Dense(2, "relu"), "rest"),
                ]
            ),
            Dense(5, "relu"),
        ]
    )


def model(**options):
    options = {"epochs": 3, "random_state": 0, "dtype": "float64"} | options
    return NeuralNetClassifier(options.pop("network", network()), **options)


def test_branches_read_what_they_name(X, y):
    """As a network over the columns that the branches read, in their order."""
    fitted = model().fit(X, y)
    order = ["income", "age", "region_a", "region_b", "score"]
    by_position = Branches(
        [
            ("numbers", Sequential([BatchNorm(), Dense(6)]), slice(0, 2)),
            ("region", Dense(3, "relu"), slice(2, 4)),
            ("others", Dense(2, "relu"), slice(4, 5)),
        ]
    )
    other = model(network=Sequential([by_position, Dense(5, "relu")]))
    values = X[order].to_numpy(np.float64)
    expected = other.fit(values, y).predict_proba(values)
    assert_allclose(fitted.predict_proba(X), expected, rtol=1e-10)


def test_the_users_network_stays_as_it_was(X, y):
    described = network()
    fitted = model(network=described).fit(X, y)
    assert fitted.network is described
    assert described.layers[0].branches[2][2] == "rest"


def test_it_works_within_scikit_learn(X, y):
    grid = {"network__branches__numbers__dense__units": [2, 4]}
    search = GridSearchCV(model(), grid, cv=2, error_score="raise").fit(X, y)
    copy = pickle.loads(pickle.dumps(search.best_estimator_))
    assert_array_equal(copy.predict(X), search.predict(X))
    scaled = make_pipeline(StandardScaler().set_output(transform="pandas"), model())
    found = cross_validate(scaled, X, y, cv=3, error_score="raise")
    assert (found["test_score"] > 0.4).all()


def test_polars_frames(X, y):
    polars = pytest.importorskip("polars")
    table = polars.DataFrame({name: X[name].tolist() for name in X})
    named = Branches([("a", Dense(3), ["age", "income"]), ("b", Dense(2), "rest")])
    fitted = NeuralNetClassifier(named, epochs=1, random_state=0).fit(table, y)
    expected = NeuralNetClassifier(named, epochs=1, random_state=0).fit(X, y)
    assert_array_equal(fitted.predict(table), expected.predict(X))


def test_overlapping_columns_add_their_gradients(X):
    target = X["score"] * 2 + X["income"]
    overlapping = Branches(
        [("a", Dense(4, "tanh"), ["score", "income"]), ("b", Dense(4), ["income"])]
    )
    fitted = NeuralNetRegressor(
        overlapping, optimizer=Adam(0.01), epochs=60, random_state=0
    )
    assert fitted.fit(X, target).score(X, target) > 0.9


def test_heads_on_branches(X, y):
    heads = Heads([("churn", Dense(4, "relu")), ("value", Dense(4, "relu"))])
    two = Sequential([*network().layers, heads])
    targets = pd.DataFrame({"churn": y, "value": X["score"] * 2})
    fitted = NeuralNet(two, random_state=0).fit(X, targets)
    assert list(fitted.predict(X).columns) == ["churn", "value"]
    assert fitted.score(X, Targets(churn=y, value=targets["value"])) < 0


def test_warm_starts_read_the_same_columns(X, y):
    fitted = model(warm_start=True).fit(X, y).fit(X, y)
    assert len(fitted.loss_curve_) == 6
    renamed = X.rename(columns={"region_a": "place", "score": "region_z"})
    with pytest.raises(ValueError, match="feature names"):
        fitted.fit(renamed, y)
    by_dtype = Branches(
        [
            ("floats", Dense(3), make_column_selector(dtype_include="floating")),
            ("rest", Dense(2), "rest"),
        ]
    )
    fitted = model(network=by_dtype, warm_start=True).fit(X, y)
    other = X.astype({"income": int, "age": float})
    with pytest.raises(ValueError, match=r"'floats' now reads the columns \[0, 4\]"):
        fitted.fit(other, y)
    with pytest.raises(ValueError, match="'floats' now reads"):
        fitted.partial_fit(other, y)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (["age", "ages"], r"branch 'a' selects the column 'ages', but the columns are"),
        ([], "branch 'a' has no columns"),
        (make_column_selector("^nothing"), "branch 'a' has no columns"),
        ([0, 7], "branch 'a' selects the column 7, but there are 5"),
        ([True, False], "branch 'a' has a mask of 2 columns, but there are 5"),
        (3.5, "branch 'a' must select its columns by name"),
        ([None], "branch 'a' must select its columns by name"),
    ],
)
def test_columns_that_are_not_there(columns, message, X, y):
    wrong = Branches([("a", Dense(2), columns), ("b", Dense(2))])
    with pytest.raises(ValueError, match=message):
        model(network=wrong).fit(X, y)


def test_names_need_a_frame(X, y):
    for fitted in (model(),):
        with pytest.raises(ValueError, match="Pass X as a DataFrame"):
            fitted.fit(X.to_numpy(np.float64), y)


def test_predictions_ask_for_the_same_columns(X, y):
    fitted = model().fit(X, y)
    for wrong in (X[X.columns[::-1]], X.drop(columns="age"), X.assign(new=1.0)):
        with pytest.raises(ValueError, match="feature names"):
            fitted.predict(wrong)


def nested(*inner, outer=("income", "region_a", "region_b", "age")):
    """Branches that select of what a branch selects, some way down in it."""
    within = Sequential([Sequential([]), Branches(list(inner))])
    return Branches([("score", Dense(2), "score"), ("person", within, list(outer))])


def test_names_go_through_branches_within_branches(X, y):
    pairs = [
        (
            ("age", Dense(3, "tanh"), "age"),
            ("region", Dense(2), make_column_selector("^region_")),
            ("others", Sequential([]), "rest"),
        ),
        (
            ("age", Dense(3, "tanh"), 3),
            ("region", Dense(2), [1, 2]),
            ("others", Sequential([]), 0),
        ),
    ]
    first, second = (model(network=nested(*each)).fit(X, y) for each in pairs)
    for mine, other in zip(first.coefs_, second.coefs_, strict=True):
        assert_array_equal(mine, other)
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame(X.to_dict(orient="list"))
    # scikit-learn's selector is for pandas.
    names = ("region", Dense(2), lambda X: [n for n in X.columns if "region" in n])
    inner = (pairs[0][0], names, pairs[0][2])
    third = model(network=nested(*inner)).fit(frame, y)
    assert_allclose(third.predict_proba(frame), first.predict_proba(X))


def test_a_slice_of_names_within_branches(X, y):
    inner = ("some", Dense(3), slice("region_a", "age"))
    fitted = model(network=nested(inner)).fit(X, y)
    assert fitted.coefs_[1].shape == (3, 3)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            "score",
            r"'inner' selects the column 'score', but the columns are \['income'",
        ),
        (4, r"'inner' selects the column 4, but there are 4"),
        (make_column_selector("^score"), "'inner' has no columns"),
    ],
)
def test_columns_that_a_branch_around_does_not_select(columns, message, X, y):
    with pytest.raises(ValueError, match=message):
        model(network=nested(("inner", Dense(2), columns))).fit(X, y)


def test_branches_in_several_places_read_the_same_columns(X, y):
    shared = Branches([("income", Dense(2), "income"), ("others", Dense(2), "rest")])
    for second, same in ((["income", "score"], True), (["age", "income"], False)):
        twice = Branches([("a", shared, ["income", "age"]), ("b", shared, second)])
        if same:
            fitted = model(network=twice).fit(X, y)
            assert len(fitted.coefs_) == 3
        else:
            with pytest.raises(ValueError, match=r"\['income', 'others'\] stand in"):
                model(network=twice).fit(X, y)
