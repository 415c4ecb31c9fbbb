"""Estimators with targets of every shape, for tests of where their outputs are."""

import numpy as np
from sklearn.datasets import load_iris
from sklearn.preprocessing import StandardScaler

from fastnn import MLPClassifier, MLPRegressor, NeuralNetClassifier, NeuralNetRegressor
from fastnn.losses import MultiMargin, Quantile

IRIS, SPECIES = load_iris(return_X_y=True)
IRIS = StandardScaler().fit_transform(IRIS)

WORDS = np.array(["setosa", "versicolor", "virginica"])

METHODS = (
    "predict", "predict_proba", "predict_log_proba", "decision_function",
    "hidden_activations",
)  # fmt: skip

PREDICTORS = {
    "classes": (MLPClassifier((5,), max_iter=2), SPECIES),
    "two classes": (MLPClassifier((5,), max_iter=2), SPECIES > 0),
    "one class": (MLPClassifier((5,), max_iter=2), np.full(150, 3)),
    "far apart": (MLPClassifier((5,), max_iter=2), 1e3 * SPECIES - 7),
    "labels": (MLPClassifier((5,), max_iter=2), np.c_[SPECIES > 0, SPECIES > 1] * 1),
    "columns": (
        MLPClassifier((5,), max_iter=2),
        np.c_[SPECIES, np.arange(150) % 4],
    ),
    "margins": (NeuralNetClassifier(epochs=2, loss="hinge"), SPECIES > 0),
    "many margins": (NeuralNetClassifier(epochs=2, loss=MultiMargin()), SPECIES),
    "number": (MLPRegressor(hidden_layer_sizes=5, max_iter=2), IRIS[:, 0]),
    "numbers": (MLPRegressor(hidden_layer_sizes=5, max_iter=2), IRIS[:, :3]),
    "quantiles": (
        NeuralNetRegressor(epochs=2, loss=Quantile([0.1, 0.9])),
        IRIS[:, :2],
    ),
}  # fmt: skip


def methods(model):
    return [name for name in METHODS if hasattr(model, name)]
