"""Targets, classes and weights of heads: what is missing in them, what is refused."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from several_heads import N, frame, model, net, samples, targets_of

from fastnn import (
    Heads,
    NeuralNet,
    NeuralNetClassifier,
    Sequential,
    Targets,
)
from fastnn.layers import Dense, Reshape
from fastnn.losses import Quantile


@pytest.fixture(scope="module")
def X():
    return samples()[0]


@pytest.fixture(scope="module")
def y():
    return samples()[1]


@pytest.mark.parametrize("gone", [None, np.nan, pd.NA])
def test_what_is_missing_in_frames(gone, X, y):
    table = frame(y).astype({"churn": object, "kind": "Int64"})
    table.loc[::4, "churn"] = gone
    table.loc[::5, "kind"] = pd.NA
    table.loc[::3, "value"] = np.nan
    fitted = model(validation=0.25).fit(X, table)
    assert list(fitted.classes_["kind"]) == [0, 1, 2]
    assert np.isfinite(fitted.score(X, table))
    assert np.isfinite(fitted.history_["validation_score"]).all()


def test_class_weights_are_those_of_a_head(X, y):
    heavy = model(class_weight={"churn": {"yes": 100.0, "no": 1.0}}, epochs=60).fit(
        X, y
    )
    light = model(class_weight={"churn": {"yes": 0.01, "no": 1.0}}, epochs=60).fit(X, y)
    assert (heavy.predict(X)["churn"] == "yes").mean() > 0.8
    assert (light.predict(X)["churn"] == "no").mean() > 0.8
    balanced = model(class_weight={"kind": "balanced"}).fit(X, y)
    assert np.isfinite(balanced.score(X, y))


@pytest.mark.parametrize("container", [Targets, pd.DataFrame, dict])
def test_weights_by_head_in_any_container(container, X, y):
    weight = np.linspace(0, 1, N)
    given = {"churn": weight, "kind": np.ones(N), "value": weight}
    if container is Targets:
        given = Targets(**given)
    elif container is pd.DataFrame:
        given = pd.DataFrame(given)
    expected = model().fit(X, y, sample_weight={"churn": weight, "value": weight})
    fitted = model().fit(X, y, sample_weight=given)
    assert_array_equal(fitted.coefs_[0], expected.coefs_[0])
    assert fitted.score(X, y, given) == expected.score(
        X, y, {"churn": weight, "value": weight}
    )


def test_balanced_classes_of_all_heads(X, y):
    heads = Heads([("churn", Dense(4, "relu")), ("kind", Dense(4, "relu"))])
    targets = Targets(churn=np.where(X[:, 0] > 1, "yes", "no"), kind=y["kind"])
    options = {"epochs": 2, "random_state": 0}
    found = [
        NeuralNetClassifier(heads, class_weight=weights, **options).fit(X, targets)
        for weights in ("balanced", {"churn": "balanced", "kind": "balanced"}, None)
    ]
    assert_array_equal(found[0].coefs_[0], found[1].coefs_[0])
    assert (found[0].coefs_[0] != found[2].coefs_[0]).any()


MISSING_AMONG = {
    "NaN in a list of words": ([np.nan, *["no", "yes"] * 59, "no"], ["no", "yes"]),
    "None in a list of truth values": (
        [None, *[True, False] * 59, True],
        [False, True],
    ),
    "NA among truth values": (
        pd.Series([None, *[True, False] * 59, True], dtype="boolean"),
        [False, True],
    ),
    "NA among words": (
        pd.Series([None, *["no", "yes"] * 59, "no"], dtype="string"),
        ["no", "yes"],
    ),
    "NaT among days": (
        np.array(["NaT", *["2020-01-01", "2021-01-01"] * 59, "2020-01-01"], "M8[D]"),
        np.array(["2020-01-01", "2021-01-01"], "M8[D]"),
    ),
    "numbers that are categories": (
        pd.Categorical([None, *[3, 7] * 59, 3], categories=[7, 3, 1]),
        [3, 7],
    ),
}


@pytest.mark.parametrize("name", MISSING_AMONG)
def test_classes_among_which_one_is_missing(name, X):
    given, classes = MISSING_AMONG[name]
    network = Heads([("kind", Dense(4, "relu"))])
    for y in (Targets(kind=given), {"kind": given}):
        fitted = NeuralNet(network, epochs=1).fit(X, y)
        assert_array_equal(fitted.classes_["kind"], classes)
        kind = np.asarray(classes).dtype.kind
        assert np.asarray(fitted.classes_["kind"]).dtype.kind == kind


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (None, "got NoneType"),
        ("yes", "got str_"),
        ({"yes", "no"}, "got set"),
        (np.zeros((N, 2, 2)), r"got the shape \(120, 2, 2\)"),
        (np.zeros((N, 0)), r"got the shape \(120, 0\)"),
        ([[1.0], [1.0, 2.0]] * (N // 2), "as many numbers or labels for each sample"),
        (sparse.csr_array(np.ones((N, 1))), r"is sparse.*y\['value'\]\.toarray\(\)"),
        (np.array([np.zeros(2)] * (N - 1) + [None], dtype=object), r"y\['value'\]"),
    ],
)
def test_what_is_no_column_of_targets(given, message, X, y):
    with pytest.raises(ValueError, match=message) as caught:
        model().fit(X, {**dict(y.items()), "value": given})
    assert "y['value']" in str(caught.value)


def test_heads_of_the_names_of_arguments(X):
    network = Heads([("self", Dense(4, "relu"))])
    fitted = NeuralNet(network, epochs=1).fit(X, {"self": X[:, 0]})
    assert list(fitted.predict(X)[:3]) == ["self"]


def test_several_numbers_of_a_head_come_in_no_frame(X, y):
    table = frame(y)
    losses = {"kind": "log_loss", "value": Quantile([0.1, 0.9])}
    predicted = model(loss=losses).fit(X, table).predict(X)
    assert isinstance(predicted, Targets)
    assert predicted["value"].shape == (N, 2)
    table.columns = ["churn", "kind", "kind"]
    with pytest.raises(ValueError, match=r"several of \['kind'\]"):
        model().fit(X, table)


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        (["no", "yes"], "classes must be a dict by the names of heads"),
        ("no", "classes must be a dict by the names of heads"),
        (
            {"churn": ["no", "yes"], "kind": range(3), "value": [1]},
            r"classes names \['value'\], heads of numbers",
        ),
    ],
)
def test_classes_that_are_refused(classes, message, X, y):
    with pytest.raises(ValueError, match=message):
        model().partial_fit(X, y, classes=classes)


WRONG = {
    "an array": (lambda y: y["value"], {}, r"column for each of the heads .* ndarray"),
    "a head too few": (
        lambda y: Targets(churn=y["churn"], kind=y["kind"]),
        {},
        r"no targets for the heads \['value'\]",
    ),
    "a head too many": (
        lambda y: targets_of(y, extra=np.zeros(N)),
        {},
        r"targets \['extra'\], for which the network has no head",
    ),
    "all missing": (
        lambda y: targets_of(y, value=np.full((N, 2), np.nan)),
        {},
        r"y\['value'\] has no targets: all of the 120 are missing",
    ),
    "whole numbers": (lambda y: y, {"loss": "auto"}, "head 'kind' are whole numbers"),
    "words for numbers": (
        lambda y: y,
        {"loss": {"churn": "squared_error", "kind": "log_loss"}},
        r"y\['churn'\] must hold real numbers",
    ),
    "no such loss": (
        lambda y: y,
        {"loss": {"kind": "log_los"}},
        "loss of head 'kind' must be 'auto', one of .*got 'log_los'",
    ),
    "a loss that does not fit": (
        lambda y: y,
        {"loss": {"kind": "log_loss", "churn": Quantile(0.5)}},
        r"y\['churn'\] must hold real numbers",
    ),
    "a loss of nobody": (
        lambda y: y,
        {"loss": {"king": "log_loss"}},
        r"loss names \['king'\]",
    ),
    "a weight of nobody": (
        lambda y: y,
        {"loss_weight": {"king": 1}},
        r"loss_weight names \['king'\]",
    ),
    "no weight": (
        lambda y: y,
        {"loss_weight": {"kind": 0}},
        "loss_weight of head 'kind' must be a finite number above 0, got 0",
    ),
    "class weights of numbers": (
        lambda y: y,
        {"class_weight": {"value": "balanced"}},
        "class_weight names 'value', a head of numbers",
    ),
    "class weights of a typo": (
        lambda y: y,
        {"class_weight": {"kind": "balance"}},
        "class_weight of head 'kind' must be .* got 'balance'",
    ),
    "outputs of two axes": (
        lambda y: y,
        {"network": net(kind=Sequential([Reshape((4, 2)), Dense(3)]))},
        r"head 'kind' gives each sample outputs of shape \(4, 3\)",
    ),
    "a loss that is none": (
        lambda y: y,
        {"loss": {"kind": "log_loss", "value": None}},
        "loss of head 'value' must be 'auto', .* got None",
    ),
    "class weights of no class": (
        lambda y: y,
        {"class_weight": {"kind": {7: 1.0}}},
        "head 'kind'",
    ),
    "one output": (
        lambda y: y,
        {"network": Sequential([Dense(3)])},
        "must end in Heads",
    ),
    "unequal": (
        lambda y: {**dict(y.items()), "kind": y["kind"][:-1]},
        {},
        "unequal numbers of samples",
    ),
    "units that do not fit": (
        lambda y: y,
        {"network": net(kind=Dense(7))},
        "head 'kind': the network's last dense layer",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_refused(name, X, y):
    change, options, message = WRONG[name]
    with pytest.raises(ValueError, match=message):
        model(**options).fit(X, change(y))


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        ({"king": np.ones(N)}, r"sample_weight has weights of \['king'\]"),
        ({"kind": -np.ones(N)}, "head 'kind': sample_weight must not be negative"),
        ({"kind": np.zeros(N)}, "head 'kind': .*non-zero"),
        ({"kind": np.ones(3)}, "head 'kind'"),
    ],
)
def test_weights_that_are_refused(weight, message, X, y):
    with pytest.raises(ValueError, match=message):
        model().fit(X, y, sample_weight=weight)
