"""Losses of the estimators of any network: by name, as objects and as functions."""

import pickle

import numpy as np
import pytest
from sklearn.model_selection import cross_val_score
from test_neural_net import X, X_numbers, binary, labels, net, numbers, y

from fastnn import (
    NeuralNetClassifier,
    NeuralNetRegressor,
)
from fastnn.layers import (
    Dense,
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
from fastnn.optimizers import Adam

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
