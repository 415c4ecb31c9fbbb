"""scikit-learn estimators over the training engine."""

from fastnn.estimators.data.containers import Inputs, Targets
from fastnn.estimators.from_sklearn import from_sklearn
from fastnn.estimators.hidden_layer_transformer import HiddenLayerTransformer
from fastnn.estimators.mlp_classifier import MLPClassifier
from fastnn.estimators.mlp_regressor import MLPRegressor
from fastnn.estimators.neural_net_classifier import NeuralNetClassifier
from fastnn.estimators.neural_net_of_heads import NeuralNet
from fastnn.estimators.neural_net_regressor import NeuralNetRegressor

__all__ = [
    "HiddenLayerTransformer",
    "Inputs",
    "MLPClassifier",
    "MLPRegressor",
    "NeuralNet",
    "NeuralNetClassifier",
    "NeuralNetRegressor",
    "Targets",
    "from_sklearn",
]
