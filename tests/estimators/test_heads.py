"""Networks of several heads: targets of mixed kinds, missing ones, weights, scores."""

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import accuracy_score, log_loss, mean_squared_error, r2_score
from sklearn.model_selection import GridSearchCV, KFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastnn import (
    Graph,
    Heads,
    NeuralNet,
    NeuralNetClassifier,
    NeuralNetRegressor,
    Sequential,
    Targets,
)
from fastnn.layers import Dense, Dropout, Reshape
from fastnn.losses import CrossEntropy, CustomLoss, Huber, Quantile
from fastnn.metrics import head_scorer

N = 120


@pytest.fixture(scope="module")
def X():
    return np.random.RandomState(0).normal(size=(N, 5))


@pytest.fixture(scope="module")
def y(X):
    return Targets(
        churn=np.where(X[:, 0] + X[:, 1] > 0, "yes", "no"),
        kind=np.digitize(X[:, 2], [-0.5, 0.5]),
        value=X[:, :2] @ np.array([[1.0, 0.5], [2.0, -1.0]]),
    )


def net(**parts):
    heads = {
        "churn": Dense(4, "relu"),
        "kind": Dense(5, "relu"),
        "value": Dense(6, "relu"),
    }
    return Sequential([Dense(8, "tanh"), Heads([*(heads | parts).items()])])


def model(**options):
    options = {"loss": {"kind": "log_loss"}, "epochs": 5, "random_state": 0} | options
    return NeuralNet(options.pop("network", net()), **options)


def frame(y):
    return pd.DataFrame(
        {"churn": y["churn"], "kind": y["kind"], "value": y["value"][:, 0]}
    )


def test_predictions_are_what_y_was(X, y):
    fitted = model().fit(X, y)
    predicted = fitted.predict(X)
    assert isinstance(predicted, Targets)
    assert predicted["churn"].dtype == y["churn"].dtype
    assert set(predicted["kind"]) <= {0, 1, 2}
    assert predicted["value"].shape == (N, 2)
    probabilities = fitted.predict_proba(X)
    assert list(probabilities) == ["churn", "kind"]
    assert_allclose(probabilities["kind"].sum(axis=1), 1)
    assert_array_equal(fitted.classes_["churn"], ["no", "yes"])
    expected = {"churn": "logistic", "kind": "softmax", "value": "identity"}
    assert fitted.out_activation_ == expected
    assert fitted.n_outputs_ == 1 + 3 + 2


def test_data_frames_come_back_with_the_index_of_X(X, y):
    table = pd.DataFrame(X, columns=list("abcde"), index=np.arange(N) + 7)
    predicted = model().fit(table, frame(y)).predict(table[:3])
    assert list(predicted.columns) == ["churn", "kind", "value"]
    assert list(predicted.index) == [7, 8, 9]
    assert set(predicted["churn"]) <= {"yes", "no"}


def test_polars_frames_come_back(X, y):
    polars = pytest.importorskip("polars")
    table = polars.DataFrame({name: frame(y)[name].tolist() for name in y})
    table = table.with_columns(churn=polars.Series([None, *table["churn"][1:]]))
    fitted = model().fit(X, table)
    assert list(fitted.classes_["churn"]) == ["no", "yes"]
    predicted = fitted.predict(X[:3])
    assert isinstance(predicted, polars.DataFrame)
    assert predicted.columns == ["churn", "kind", "value"]


def test_the_score_is_minus_the_weighted_loss(X, y):
    fitted = model(loss_weight={"value": 0.25}, dtype="float64").fit(X, y)
    p, predicted = fitted.predict_proba(X), fitted.predict(X)
    loss = log_loss(y["churn"], p["churn"][:, 1]) + log_loss(y["kind"], p["kind"])
    squares = mean_squared_error(y["value"], predicted["value"]) / 2
    assert_allclose(-fitted.score(X, y), loss + 0.25 * squares, rtol=1e-6)


def test_the_history_has_each_head(X, y):
    fitted = model(validation=0.25).fit(X, y)
    history = fitted.history_
    for head in ("churn", "kind", "value"):
        for name in ("loss", "validation_loss", "validation_score"):
            assert np.isfinite(history[f"{name}_{head}"]).all()
    total = sum(np.array(history[f"loss_{head}"]) for head in y)
    assert_allclose(history["loss"], total, rtol=1e-5)
    total = sum(np.array(history[f"validation_loss_{head}"]) for head in y)
    assert_allclose(history["validation_loss"], total, rtol=1e-5)
    assert_allclose(history["validation_score"], -total, rtol=1e-5)


def test_one_head_learns_what_an_estimator_of_one_output_learns(X, y):
    """The same bits: a head alone is a stack."""
    options = {"epochs": 3, "random_state": 0}
    stack = Sequential([Dense(8, "tanh"), Dense(4, "relu")])
    alone = NeuralNetClassifier(stack, **options).fit(X, y["churn"])
    heads = Heads([("churn", Dense(4, "relu"))])
    one = NeuralNet(Sequential([Dense(8, "tanh"), heads]), **options)
    one.fit(X, Targets(churn=y["churn"]))
    assert_array_equal(one.predict_proba(X)["churn"], alone.predict_proba(X))
    assert_array_equal(one.history_["loss"], alone.history_["loss"])


def test_a_missing_target_leaves_the_sample_out_of_that_loss_alone(X, y):
    """As if the head had been trained on the others: one step of all samples."""
    missing = np.arange(N) % 3 == 0
    churn = y["churn"].astype(object)
    churn[missing] = None
    options = {"epochs": 1, "batch_size": N, "optimizer": "sgd", "dtype": "float64"}
    both = Sequential(
        [Heads([("churn", Dense(4, "relu")), ("value", Dense(3, "relu"))])]
    )
    values = y["value"][:, 0]
    fitted = NeuralNet(both, random_state=0, **options)
    fitted.fit(X, Targets(churn=churn, value=values))
    weights = NeuralNet(both, random_state=0, **options)
    weights.fit(
        X,
        Targets(churn=y["churn"], value=values),
        sample_weight={"churn": (~missing).astype(float)},
    )
    for a, b in zip(fitted.coefs_, weights.coefs_, strict=True):
        assert_array_equal(a, b)
    expected = log_loss(
        y["churn"][~missing], fitted.predict_proba(X[~missing])["churn"][:, 1]
    )
    score = head_scorer("churn", "neg_log_loss")
    assert_allclose(score(fitted, X, Targets(churn=churn, value=values)), -expected)


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


@pytest.mark.parametrize("container", [frame, lambda y: y, lambda y: dict(y.items())])
def test_pipelines_and_searches(container, X, y):
    search = GridSearchCV(
        model(epochs=3),
        {"network__heads__churn__units": [2, 3], "loss_weight": [{"value": 0.1}]},
        cv=KFold(3),
        scoring={"loss": lambda e, X, y: e.score(X, y)},
        refit=False,
        error_score="raise",
    )
    given = container(y)
    if isinstance(given, dict):  # splitters take rows of what is no dict
        assert np.isfinite(model(epochs=3).fit(X, given).score(X, given))
        return
    assert np.isfinite(search.fit(X, given).cv_results_["mean_test_loss"]).all()


def test_scorers_of_heads(X, y):
    scoring = {
        "auc": head_scorer("churn", "roc_auc"),
        "accuracy": head_scorer("kind", "accuracy"),
        "r2": head_scorer("value", "r2"),
    }
    found = cross_validate(model(), X, y, scoring=scoring, cv=3, error_score="raise")
    assert np.isfinite([found[f"test_{name}"] for name in scoring]).all()
    fitted = model(validation=0.2, metrics=[scoring["auc"]]).fit(X, y)
    assert np.isfinite(fitted.history_["validation_churn_roc_auc"]).all()
    predicted = fitted.predict(X)
    assert scoring["accuracy"](fitted, X, y) == accuracy_score(
        y["kind"], predicted["kind"]
    )
    assert scoring["r2"](fitted, X, y) == r2_score(y["value"], predicted["value"])
    pickle.loads(pickle.dumps(scoring))


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda model: make_pipeline(StandardScaler(), model),
        lambda model: GridSearchCV(model, {"epochs": [2, 3]}, cv=KFold(2)),
    ],
)
def test_scorers_of_heads_reach_through_what_holds_the_estimator(wrapped, X, y):
    scoring = {
        "auc": head_scorer("churn", "roc_auc"),
        "r2": head_scorer("value", "r2"),
    }
    found = cross_validate(wrapped(model()), X, y, scoring=scoring, cv=KFold(2))
    assert np.isfinite([found["test_auc"], found["test_r2"]]).all()


def numbers():
    return Heads([("a", Dense(4, "relu")), ("b", Dense(4, "relu"))])


@pytest.mark.parametrize("Estimator", [NeuralNet, NeuralNetRegressor])
def test_scorers_of_heads_of_numbers_alone(Estimator, X):
    y = Targets(a=X[:, 0], b=X[:, 1])
    score = head_scorer("b", "r2")
    fitted = Estimator(numbers(), validation=0.2, metrics=[score]).fit(X, y)
    assert_allclose(score(fitted, X, y), r2_score(y["b"], fitted.predict(X)["b"]))
    assert np.isfinite(fitted.history_["validation_b_r2"]).all()


def test_scorers_say_what_they_need(X, y):
    fitted = model().fit(X, y)
    for head, scoring, message in [
        ("king", "r2", "must be one of those that y has targets of"),
        ("value", "roc_auc", "'value' has no probabilities"),
    ]:
        with pytest.raises(ValueError, match=message):
            head_scorer(head, scoring)(fitted, X, y)
    with pytest.raises(NotFittedError):
        head_scorer("value", "r2")(model(), X, y)


def test_classes_are_those_of_the_last_fit(X, y):
    fitted = model().fit(X, y).set_params(network=numbers(), loss="auto")
    assert fitted.fit(X, Targets(a=X[:, 0], b=X[:, 1])).classes_ == {}


def accuracy(estimator, X, y, sample_weight):
    right = estimator.predict(X)["churn"] == y["churn"]
    return np.average(right, weights=sample_weight["churn"])


def test_metrics_see_targets_and_weights_by_head(X, y):
    """Also where some are missing: their weights are zero."""
    churn = y["churn"].astype(object)
    churn[::3] = None
    scores = [accuracy, head_scorer("churn", "accuracy"), head_scorer("value", "r2")]
    options = {"class_weight": {"churn": "balanced"}, "metrics": scores}
    fitted = model(validation=0.3, **options).fit(X, targets_of(y, churn=churn))
    history = fitted.history_
    assert_allclose(history["validation_accuracy"], history["validation_score_churn"])
    for head, name in (("churn", "churn_accuracy"), ("value", "value_r2")):
        measured = history[f"validation_{name}"]
        assert_allclose(measured, history[f"validation_score_{head}"])


def loss_churn(estimator, X, y):
    return 0.0


def test_metrics_cannot_take_the_name_of_what_a_head_has(X, y):
    with pytest.raises(ValueError, match=r"'loss_churn' .* measured anyway"):
        model(validation=0.3, metrics=[loss_churn]).fit(X, y)


@pytest.mark.parametrize("seed", range(3))
def test_the_loss_on_what_is_held_out_is_that_of_score(seed, X, y):
    """A mean over the samples that have a target, however many are drawn of these."""
    churn = y["churn"].astype(object)
    churn[: N * 2 // 3] = None
    fitted = model(
        validation=0.3,
        metrics=[lambda estimator, X, y: estimator.score(X, y)],
        dtype="float64",
        random_state=seed,
    ).fit(X, targets_of(y, churn=churn))
    history = fitted.history_
    assert_allclose(
        history["validation_score"], history["validation_lambda"], rtol=1e-6
    )


def test_a_head_without_targets_on_one_side_of_the_split(X, y):
    value = np.full(N, np.nan)
    value[0] = 1.0
    with pytest.raises(ValueError, match=r"'value' has no sample .* validation=0.3"):
        model(validation=0.3).fit(X, targets_of(y, value=value))


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


def test_pickles_and_clones(X, y):
    fitted = model(loss={"kind": CrossEntropy(label_smoothing=0.1)}).fit(X, frame(y))
    copy = pickle.loads(pickle.dumps(fitted))
    assert copy.score(X, frame(y)) == fitted.score(X, frame(y))
    assert copy.predict(X[:2]).equals(fitted.predict(X[:2]))
    copy.partial_fit(X, frame(y))
    assert len(copy.history_["loss_kind"]) == len(fitted.history_["loss_kind"]) + 1
    clone(fitted).set_params(network__heads__kind__units=3).fit(X, frame(y))


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


def test_partial_fit_wants_classes(X, y):
    with pytest.raises(ValueError, match=r"heads \['kind'\]"):
        model().partial_fit(X, y, classes={"churn": ["no", "yes"]})
    classes = {"churn": ["no", "yes", "never"], "kind": range(4)}
    fitted = model().partial_fit(X, y, classes=classes)
    assert fitted.predict_proba(X)["churn"].shape == (N, 3)
    fitted.partial_fit(X[:9], y[:9])
    assert len(fitted.history_["loss"]) == 2


def test_warm_starts_go_on(X, y):
    twice = model(epochs=2, warm_start=True).fit(X, y).fit(X, y)
    assert len(twice.history_["loss_churn"]) == 4
    with pytest.raises(ValueError, match="head 'churn'"):
        twice.fit(X, Targets(**{**dict(y.items()), "churn": np.full(N, "maybe")}))


def test_warm_starts_read_parameters_and_y_anew(X, y):
    y = targets_of(y, value=y["value"][:, 0])
    fitted = model(epochs=1, warm_start=True).fit(X, y)
    fitted.set_params(loss_weight={"value": 3.0}, epochs=2)
    fitted.fit(X, pd.DataFrame(dict(y.items())))
    assert isinstance(fitted.predict(X), pd.DataFrame)
    history = fitted.history_
    total = sum(history[f"loss_{head}"][-1] for head in y)
    assert_allclose(history["loss"][-1], total + 2 * history["loss_value"][-1])


@pytest.mark.parametrize(
    ("network", "targets"),
    [
        (Sequential([Dense(8, "tanh"), numbers()]), lambda X: Targets(a=X[:, 0])),
        (Sequential([Dense(8, "tanh")]), lambda X: X[:, 0]),
    ],
)
def test_warm_starts_with_other_heads(network, targets, X):
    heads = Sequential([Dense(8, "tanh"), Heads([("a", Dense(4, "relu"))])])
    fitted = NeuralNetRegressor(heads, warm_start=True).fit(X, {"a": X[:, 0]})
    with pytest.raises(ValueError, match=r"trained.*warm_start=False"):
        fitted.set_params(network=network).fit(X, targets(X))
    alone = NeuralNetRegressor(Sequential([]), warm_start=True).fit(X, X[:, 0])
    with pytest.raises(ValueError, match=r"now has the heads .*warm_start=False"):
        alone.set_params(network=heads).fit(X, {"a": X[:, 0]})


def test_graphs_of_several_outputs(X, y):
    graph = Graph(
        [
            ("hidden", Dense(8, "relu"), "x"),
            ("churn", Dropout(0.1), "hidden"),
            ("value", Dense(4, "relu"), "hidden"),
        ],
        outputs=["churn", "value"],
    )
    targets = Targets(churn=y["churn"], value=y["value"])
    fitted = NeuralNet(graph, random_state=0).fit(X, targets)
    assert fitted.score(X, targets) < 0
    read = Graph(
        [("churn", Dense(8), "x"), ("value", Dense(4), "churn")],
        outputs=["churn", "value"],
    )
    with pytest.raises(ValueError, match="'value' reads 'churn', which is an output"):
        NeuralNet(read).fit(X, targets)


SHARED = Dense(5, "relu")


@pytest.mark.parametrize(
    ("network", "widths"),
    [
        (Heads([("churn", SHARED), ("value", SHARED)]), [5, 1, 1]),
        (Heads([("churn", Sequential([SHARED])), ("value", SHARED)]), [5, 1, 1]),
        (
            Sequential(
                [SHARED, Heads([("churn", SHARED), ("value", Dense(2, "relu"))])]
            ),
            [5, 1, 2, 1],
        ),
        (
            Graph(
                [
                    ("h", SHARED, "x"),
                    ("churn", SHARED, "h"),
                    ("value", Dense(2, "relu"), "h"),
                ],
                outputs=["churn", "value"],
            ),
            [5, 1, 2, 1],
        ),
    ],
    ids=["two heads", "a stack of one", "the trunk", "a graph"],
)
def test_a_part_of_several_heads_is_one_part(network, widths, X, y):
    fitted = NeuralNet(network, epochs=1)
    fitted.fit(X, Targets(churn=y["churn"], value=X[:, 0]))
    assert [len(bias) for bias in fitted.intercepts_] == widths


def heads_of(**options):
    return Heads(
        [("churn", Dense(4, "relu")), ("value", Sequential([Dense(3, "relu")]))],
        **options,
    )


@pytest.mark.parametrize(
    ("network", "trained"),
    [
        (Sequential([Dense(8), heads_of(trainable=False)]), [1, 0, 1, 0, 1]),
        (Sequential([Dense(8), heads_of()], trainable=False), [0, 0, 1, 0, 1]),
        (
            Graph(
                [
                    ("h", Dense(8), "x"),
                    ("churn", Dense(4, "relu"), "h"),
                    ("value", Dense(3, "relu"), "h"),
                ],
                outputs=["churn", "value"],
                trainable=False,
            ),
            [0, 0, 1, 0, 1],
        ),
        (
            Sequential(
                [
                    Dense(8),
                    Heads([("churn", SHARED), ("value", SHARED)], trainable=False),
                ]
            ),
            [1, 0, 1, 1],
        ),
    ],
    ids=["heads", "stack", "graph", "shared"],
)
def test_output_layers_of_frozen_heads_are_trained(network, trained, X, y):
    before, targets = repr(network), Targets(churn=y["churn"], value=X[:, 0])
    one, two = (
        NeuralNet(network, epochs=epochs, random_state=0).fit(X, targets).coefs_
        for epochs in (1, 2)
    )
    changed = [(a != b).any() for a, b in zip(one, two, strict=True)]
    assert_array_equal(changed, np.array(trained, bool))
    assert repr(network) == before  # the description stays


def test_parts_that_are_frozen_in_one_place_alone(X, y):
    frozen = Heads([("churn", SHARED), ("value", Dense(2, "relu"))], trainable=False)
    with pytest.raises(ValueError, match="stands elsewhere in the network too"):
        NeuralNet(Sequential([SHARED, frozen])).fit(
            X, Targets(churn=y["churn"], value=X[:, 0])
        )


def test_an_output_layer_of_two_heads_cannot_change(X, y):
    shared = Dense(1, "sigmoid")
    network = Sequential([Heads([("churn", shared), ("other", shared)])])
    with pytest.raises(ValueError, match=r"head .churn.: .* stands elsewhere"):
        NeuralNet(network).fit(X, Targets(churn=y["churn"], other=y["churn"]))


def test_heads_of_one_kind(X, y):
    heads = Heads([("churn", Dense(4, "relu")), ("kind", Dense(4, "relu"))])
    classes = Targets(churn=y["churn"], kind=y["kind"])
    classifier = NeuralNetClassifier(Sequential([Dense(8), heads]), epochs=30)
    classifier.fit(X, classes)
    predicted = classifier.predict(X)
    expected = [accuracy_score(classes[head], predicted[head]) for head in classes]
    assert_allclose(classifier.score(X, classes), np.mean(expected))
    assert_allclose(
        classifier.predict_log_proba(X)["kind"],
        np.log(classifier.predict_proba(X)["kind"]),
    )
    heads = Heads([("a", Dense(4, "relu")), ("b", Dense(4, "relu"))])
    numbers = Targets(a=X[:, 0], b=np.arange(N) % 7)
    losses = {"a": Quantile([0.1, 0.9]), "b": Huber(2.0)}
    regressor = NeuralNetRegressor(Sequential([heads]), loss=losses, epochs=3)
    predicted = regressor.fit(X, numbers).predict(X)
    assert predicted["a"].shape == (N, 2)
    assert predicted["b"].shape == (N,)
    assert np.isfinite(regressor.score(X, numbers))


def test_custom_losses_of_heads(X, y):
    def squares(y, z):
        return ((z - y) ** 2).sum(axis=1), 2 * (z - y)

    targets = Targets(value=y["value"], churn=y["churn"])
    network = Sequential(
        [Heads([("value", Dense(4, "relu")), ("churn", Sequential([]))])]
    )
    own = NeuralNet(network, loss={"value": CustomLoss(squares)}, random_state=0)
    assert np.isfinite(own.fit(X, targets).history_["loss_value"]).all()
    bare = NeuralNet(network, loss={"value": squares})
    with pytest.raises(ValueError, match="'value' is a function"):
        bare.fit(X, targets)


def test_a_refused_fit_changes_nothing(X, y):
    fitted = model().fit(X, y)
    before = fitted.score(X, y)
    with pytest.raises(ValueError, match="no targets for the heads"):
        fitted.fit(X, Targets(churn=y["churn"]))
    assert fitted.score(X, y) == before


def targets_of(y, **changed):
    return Targets(**{**dict(y.items()), **changed})


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


def test_estimators_of_one_output_take_no_dict_of_losses(X, y):
    for options in ({"loss": {"a": "log_loss"}}, {"loss_weight": {"a": 1.0}}):
        with pytest.raises(ValueError, match="one output without a name"):
            NeuralNetClassifier(Sequential([Dense(3)]), **options).fit(X, y["kind"])
