"""Options of hidden layers: activations, dropout, and their outputs as features."""

import pickle

import numpy as np
import pandas as pd
import pytest
import reference
from scipy import sparse
from sklearn import config_context
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from fastnn import HiddenLayerTransformer, MLPClassifier, MLPRegressor
from fastnn.layers import Dense, Dropout
from fastnn.plan.tables import ACTIVATIONS

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

ESTIMATORS = [MLPClassifier, MLPRegressor]

X, y = load_iris(return_X_y=True)


def network(Estimator, sizes=(5, 4), **params):
    params = {"max_iter": 3, "random_state": 0, "dtype": "float64", **params}
    return Estimator(hidden_layer_sizes=sizes, **params)


# ---------------------------------------------------------------------- activations


@pytest.mark.parametrize("Estimator", ESTIMATORS)
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("first", ACTIVATIONS)
def test_each_layer_has_its_activation(Estimator, solver, first):
    model = network(Estimator, activation=[first, "tanh"], solver=solver, tol=1.0)
    model.fit(X, y)
    hidden = X
    layers = zip([first, "tanh"], model.coefs_, model.intercepts_, strict=False)
    for number, (activation, kernel, bias) in enumerate(layers):
        hidden = reference.add(hidden @ kernel, bias, activation)
        np.testing.assert_allclose(model.hidden_activations(X, number), hidden)
    outputs = hidden @ model.coefs_[-1] + model.intercepts_[-1]
    if Estimator is MLPRegressor:
        np.testing.assert_allclose(model.predict(X), outputs[:, 0])
    else:
        np.testing.assert_array_equal(model.predict(X), outputs.argmax(axis=1))


@pytest.mark.parametrize("Estimator", ESTIMATORS)
@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("container", [list, tuple])
def test_a_list_of_one_name_is_that_name(Estimator, name, container):
    one = network(Estimator, activation=name).fit(X / 10, y)
    other = network(Estimator, activation=container([name, name])).fit(X / 10, y)
    for a, b in zip(one.coefs_, other.coefs_, strict=True):
        np.testing.assert_array_equal(a, b)


def test_initial_weights_follow_the_activation_of_their_layer():
    sizes = (300, 300, 300)
    model = network(MLPRegressor, sizes, activation=["tanh", "logistic", "relu"])
    kernels = model.set_params(learning_rate_init=1e-12, max_iter=1).fit(X, y).coefs_
    for kernel, factor in zip(kernels, [6, 2, 6, 6], strict=True):
        bound = np.sqrt(factor / sum(kernel.shape))
        assert 0.95 * bound < abs(kernel).max() <= bound + 1e-9


def test_no_hidden_layer():
    for activation in ("logistic", []):
        model = network(MLPClassifier, (), activation=activation, dropout=0.5)
        assert model.fit(X, y).n_layers_ == 2


@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_grid_search_over_lists(Estimator):
    grid = {"activation": ["relu", ["relu", "tanh"]], "dropout": [0.0, [0.1, 0.0]]}
    search = GridSearchCV(network(Estimator), grid, cv=2, error_score="raise")
    assert len(search.fit(X, y).cv_results_["params"]) == 4


# ---------------------------------------------------------------------- dropout


def layers_of(model):
    return [type(layer) for layer in model._fitted.network.layers]


@pytest.mark.parametrize("Estimator", ESTIMATORS)
@pytest.mark.parametrize(
    ("dropout", "expected"),
    [
        (0, [Dense, Dense, Dense]),
        (0.5, [Dense, Dropout, Dense, Dropout, Dense]),
        ([0.2, 0.0], [Dense, Dropout, Dense, Dense]),
        ((0, np.float32(0.2)), [Dense, Dense, Dropout, Dense]),
    ],
)
def test_dropout_stands_behind_hidden_layers(Estimator, dropout, expected):
    model = network(Estimator, dropout=dropout).fit(X, y)
    assert layers_of(model) == expected
    assert model.n_layers_ == 4
    n_outputs = 3 if Estimator is MLPClassifier else 1
    assert [w.shape for w in model.coefs_] == [(4, 5), (5, 4), (4, n_outputs)]
    plain = network(Estimator).fit(X, y)
    assert (model.loss_curve_ != plain.loss_curve_) == bool(np.any(dropout))


@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_dropout_is_absent_at_predict(Estimator):
    model = network(Estimator, dropout=0.5).fit(X, y, X_val=X, y_val=y)
    np.testing.assert_array_equal(model.predict(X), model.predict(X))
    twin = network(Estimator).fit(X, y)
    twin.coefs_, twin.intercepts_ = model.coefs_, model.intercepts_
    np.testing.assert_array_equal(model.predict(X), twin.predict(X))
    np.testing.assert_array_equal(
        model.hidden_activations(X), twin.hidden_activations(X)
    )
    # Nor has the validation loss any.
    twin.set_params(warm_start=True, learning_rate_init=1e-15, max_iter=1)
    twin.fit(X, y, X_val=X, y_val=y)
    expected = model.validation_loss_curve_[-1]
    assert twin.validation_loss_curve_[-1] == pytest.approx(expected)


@pytest.mark.parametrize("shuffle", [False, True])
def test_masks_are_new_in_each_epoch_and_the_same_for_a_seed(shuffle):
    model = network(MLPRegressor, dropout=0.5, shuffle=shuffle, batch_size=150)
    model.set_params(learning_rate_init=1e-15, n_iter_no_change=np.inf, max_iter=20)
    losses = model.fit(X, y).loss_curve_
    assert len(set(losses)) == 20
    assert clone(model).fit(X, y).loss_curve_ == losses
    assert clone(model).set_params(random_state=1).fit(X, y).loss_curve_ != losses
    if not shuffle:
        stepped = clone(model)
        for _ in range(20):
            stepped.partial_fit(X, y)
        assert stepped.loss_curve_ == losses


def test_masks_differ_between_the_steps_of_an_epoch():
    # One sample, 100 times: without masks all steps would have the same loss.
    model = network(MLPRegressor, (200,), dropout=0.5, shuffle=False, max_iter=1)
    one = model.set_params(learning_rate_init=1e-15, alpha=0, batch_size=1)
    one.fit(X[:1].repeat(100, axis=0), y[:1] + np.zeros(100))
    first = clone(one).fit(X[:1], y[:1])
    assert one.loss_ != pytest.approx(first.loss_, rel=1e-6)


def test_dropout_regularizes():
    rng = np.random.RandomState(0)
    X = rng.standard_normal((600, 20))
    y = X[:, 0] + rng.standard_normal(600)
    training, validation = [], []
    for dropout in (0.0, 0.5):
        model = network(MLPRegressor, (100,), dropout=dropout, learning_rate_init=0.01)
        model.set_params(max_iter=200, n_iter_no_change=np.inf)
        model.fit(X[:100], y[:100], X_val=X[100:], y_val=y[100:])
        training.append(model.loss_)
        validation.append(model.validation_loss_curve_[-1])
    assert training[0] < 1e-3 < 1e-2 < training[1]
    assert validation[1] < validation[0]


def test_dropout_may_change_in_a_warm_start():
    model = network(MLPRegressor, warm_start=True).fit(X, y)
    model.set_params(dropout=0.5).fit(X, y)
    assert layers_of(model) == [Dense, Dropout, Dense, Dropout, Dense]
    twin = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(twin.predict(X), model.predict(X))
    model.set_params(dropout=0.0, solver="lbfgs", tol=1.0).fit(X, y)
    assert layers_of(model) == [Dense] * 3


# ---------------------------------------------------------------------- features


@pytest.mark.parametrize("Estimator", ESTIMATORS)
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_numbers_of_hidden_layers(Estimator, container):
    model = network(Estimator, (5, 4, 3), dropout=[0.1, 0, 0.2], dtype="float32")
    model.fit(container(X), y)
    shapes = [model.hidden_activations(container(X), n).shape for n in range(3)]
    assert shapes == [(150, 5), (150, 4), (150, 3)]
    for number in range(3):
        hidden = model.hidden_activations(container(X), number)
        other = model.hidden_activations(container(X), number - 3)
        np.testing.assert_array_equal(hidden, other)
        assert hidden.dtype == np.float64
        single = container(X.astype(np.float32))
        assert model.hidden_activations(single, number).dtype == np.float32
    assert not hasattr(model, "transform")


def test_bad_numbers_of_hidden_layers():
    model = network(MLPClassifier)
    with pytest.raises(NotFittedError):
        model.hidden_activations(X)
    model.fit(X, y)
    for layer in (2, -3):
        with pytest.raises(ValueError, match=rf"layer must be from -2 to 1.*{layer}\."):
            model.hidden_activations(X, layer)
    for layer in (0.5, True, None):
        with pytest.raises(
            ValueError, match=f"layer must be an integer, or the name .*{layer!r}"
        ):
            model.hidden_activations(X, layer)
    with pytest.raises(ValueError, match=r"no part '0'. Its parts are \['dense', "):
        model.hidden_activations(X, "0")
    with pytest.raises(ValueError, match="X has 3 features"):
        model.hidden_activations(X[:, :3])
    with pytest.raises(ValueError, match=r"has no hidden layers .*got layer=-1"):
        network(MLPClassifier, ()).fit(X, y).hidden_activations(X)


@pytest.mark.parametrize("Estimator", ESTIMATORS)
@pytest.mark.parametrize("layer", [0, -1])
def test_transformer(Estimator, layer):
    model = network(Estimator)
    transformer = HiddenLayerTransformer(model, layer=layer)
    features = transformer.fit_transform(X, y)
    assert not hasattr(model, "coefs_")
    model.fit(X, y)
    np.testing.assert_array_equal(features, model.hidden_activations(X, layer))
    prefit = HiddenLayerTransformer(model, layer=layer, prefit=True)
    np.testing.assert_array_equal(prefit.fit(X).transform(X), features)
    assert prefit.estimator_ is model
    names = prefit.get_feature_names_out()
    assert list(names) == [
        f"hiddenlayertransformer{i}" for i in range(features.shape[1])
    ]
    twin = pickle.loads(pickle.dumps(transformer))
    np.testing.assert_array_equal(twin.transform(X), features)


def test_transformer_in_a_pipeline():
    model = make_pipeline(
        HiddenLayerTransformer(
            network(MLPClassifier, (20, 3), max_iter=200, learning_rate_init=0.02)
        ),
        LogisticRegression(),
    )
    assert model.fit(X, y).score(X, y) > 0.9
    grid = {"hiddenlayertransformer__estimator__hidden_layer_sizes": [(3,), (5, 4)]}
    search = GridSearchCV(model, grid, cv=2, error_score="raise").fit(X, y)
    assert search.predict(X).shape == (150,)


def test_transformer_of_data_frames():
    frame = pd.DataFrame(X, columns=list("abcd"))
    transformer = HiddenLayerTransformer(network(MLPRegressor))
    features = transformer.set_output(transform="pandas").fit_transform(frame, y)
    assert list(features.columns) == [f"hiddenlayertransformer{i}" for i in range(4)]
    np.testing.assert_array_equal(transformer.feature_names_in_, list("abcd"))
    with pytest.raises(ValueError, match="feature names should match"):
        transformer.transform(frame[list("badc")])
    transformer.fit(X[:, :3], y)
    assert transformer.n_features_in_ == 3
    assert not hasattr(transformer, "feature_names_in_")


def test_transformer_passes_fit_parameters_on():
    weight = np.linspace(0, 1, 150)
    expected = network(MLPClassifier).fit(X, y, sample_weight=weight)
    one = HiddenLayerTransformer(network(MLPClassifier))
    one.fit(X, y, sample_weight=weight)
    with config_context(enable_metadata_routing=True):
        other = HiddenLayerTransformer(
            network(MLPClassifier).set_fit_request(sample_weight=True)
        )
        other.fit(X, y, sample_weight=weight)
    for transformer in (one, other):
        np.testing.assert_array_equal(
            transformer.estimator_.coefs_[0], expected.coefs_[0]
        )


@pytest.mark.parametrize(
    ("transformer", "error", "message"),
    [
        (HiddenLayerTransformer(LogisticRegression()), ValueError, "'estimator' param"),
        (
            HiddenLayerTransformer(network(MLPClassifier), 0.5),
            ValueError,
            "'layer' par",
        ),
        (HiddenLayerTransformer(network(MLPClassifier), 2), ValueError, "from -2 to 1"),
        (
            HiddenLayerTransformer(network(MLPClassifier), prefit=2),
            ValueError,
            "prefit",
        ),
        (
            HiddenLayerTransformer(network(MLPClassifier), prefit=True),
            NotFittedError,
            "not fitted yet",
        ),
    ],
)
def test_bad_transformers(transformer, error, message):
    with pytest.raises(error, match=message):
        transformer.fit(X, y)
