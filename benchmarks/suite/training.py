"""Steps of training, and what surrounds them in a fit."""

import warnings
from dataclasses import replace
from typing import ClassVar

from sklearn.base import clone

from fastnn import MLPClassifier, MLPRegressor, NeuralNetClassifier, Sequential
from fastnn.averaging import EMA
from fastnn.constraints import MaxNorm
from fastnn.layers import (
    AlphaDropout,
    BatchNorm,
    Dense,
    Dropout,
    GaussianNoise,
    LayerNorm,
    PReLU,
    RMSNorm,
)
from fastnn.regularizers import L1, L2

from .timed import Timed
from .workloads import WORKLOADS


def new_model(workload, epochs, n_jobs=1):
    estimator = MLPRegressor if workload.is_regression else MLPClassifier
    return estimator(
        hidden_layer_sizes=workload.hidden,
        batch_size=workload.batch_size,
        max_iter=epochs,
        n_iter_no_change=epochs,
        random_state=0,
        n_jobs=n_jobs,
    )


class Steps(Timed):
    """Fits of five epochs over a few mini-batches, the fewer the larger they are."""

    params = (list(WORKLOADS), [1, 2])
    param_names = ("workload", "threads")
    n_batches: ClassVar = {"W3": 5, "W4": 5, "W5": 2}

    def setup(self, name, threads):
        warnings.simplefilter("ignore")
        workload = WORKLOADS[name]
        n_samples = self.n_batches.get(name, 20) * workload.batch_size
        self.X, self.y = replace(workload, n_samples=n_samples).data()
        self.model = new_model(workload, epochs=5, n_jobs=threads)

    def time_five_epochs(self, name, threads):
        self.model.fit(self.X, self.y)


class FitOverhead(Timed):
    """One epoch on 100 rows: validation, encoding and set-up, not arithmetic."""

    def setup(self):
        warnings.simplefilter("ignore")
        X, y = WORKLOADS["W1"].data()
        self.X, self.y = X[:100, :5].copy(), y[:100]
        self.model = MLPClassifier(max_iter=1, n_iter_no_change=1, random_state=0)

    def time_fit(self):
        self.model.fit(self.X, self.y)


class Layers(Timed):
    """Fits of W4's net with one more layer behind each hidden one, or other weights."""

    params = (
        [
            *("none", "Dropout", "AlphaDropout", "GaussianNoise", "BatchNorm"),
            *("LayerNorm", "RMSNorm", "PReLU", "L1", "L2", "MaxNorm", "EMA"),
        ],
    )
    param_names = ("piece",)
    layers: ClassVar = {
        "Dropout": Dropout(0.5),
        "AlphaDropout": AlphaDropout(0.5),
        "GaussianNoise": GaussianNoise(0.1),
        "BatchNorm": BatchNorm(),
        "LayerNorm": LayerNorm(),
        "RMSNorm": RMSNorm(),
        "PReLU": PReLU(),
    }
    options: ClassVar = {
        "L1": {"kernel_regularizer": L1()},
        "L2": {"kernel_regularizer": L2()},
        "MaxNorm": {"kernel_constraint": MaxNorm()},
    }

    def setup(self, piece):
        workload = WORKLOADS["W4"]
        self.X, self.y = replace(workload, n_samples=5 * workload.batch_size).data()
        layers = []
        for width in workload.hidden:
            layers.append(Dense(width, "relu", **self.options.get(piece, {})))
            if piece in self.layers:
                layers.append(clone(self.layers[piece]))
        self.model = NeuralNetClassifier(
            Sequential(layers),
            epochs=5,
            batch_size=workload.batch_size,
            averaging=EMA() if piece == "EMA" else None,
            random_state=0,
            n_jobs=1,
        )

    def time_five_epochs(self, piece):
        self.model.fit(self.X, self.y)
