"""Networks of several heads, and samples for them."""

import numpy as np
import pandas as pd

from fastnn import Heads, NeuralNet, Sequential, Targets
from fastnn.layers import Dense

N = 120


def samples():
    """X, and targets of three kinds."""
    X = np.random.RandomState(0).normal(size=(N, 5))
    y = Targets(
        churn=np.where(X[:, 0] + X[:, 1] > 0, "yes", "no"),
        kind=np.digitize(X[:, 2], [-0.5, 0.5]),
        value=X[:, :2] @ np.array([[1.0, 0.5], [2.0, -1.0]]),
    )
    return X, y


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


def numbers():
    return Heads([("a", Dense(4, "relu")), ("b", Dense(4, "relu"))])


def targets_of(y, **changed):
    return Targets(**{**dict(y.items()), **changed})


def heads_of(**options):
    return Heads(
        [("churn", Dense(4, "relu")), ("value", Sequential([Dense(3, "relu")]))],
        **options,
    )
