"""The estimators of any network: their parts, their history, and what they add."""

import copy
import inspect
import pickle

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_iris, make_classification, make_regression
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastnn import (
    LossCurveDisplay,
    MLPClassifier,
    MLPRegressor,
    NeuralNetClassifier,
    NeuralNetRegressor,
    Sequential,
)
from fastnn.averaging import EMA, SWA
from fastnn.callbacks import Callback, EarlyStopping
from fastnn.initializers import GlorotUniform
from fastnn.layers import (
    Activation,
    BatchNorm,
    Dense,
    Dropout,
    LayerNorm,
    RMSNorm,
)
from fastnn.losses import (
    BinaryFocal,
    CosineSimilarity,
    CrossEntropy,
    CustomLoss,
    Focal,
    Hinge,
    LogLoss,
    MultiMargin,
    Quantile,
    SoftCrossEntropy,
    SquaredHinge,
)
from fastnn.optimizers import OPTIMIZERS, SGD, Adam
from fastnn.schedules import ReduceOnPlateau, StepDecay

X, y = load_iris(return_X_y=True)
X = StandardScaler().fit_transform(X)
binary = np.where(y == 0, "no", "yes")
labels = np.column_stack([y == 0, y != 1]).astype(int)
X_numbers, numbers = make_regression(120, 5, noise=0.1, random_state=0)
numbers = numbers / 100
both = pytest.mark.parametrize("Estimator", [NeuralNetClassifier, NeuralNetRegressor])


def net(*layers, Estimator=NeuralNetClassifier, **params):
    params = {"epochs": 20, "random_state": 0, "batch_size": 16} | params
    return Estimator(Sequential(list(layers)) if layers else None, **params)


def shapes(model):
    return [kernel.shape for kernel in model.coefs_]


# ------------------------------------------------------------------- output layers


@pytest.mark.parametrize(
    ("layers", "target", "expected"),
    [
        ([], y, [(4, 100), (100, 3)]),
        ([Dense(8, "relu")], y, [(4, 8), (8, 3)]),
        ([Dense(8, "relu")], binary, [(4, 8), (8, 1)]),
        ([Dense(8, "relu"), Dropout(0.1)], labels, [(4, 8), (8, 2)]),
        ([Dense(8, "relu"), Dense(3)], y, [(4, 8), (8, 3)]),
        ([Dense(8, "relu"), Dense(3, "softmax")], y, [(4, 8), (8, 3)]),
        ([Dense(8, "relu"), Dense(3), Activation("softmax")], y, [(4, 8), (8, 3)]),
        ([Dense(8, "relu"), Dense(1, "sigmoid")], binary, [(4, 8), (8, 1)]),
        ([Dense(8, "relu"), Dense(2, "softmax")], binary, [(4, 8), (8, 2)]),
        ([Dense(2, "sigmoid")], labels, [(4, 2)]),
        ([Dense(8, "sigmoid")], binary, [(4, 8), (8, 1)]),
        ([Dropout(0.1)], y, [(4, 3)]),
    ],
)
def test_the_output_layer(layers, target, expected):
    model = net(*layers, epochs=2).fit(X, target)
    assert shapes(model) == expected
    probabilities = model.predict_proba(X)
    assert probabilities.shape == (
        150,
        len(np.unique(target)) if target.ndim == 1 else 2,
    )
    if target.ndim == 1:
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)


def test_an_output_layer_of_ones_own_is_no_other_network():
    own = net(Dense(8, "relu"), Dense(3, "softmax")).fit(X, y)
    added = net(Dense(8, "relu")).fit(X, y)
    assert own.history_["loss"] == added.history_["loss"]
    np.testing.assert_array_equal(own.predict_proba(X), added.predict_proba(X))


@pytest.mark.parametrize(
    ("layers", "target", "message"),
    [
        ([Dense(10)], y, "'dense', has 10 units and is linear.* ask for 3 outputs"),
        ([Dense(9, "softmax")], y, "has 9 units and is softmax"),
        ([Dense(2, "softmax")], labels, r"one-hot, pass .* y.argmax\(axis=1\)"),
        ([Dense(2, "softmax")], y, "has 2 units and is softmax.*ask for 3 outputs"),
        ([("top", Dense(2))], binary, "'top', has 2 units.*ask for one output"),
    ],
)
def test_output_layers_that_do_not_fit(layers, target, message):
    with pytest.raises(ValueError, match=message):
        net(*layers).fit(X, target)


def test_a_shared_output_layer():
    layer = Dense(4)
    model = net(layer, Activation("tanh"), layer, Estimator=NeuralNetRegressor)
    model.fit(X, np.column_stack([y, y, y, y]))
    assert shapes(model) == [(4, 4)]
    layer = Dense(3, "softmax")
    with pytest.raises(ValueError, match="stands elsewhere in the network too"):
        net(Dense(3), layer, layer).fit(X, y)


# ------------------------------------------------------------------- losses


@pytest.mark.parametrize(
    ("loss", "target"),
    [
        ("auto", y),
        ("log_loss", binary),
        ("focal", y),
        ("focal", binary),
        ("hinge", y),
        ("hinge", binary),
        ("squared_hinge", labels),
        (CrossEntropy(label_smoothing=0.1), y),
        (CrossEntropy(), binary),
        (LogLoss(label_smoothing=0.1), labels),
        (BinaryFocal(alpha=0.3), binary),
        (Focal(gamma=1.0), binary),
        (MultiMargin(), y),
        (MultiMargin(), binary),
        (SquaredHinge(), binary),
        (CrossEntropy(), np.column_stack([y, y % 2])),
    ],
)
def test_losses_of_classifiers(loss, target):
    model = net(Dense(16, "relu"), loss=loss, optimizer=Adam(0.01), epochs=40)
    model.fit(X, target)
    predictions = model.predict(X)
    assert predictions.shape == target.shape
    assert predictions.dtype.kind == target.dtype.kind
    assert (predictions == target).mean() > 0.9


@pytest.mark.parametrize(
    ("loss", "target", "message"),
    [
        (LogLoss(), y, "LogLoss has one output for two classes"),
        (CrossEntropy(), labels, "CrossEntropy is for classes that exclude each other"),
        ("focal", np.column_stack([y, y % 2]), "cross-entropy only, got loss='focal'"),
        ("mse", y, "'loss' parameter of NeuralNetClassifier must be"),
    ],
)
def test_losses_that_do_not_suit_the_classes(loss, target, message):
    with pytest.raises(ValueError, match=message):
        net(loss=loss).fit(X, target)


def test_hinge_losses_give_no_probabilities():
    for loss in ("hinge", Hinge(), MultiMargin()):
        model = net(loss=loss)
        assert not hasattr(model, "predict_proba")
        target = y if isinstance(loss, MultiMargin) else binary
        model.fit(X, target)
        assert not hasattr(model, "predict_proba")
        assert not hasattr(model, "predict_log_proba")
        scores = model.decision_function(X)
        if target is binary:
            assert scores.shape == (150,)
            expected = np.where(scores > 0, "yes", "no")
        else:
            expected = scores.argmax(axis=1)
        np.testing.assert_array_equal(model.predict(X), expected)
    assert hasattr(net(), "predict_proba")
    assert not hasattr(net(), "decision_function")
    assert cross_val_score(net(loss="hinge"), X, binary, scoring="roc_auc").mean() > 0.9


def test_losses_of_regressors():
    for loss in ("auto", "squared_error", "huber", "absolute_error", "log_cosh"):
        model = net(loss=loss, Estimator=NeuralNetRegressor, epochs=50)
        assert model.fit(X_numbers, numbers).score(X_numbers, numbers) > 0.9
    shares = np.random.default_rng(0).dirichlet(np.ones(3), 150)
    model = net(loss=SoftCrossEntropy(), Estimator=NeuralNetRegressor).fit(X, shares)
    np.testing.assert_allclose(model.predict(X).sum(axis=1), 1, rtol=1e-5)
    model = net(loss=Quantile([0.1, 0.9]), Estimator=NeuralNetRegressor)
    assert model.fit(X_numbers, numbers).predict(X_numbers).shape == (120, 2)
    model = net(loss=CosineSimilarity(), Estimator=NeuralNetRegressor)
    assert model.fit(X, X[:, :2]).history_["loss"][-1] < 0.1
    with pytest.raises(ValueError, match="CrossEntropy reads class numbers"):
        net(loss=CrossEntropy(), Estimator=NeuralNetRegressor).fit(X, y)
    with pytest.raises(ValueError, match="needs y >= 0, got -"):
        net(loss="poisson", Estimator=NeuralNetRegressor).fit(X_numbers, numbers)


# ------------------------------------------------------------------- descriptions


def test_a_dense_network_is_the_perceptron():
    glorot = GlorotUniform()

    def dense(*args):
        return Dense(*args, kernel_initializer=glorot, bias_initializer=glorot)

    layers = [dense(12, "relu"), Dropout(0.25), dense(8, "tanh"), dense(3)]
    options = {"batch_size": 16, "random_state": 0, "dtype": "float64"}
    model = net(*layers, optimizer=SGD(0.05), epochs=7, **options).fit(X, y)
    twin = MLPClassifier(
        (12, 8), ["relu", "tanh"], dropout=[0.25, 0.0], solver=SGD(0.05),
        alpha=0.0, max_iter=7, n_iter_no_change=7, **options,
    )  # fmt: skip
    with pytest.warns(match="Maximum iterations"):
        twin.fit(X, y)
    assert model.history_["loss"] == twin.loss_curve_
    for ours, theirs in zip(model.coefs_, twin.coefs_, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@both
def test_defaults_are_no_objects(Estimator):
    for name, parameter in inspect.signature(Estimator).parameters.items():
        assert parameter.default is None or isinstance(
            parameter.default, (str, int, float, bool, tuple)
        ), name


def test_parameters_of_all_parts():
    model = NeuralNetClassifier(
        Sequential([Dense(8, "relu"), Dropout(0.5)]),
        optimizer=Adam(0.01),
        schedule=StepDecay(3),
        loss=CrossEntropy(),
    )
    params = model.get_params()
    for name in (
        "network__dropout__rate",
        "network__dense__units",
        "optimizer__learning_rate",
        "schedule__epochs",
        "loss__label_smoothing",
    ):
        assert name in params
    twin = clone(model).set_params(network__dropout__rate=0.1, optimizer__beta_1=0.5)
    assert model.network.layers[1].rate == 0.5
    assert twin.network.layers[1].rate == 0.1
    assert (model.optimizer.beta_1, twin.optimizer.beta_1) == (0.9, 0.5)
    assert "Dropout(rate=0.1)" in repr(twin)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_name_of_an_optimizer_has_options(name):
    model = net(optimizer=name, epochs=3).set_params(optimizer__learning_rate=0.02)
    assert type(model.optimizer) is OPTIMIZERS[name]
    model.fit(X, y)
    assert model.history_["learning_rate"] == [0.02] * 3
    assert np.isfinite(model.history_["loss"]).all()


def test_grid_search_reaches_inside():
    model = make_pipeline(StandardScaler(), net(Dense(8, "relu"), Dropout(0.5)))
    grid = {
        "neuralnetclassifier__network__dropout__rate": [0.0, 0.9],
        "neuralnetclassifier__optimizer__learning_rate": [1e-5, 1e-2],
    }
    search = GridSearchCV(model, grid, cv=3).fit(X, y)
    assert search.best_params_["neuralnetclassifier__optimizer__learning_rate"] == 1e-2
    assert search.best_score_ > 0.8


def test_fit_changes_no_description():
    network = Sequential([Dense(8, "relu"), Dense(3, "softmax")])
    model = net(epochs=2).set_params(network=network, optimizer=Adam(0.01))
    before = repr(model)
    model.fit(X, y)
    assert repr(model) == before
    network.layers[0].units = 50
    assert shapes(pickle.loads(pickle.dumps(model))) == [(4, 8), (8, 3)]


# ------------------------------------------------------------------- what is kept


@both
def test_history(Estimator):
    data = (X, y) if Estimator is NeuralNetClassifier else (X_numbers, numbers)
    metric = "balanced_accuracy" if Estimator is NeuralNetClassifier else "r2"
    model = net(
        Estimator=Estimator, epochs=4, validation=0.2, metrics=[metric],
        schedule=lambda step: 0.5,
    ).fit(*data)  # fmt: skip
    assert list(model.history_) == [
        *("loss", "validation_loss", "validation_score", f"validation_{metric}"),
        *("learning_rate", "seconds"),
    ]
    assert {len(values) for values in model.history_.values()} == {4}
    assert all(isinstance(v, float) for each in model.history_.values() for v in each)
    assert model.history_["learning_rate"] == [1e-3] * 4
    assert min(model.history_["seconds"]) > 0
    assert model.n_epochs_ == 4
    if metric == "r2":  # is the score of a regressor
        np.testing.assert_allclose(
            model.history_["validation_r2"], model.validation_scores_, rtol=1e-6
        )
    assert model.loss_curve_ is model.history_["loss"]
    assert model.validation_loss_curve_ is model.history_["validation_loss"]
    alone = net(Estimator=Estimator, epochs=1).fit(*data)
    assert list(alone.history_) == ["loss", "learning_rate", "seconds"]
    assert alone.validation_scores_ is None


def test_metrics_are_those_of_the_model_at_that_epoch():
    def missed(estimator, X_val, target):
        return float((estimator.predict(X_val) != target).sum())

    model = net(metrics=["neg_log_loss", missed], epochs=5)
    model.fit(X[::2], binary[::2], X_val=X[1::2], y_val=binary[1::2])
    history = model.history_
    assert (
        history["validation_missed"][-1]
        == (model.predict(X[1::2]) != binary[1::2]).sum()
    )
    np.testing.assert_allclose(
        history["validation_neg_log_loss"],
        -np.array(history["validation_loss"]),
        rtol=1e-4,
    )


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"metrics": ["f1_macro"]}, "are taken on validation data"),
        ({"metrics": ["accurracy"], "validation": 0.2}, "'accurracy' is not a valid"),
        ({"validation": 0.001}, "validation=0.001 cannot be held out: The test_size"),
        ({"validation": 1.5}, "'validation' parameter of NeuralNetClassifier must be"),
        ({"epochs": 0}, "'epochs' parameter of NeuralNetClassifier must be an int"),
        ({"optimizer": "adm"}, "'optimizer' parameter of NeuralNetClassifier must be"),
        ({"optimizer": Adam}, "'optimizer' parameter of NeuralNetClassifier must be"),
        ({"optimizer": Adam(-1)}, "'learning_rate' parameter of Adam must be"),
        ({"schedule": StepDecay}, "must be an object, got the class StepDecay"),
        ({"network": [Dense(3)]}, r"network must be a network, .*got \[Dense\(units=3"),
        ({"network": Sequential}, "must be a network, .*got the class Sequential"),
        ({"callbacks": ["stop"]}, "got 'stop' at position 0"),
        ({"early_stopping": True}, "'early_stopping' parameter of NeuralNetClassi"),
        ({"device": "gpu"}, "'device' parameter of NeuralNetClassifier must be"),
        ({"precision": "bf16", "dtype": "float64"}, "is for computing in float32"),
        ({"network": Sequential([Dense(3, "rely")])}, "'activation' parameter of D"),
    ],
)  # fmt: skip
def test_wrong_parameters_are_named(params, message):
    with pytest.raises(ValueError, match=message):
        NeuralNetClassifier(**params).fit(X, y)


def test_a_failed_fit_keeps_the_model():
    model = net(epochs=2).fit(X, y)
    before, history = copy.deepcopy(vars(model)), copy.deepcopy(model.history_)
    with pytest.raises(ValueError, match="ask for 3 outputs"):
        model.set_params(network=Sequential([Dense(7)])).fit(X, y)
    assert model.history_ == history
    np.testing.assert_array_equal(
        model.coefs_[0], before["_fitted"].views("", "kernel")[0]
    )


@both
def test_summary_of_the_layers(Estimator, capsys):
    layer = Dense(4, "relu")
    model = net(layer, Dropout(0.5), layer, Dense(2, "tanh"), Estimator=Estimator)
    with pytest.raises(NotFittedError, match="not fitted yet"):
        model.summary()
    with pytest.raises(NotFittedError, match="not fitted yet"):
        model.extract("dense")
    model.fit(X, y).summary()
    lines = capsys.readouterr().out.splitlines()
    cells = [line.split() for line in lines[2:6]]
    assert [each[0] for each in cells] == ["dense", "dropout", "dense", "dense_1"]
    assert [each[-1] for each in cells] == ["20", "0", "shared", "10"]
    total = model.coefs_[-1].size + model.intercepts_[-1].size + 30
    assert lines[-2].split() == ["total", str(total)]
    assert lines[-1].startswith("memory: ")


def test_curves_can_be_drawn():
    pytest.importorskip("matplotlib").use("agg")
    model = net(validation=0.2, epochs=3).fit(X, y)
    display = LossCurveDisplay.from_estimator(model)
    assert [len(line.get_xdata()) for line in display.lines_] == [3, 3, 3]


def test_verbose_lines(capsys):
    net(epochs=10, verbose=True, validation=0.2).fit(X, y)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 10
    assert lines[0].startswith("epoch  1/10  loss ")
    assert "validation_score" in lines[-1]


# ------------------------------------------------------------------- going on


@both
def test_partial_fit_epoch_by_epoch_is_fit(Estimator):
    data = (X, y) if Estimator is NeuralNetClassifier else (X_numbers, numbers)
    options = {"Estimator": Estimator, "epochs": 3, "shuffle": False}
    fitted = net(Dense(8, "tanh"), Dropout(0.3), **options).fit(*data)
    stepped = net(Dense(8, "tanh"), Dropout(0.3), **options)
    first = {"classes": [0, 1, 2]} if Estimator is NeuralNetClassifier else {}
    stepped.partial_fit(*data, **first)
    for _ in range(2):
        stepped = pickle.loads(pickle.dumps(stepped)).partial_fit(*data)
    np.testing.assert_array_equal(fitted.coefs_[0], stepped.coefs_[0])
    assert fitted.history_["loss"] == stepped.history_["loss"]
    assert stepped.n_epochs_ == 1


def test_warm_start_goes_on():
    model = net(epochs=2, warm_start=True).fit(X, y)
    loss = model.history_["loss"][-1]
    model.fit(X, y, X_val=X, y_val=y)
    assert len(model.history_["loss"]) == 4
    assert np.isnan(model.history_["validation_loss"][:2]).all()
    assert model.history_["loss"][2] < loss
    with pytest.raises(ValueError, match="cannot go on training"):
        model.set_params(network=Sequential([Dense(5)])).set_params(
            network__dense__activation="relu"
        ).fit(X, y)


def test_the_schedule_sees_plateaus():
    schedule = ReduceOnPlateau(10.0, minimum=1e-4, patience=2, min_delta=10.0)
    model = net(epochs=50, optimizer=Adam(0.1), schedule=schedule).fit(X, y)
    rates = model.history_["learning_rate"]
    np.testing.assert_allclose(np.unique(rates), [1e-4, 1e-3, 1e-2, 1e-1], rtol=1e-12)
    # The first epoch is the best one; a plateau is two more.
    assert [rates.count(each) for each in sorted(set(rates))[::-1]] == [3, 2, 2, 2]


def test_patience_of_a_schedule_in_the_perceptron():
    schedule = ReduceOnPlateau(10.0, minimum=1e-2, patience=1, min_delta=10.0)
    model = MLPRegressor(
        hidden_layer_sizes=5, solver=SGD(0.1), learning_rate=schedule, random_state=0
    )
    model.fit(X_numbers, numbers)
    assert model.n_iter_ < 10


def test_divergence_is_undone():
    model = net(optimizer=SGD(1e3, momentum=0.0), Estimator=NeuralNetRegressor)
    with pytest.raises(ValueError, match="non-finite"):
        model.fit(X_numbers, numbers * 1e30)
    start = {"epochs": 1, "optimizer": SGD(1e-3), "warm_start": True}
    model.set_params(**start).fit(X_numbers, numbers)
    kernel = model.coefs_[0].copy()
    model.set_params(
        epochs=5,
        schedule=lambda step: 0.0 if step < 8 else 1e30,
        optimizer=SGD(1.0, momentum=0.0),
        validation=0.1,
    )
    with pytest.warns(match="Training diverged: epoch 2"):
        model.fit(X_numbers, numbers)
    np.testing.assert_array_equal(model.coefs_[0], kernel)
    assert {len(each) for each in model.history_.values()} == {3}
    assert np.isnan(model.history_["loss"][-1])


def test_sparse_rows_and_weights():
    X_sparse = sparse.csr_array(X * (X > 0))
    weight = np.linspace(0, 2, 150)
    model = net(dtype="float64").fit(X_sparse, y, weight)
    twin = net(dtype="float64").fit(X_sparse.toarray(), y, weight)
    expected = twin.predict_proba(X_sparse.toarray())
    np.testing.assert_allclose(model.predict_proba(X_sparse), expected, rtol=1e-7)
    with pytest.raises(ValueError, match="put a Dense layer first"):
        net(Dropout(0.1)).fit(X_sparse, y)


def test_a_large_problem_is_learned():
    X_many, y_many = make_classification(
        2000, 20, n_informative=10, n_classes=4, random_state=0
    )
    model = net(Dense(64, "relu"), Dropout(0.2), Dense(64, "relu"), batch_size=64)
    X_many = StandardScaler().fit_transform(X_many)
    assert cross_val_score(model, X_many, y_many, cv=3).mean() > 0.7


# ------------------------------------------------------------------- averages


@pytest.mark.parametrize("averaging", [EMA(0.9), SWA(0.5)])
def test_the_average_is_judged_and_kept(averaging):
    kept = []

    class Watch(Callback):
        def on_epoch_end(self, run):
            kept.append(run.parameters.copy())

    model = net(averaging=averaging, validation=0.2, callbacks=[Watch()], epochs=8)
    model.fit(X, y)
    alone = net(validation=0.2, epochs=8).fit(X, y)
    assert model.history_["loss"] == alone.history_["loss"]  # that of the live weights
    same = isinstance(averaging, SWA) * 4  # epochs before the average, and its first
    ours, theirs = (each.history_["validation_loss"] for each in (model, alone))
    np.testing.assert_allclose(ours[:same], theirs[:same], rtol=1e-7)
    assert all(a != b for a, b in zip(ours[same:], theirs[same:], strict=True))
    np.testing.assert_array_equal(kept[-1], model._fitted.parameters)


@pytest.mark.parametrize("averaging", [EMA(0.9), SWA(0.5)])
@pytest.mark.parametrize("warm", [True, False])
def test_averages_go_on(averaging, warm):
    options = {"averaging": averaging, "shuffle": False, "dtype": "float64"}
    options |= {"optimizer": SGD(0.1)}
    fitted = net(epochs=6, **options).fit(X, y)
    stepped = net(epochs=6, **options)
    for _ in range(6):
        stepped = pickle.loads(
            pickle.dumps(stepped.partial_fit(X, y, classes=[0, 1, 2]))
        )
    np.testing.assert_array_equal(stepped.coefs_[0], fitted.coefs_[0])
    if warm:  # from weights that were assigned, not from those that were averaged
        stepped.coefs_[0][:] = 0
        stepped.partial_fit(X, y)
        assert abs(stepped.coefs_[0]).max() < 0.5 * abs(fitted.coefs_[0]).max()


def test_early_stopping_restores_an_average():
    stop = EarlyStopping(patience=3)
    model = net(averaging=EMA(0.8), early_stopping=stop, epochs=500, validation=0.3)
    model.set_params(optimizer=Adam(0.05)).fit(X, y)
    best = net(averaging=EMA(0.8), epochs=stop.best_epoch_, validation=0.3)
    best.set_params(optimizer=Adam(0.05)).fit(X, y)
    assert stop.stopped_epoch_ == stop.best_epoch_ + 3
    np.testing.assert_array_equal(model.coefs_[0], best.coefs_[0])


def test_an_average_that_never_starts():
    model = net(averaging=SWA(0.9), epochs=20)
    for _ in range(2):
        model.partial_fit(X, y, classes=[0, 1, 2])
    alone = net()
    for _ in range(2):
        alone.partial_fit(X, y, classes=[0, 1, 2])
    np.testing.assert_array_equal(model.coefs_[0], alone.coefs_[0])
    with pytest.raises(ValueError, match="'decay' parameter of EMA must be"):
        net(averaging=EMA(2)).fit(X, y)


# ------------------------------------------------------------------- custom losses


def squared(target, z):
    return ((z - target) ** 2 / 2).sum(axis=1), z - target


def logistic(target, z):
    p = 1 / (1 + np.exp(-z))
    return -np.log(np.where(target == 1, p, 1 - p)).sum(axis=1), p - target


def softmax(target, z):
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    onehot = np.eye(z.shape[1])[target[:, 0].astype(int)]
    return -np.log((p * onehot).sum(axis=1)), p - onehot


@pytest.mark.parametrize(
    ("function", "loss", "target", "layers"),
    [
        (squared, "squared_error", numbers, []),
        (logistic, "log_loss", binary, []),
        (logistic, "log_loss", labels, []),
        (softmax, "log_loss", y, []),
        (softmax, "log_loss", binary, [Dense(8, "relu"), Dense(2, "softmax")]),
        (CustomLoss(softmax, "softmax", target_columns=1), CrossEntropy(), binary, []),
    ],
)
def test_a_loss_of_ones_own_trains_alike(function, loss, target, layers):
    regression = target is numbers
    Estimator = NeuralNetRegressor if regression else NeuralNetClassifier
    data = X_numbers if regression else X
    options = {"Estimator": Estimator, "dtype": "float64", "epochs": 4}
    weight = np.linspace(0.5, 2, len(data))
    own, built_in = (
        net(*layers, loss=each, **options).fit(
            data, target, weight, X_val=data, y_val=target
        )
        for each in (function, loss)
    )
    for name in ("loss", "validation_loss", "validation_score"):
        # The squared error reports what it minimises where there is one output.
        ours, theirs = own.history_[name], built_in.history_[name]
        np.testing.assert_allclose(ours, theirs, rtol=1e-9)
    np.testing.assert_allclose(own.coefs_[0], built_in.coefs_[0], rtol=1e-7)
    again = pickle.loads(pickle.dumps(own))
    np.testing.assert_array_equal(again.predict(data), own.predict(data))
    if not regression:
        probabilities = own.predict_proba(data)
        np.testing.assert_allclose(
            probabilities, built_in.predict_proba(data), rtol=1e-7
        )


def test_what_a_loss_of_ones_own_may_do_wrong():
    def broken(target, z):
        raise KeyError("broken")

    model = net(epochs=1).fit(X, y)
    kernel = model.coefs_[0].copy()
    with pytest.raises(KeyError, match="broken"):
        model.set_params(loss=broken).fit(X, y)
    with pytest.raises(ValueError, match="shape"):
        model.set_params(loss=lambda target, z: (z.sum(), z)).fit(X, y)
    with pytest.raises(ValueError, match=r"CustomLoss\(function, link=.softmax"):
        model.set_params(loss=CustomLoss(softmax)).fit(X, y)
    np.testing.assert_array_equal(model.coefs_[0], kernel)


# ------------------------------------------------------------------- normalisation


@pytest.mark.parametrize("norm", [BatchNorm, LayerNorm, RMSNorm])
def test_normalised_networks(norm):
    model = net(Dense(16), norm(), Activation("relu"), norm(affine=False), epochs=30)
    assert model.fit(X, y).score(X, y) > 0.9
    twin = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(twin.predict_proba(X), model.predict_proba(X))
    # What is predicted for a sample does not depend on its neighbours.
    np.testing.assert_allclose(
        model.predict_proba(X[:1]), model.predict_proba(X)[:1], rtol=1e-5
    )


def test_statistics_of_averaged_weights():
    """Those that the averaged network has over the training data, not an average."""
    layers = [Dense(8, "tanh"), BatchNorm(), Dense(8, "tanh")]
    options = {"optimizer": SGD(0.5), "dtype": "float64", "epochs": 6}
    model = net(*layers, averaging=SWA(0.3), batch_size=150, **options).fit(X, y)
    hidden = np.tanh(X @ model.coefs_[0] + model.intercepts_[0])
    mean, variance = (
        view
        for parameter, view in zip(
            model._fitted.plan.parameters,
            model._fitted.plan.views(model._fitted.parameters),
            strict=True,
        )
        if "running" in parameter.name
    )
    np.testing.assert_allclose(mean, hidden.mean(axis=0), rtol=1e-9)
    np.testing.assert_allclose(variance, hidden.var(axis=0, ddof=1), rtol=1e-9)


def test_layers_without_a_bias():
    model = net(Dense(8, "relu", use_bias=False), Dense(3)).fit(X, y)
    assert shapes(model) == [(4, 8), (8, 3)]
    assert [bias.shape for bias in model.intercepts_] == [(3,)]
    hidden = np.maximum(X @ model.coefs_[0], 0)
    z = hidden @ model.coefs_[1] + model.intercepts_[0]
    np.testing.assert_array_equal(model.predict(X), z.argmax(axis=1))


def test_names_of_features():
    frame = pd.DataFrame(X, columns=list("abcd"))
    recorded = []

    class Save(Callback):
        def on_epoch_end(self, run):
            recorded.append(run.estimator())

    model = net(metrics=["accuracy"], validation=0.2, callbacks=[Save()], epochs=2)
    model.fit(frame, binary)
    assert list(model.feature_names_in_) == list("abcd")
    np.testing.assert_array_equal(recorded[-1].predict(frame), model.predict(frame))
    assert model.history_["validation_accuracy"] == model.validation_scores_
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame[["b", "a", "c", "d"]])


def test_representations():
    model = net(Dense(8, "relu"), ("half", Dropout(0.5)), optimizer=Adam(0.01))
    for each in (model, model.network, clone(model).fit(X, y)):
        assert "half" in each._repr_html_()
        assert "half" in repr(each)
