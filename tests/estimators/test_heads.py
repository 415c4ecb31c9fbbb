"""Networks of several heads: targets of mixed kinds, losses, histories, warm starts."""

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from several_heads import N, frame, model, numbers, samples, targets_of
from sklearn.base import clone
from sklearn.metrics import accuracy_score, log_loss, mean_squared_error
from sklearn.model_selection import GridSearchCV, KFold

from fastnn import (
    Heads,
    NeuralNet,
    NeuralNetClassifier,
    NeuralNetRegressor,
    Sequential,
    Targets,
)
from fastnn.layers import Dense
from fastnn.losses import CrossEntropy, CustomLoss, Huber, Quantile
from fastnn.metrics import head_scorer
from fastnn.optimizers import SGD


@pytest.fixture(scope="module")
def X():
    return samples()[0]


@pytest.fixture(scope="module")
def y():
    return samples()[1]


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


def test_training_is_that_of_numpy(X):
    """Three epochs by hand: missing targets, weights of samples and of losses."""
    rng = np.random.RandomState(1)
    has_word, has_number = rng.rand(N) > 0.3, rng.rand(N) > 0.2
    words, numbers = (X[:, 0] > 0).astype(float), X[:, 1] * 2
    weight = {"word": has_word * 1.0, "number": has_number * (rng.rand(N) + 0.1)}
    y = Targets(
        word=np.where(has_word, np.where(words, "yes", "no"), None),
        number=np.where(has_number, numbers, np.nan),
    )
    heads = Heads([("word", Dense(4, "tanh")), ("number", Dense(3, "tanh"))])
    options = {
        "batch_size": 32, "shuffle": False, "dtype": "float64", "random_state": 0,
        "loss_weight": {"number": 0.3},
    }  # fmt: skip

    def trained(rate, epochs):
        network = Sequential([Dense(6, "tanh"), heads])
        fitted = NeuralNet(network, optimizer=SGD(rate), epochs=epochs, **options)
        fitted.fit(X, y, sample_weight={"number": weight["number"]})
        values = zip(fitted.coefs_, fitted.intercepts_, strict=True)
        return [(kernel.copy(), bias.copy()) for kernel, bias in values], fitted

    layers, _ = trained(1e-300, 1)
    scaled = {head: each * N / each.sum() for head, each in weight.items()}
    losses = []
    for _ in range(3):
        sums = {"word": 0.0, "number": 0.0}
        for first in range(0, N, 32):
            rows = slice(first, first + 32)
            x, n = X[rows], len(X[rows])
            trunk = np.tanh(x @ layers[0][0] + layers[0][1])
            above, gradients = 0, {}
            for head, at, factor in (("word", 1, 1.0), ("number", 3, 0.3)):
                hidden = np.tanh(trunk @ layers[at][0] + layers[at][1])
                z = (hidden @ layers[at + 1][0] + layers[at + 1][1])[:, 0]
                if head == "word":
                    each = np.logaddexp(0, z) - words[rows] * z
                    error = 1 / (1 + np.exp(-z)) - words[rows]
                else:
                    error = z - numbers[rows]
                    each = error**2 / 2
                sums[head] += scaled[head][rows] @ each
                error = (factor * scaled[head][rows] * error / n)[:, np.newaxis]
                gradients[at + 1] = hidden.T @ error, error.sum(axis=0)
                error = error @ layers[at + 1][0].T * (1 - hidden**2)
                gradients[at] = trunk.T @ error, error.sum(axis=0)
                above = above + error @ layers[at][0].T
            error = above * (1 - trunk**2)
            gradients[0] = x.T @ error, error.sum(axis=0)
            for at, (kernel, bias) in gradients.items():
                layers[at] = layers[at][0] - 0.1 * kernel, layers[at][1] - 0.1 * bias
        losses.append([sums["word"] / N, sums["number"] / N])
    found, fitted = trained(0.1, 3)
    for got, expected in zip(found, layers, strict=True):
        assert_allclose(got[0], expected[0], rtol=1e-10)
        assert_allclose(got[1], expected[1], rtol=1e-10, atol=1e-14)
    history = fitted.history_
    both = np.transpose([history["loss_word"], history["loss_number"]])
    assert_allclose(both, losses, rtol=1e-10)
    assert_allclose(history["loss"], both @ [1, 0.3], rtol=1e-10)


def test_pickles_and_clones(X, y):
    fitted = model(loss={"kind": CrossEntropy(label_smoothing=0.1)}).fit(X, frame(y))
    copy = pickle.loads(pickle.dumps(fitted))
    assert copy.score(X, frame(y)) == fitted.score(X, frame(y))
    assert copy.predict(X[:2]).equals(fitted.predict(X[:2]))
    copy.partial_fit(X, frame(y))
    assert len(copy.history_["loss_kind"]) == len(fitted.history_["loss_kind"]) + 1
    clone(fitted).set_params(network__heads__kind__units=3).fit(X, frame(y))


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


def test_heads_without_probabilities(X, y):
    heads = Heads([("churn", Dense(4, "relu")), ("kind", Dense(4, "relu"))])
    targets = Targets(churn=y["churn"], kind=y["kind"])
    fitted = NeuralNetClassifier(heads, loss={"kind": "hinge"}).fit(X, targets)
    assert list(fitted.predict_proba(X)) == ["churn"]
    fitted = NeuralNetClassifier(heads, loss="hinge").fit(X, targets)
    for method in "predict_proba", "predict_log_proba", "decision_function":
        assert not hasattr(fitted, method)


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


def test_estimators_of_one_output_take_no_dict_of_losses(X, y):
    for options in ({"loss": {"a": "log_loss"}}, {"loss_weight": {"a": 1.0}}):
        with pytest.raises(ValueError, match="one output without a name"):
            NeuralNetClassifier(Sequential([Dense(3)]), **options).fit(X, y["kind"])


def without(y, *heads):
    """The same targets, of which those of some heads are missing."""
    return targets_of(y, **{head: np.full(N, np.nan) for head in heads})


def dense_of(model):
    plan = model._fitted.plan
    views = plan.views(model._fitted.parameters)
    return {p.name: v.copy() for p, v in zip(plan.parameters, views, strict=True)}


CLASSES = {"churn": ["no", "yes"], "kind": [0, 1, 2]}


@pytest.mark.parametrize("gone", ["churn", "kind", "value"])
def test_a_batch_may_lack_all_targets_of_a_head(gone, X, y):
    options = {"optimizer": SGD(0.1), "dtype": "float64"}
    fitted = model(**options).partial_fit(X, y, classes=CLASSES)
    before = dense_of(fitted)
    fitted.partial_fit(X, without(y, gone))
    after = dense_of(fitted)
    moved = {name for name in before if (before[name] != after[name]).any()}
    assert moved == {name for name in before if f"/{gone}/" not in name}
    losses = {head: fitted.history_[f"loss_{head}"][-1] for head in y}
    assert [head for head in losses if np.isnan(losses[head])] == [gone]
    assert np.isfinite(fitted.history_["loss"]).all()
    # As where that head counts for next to nothing.
    other = model(**options).partial_fit(X, y, classes=CLASSES)
    other.set_params(loss_weight={gone: 1e-12}).partial_fit(X, y)
    for name, values in dense_of(other).items():
        assert_allclose(after[name], values, rtol=1e-8, atol=1e-10)
    fitted.partial_fit(X, y)
    assert np.isfinite(fitted.history_[f"loss_{gone}"][-1])


@pytest.mark.parametrize(
    ("loss", "values"),
    [
        (Quantile([0.1, 0.5, 0.9]), np.linspace(1, 2, N)),
        ("poisson", np.linspace(1, 2, 2 * N).reshape(N, 2)),
        ("log_loss", np.arange(2 * N).reshape(N, 2) % 3 % 2),
        ("log_loss", np.arange(2 * N).reshape(N, 2) % 3),
        ("hinge", np.where(np.arange(N) % 2, "a", "b")),
        (CrossEntropy(), np.arange(N) % 3),
    ],
)
def test_kinds_of_targets_that_a_batch_may_lack(loss, values, X, y):
    heads = Heads([("own", Dense(5, "relu")), ("churn", Dense(5, "relu"))])
    network = Sequential([Dense(4, "relu"), heads])
    churn = Targets(own=values, churn=y["churn"])
    fitted = model(network=network, loss={"own": loss}).fit(X, churn)
    missing = np.full(values.shape, np.nan)
    fitted.partial_fit(X, Targets(own=missing, churn=y["churn"]))
    assert np.isnan(fitted.history_["loss_own"][-1])
    assert np.isfinite(fitted.coefs_[0]).all()


def test_what_must_have_targets_of_all_heads(X, y):
    with pytest.raises(ValueError, match="'value'] has no targets"):
        model().partial_fit(X, without(y, "value"), classes=CLASSES)
    options = {"class_weight": {"churn": {"yes": 3}}, "warm_start": True}
    fitted = model(**options).fit(X, y).partial_fit(X, without(y, "churn"))
    with pytest.raises(ValueError, match=r"y has no targets: all of the 120 .*'kind'"):
        fitted.partial_fit(X, without(y, *y))
    with pytest.raises(ValueError, match="'value'] has no targets"):
        fitted.fit(X, without(y, "value"))
    with pytest.raises(ValueError, match="'kind'] has no targets"):
        fitted.partial_fit(X, y, X_val=X, y_val=without(y, "kind"))
    with pytest.raises(ValueError, match="'kind'] has no targets"):
        fitted.score(X, without(y, "kind"))
