"""Fast neural networks that feel like scikit-learn estimators."""

from fastnn._show_versions import show_versions
from fastnn._version import __version__
from fastnn.display import LossCurveDisplay
from fastnn.estimators import (
    HiddenLayerTransformer,
    Inputs,
    MLPClassifier,
    MLPRegressor,
    NeuralNet,
    NeuralNetClassifier,
    NeuralNetRegressor,
    Targets,
    from_sklearn,
)
from fastnn.network import Branches, Graph, Heads, Pretrained, Residual, Sequential

__all__ = [
    "Branches",
    "Graph",
    "Heads",
    "HiddenLayerTransformer",
    "Inputs",
    "LossCurveDisplay",
    "MLPClassifier",
    "MLPRegressor",
    "NeuralNet",
    "NeuralNetClassifier",
    "NeuralNetRegressor",
    "Pretrained",
    "Residual",
    "Sequential",
    "Targets",
    "__version__",
    "from_sklearn",
    "show_versions",
]
