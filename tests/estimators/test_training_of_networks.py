"""How the estimators of any network train: history, going on and averages."""

import copy
import pickle

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import make_classification
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import cross_val_score
from sklearn.preprocessing import StandardScaler
from test_neural_net import X, X_numbers, binary, both, net, numbers, y

from fastnn import (
    LossCurveDisplay,
    MLPRegressor,
    NeuralNetClassifier,
    NeuralNetRegressor,
    Sequential,
)
from fastnn.averaging import EMA, SWA
from fastnn.callbacks import Callback, EarlyStopping
from fastnn.layers import (
    Dense,
    Dropout,
)
from fastnn.optimizers import SGD, Adam
from fastnn.schedules import ReduceOnPlateau, StepDecay

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
