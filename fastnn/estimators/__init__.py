"""scikit-learn estimators over the training engine."""

from fastnn.estimators.from_sklearn import from_sklearn
from fastnn.estimators.hidden_layer_transformer import HiddenLayerTransformer
from fastnn.estimators.mlp_classifier import MLPClassifier
from fastnn.estimators.mlp_regressor import MLPRegressor

__all__ = ["HiddenLayerTransformer", "MLPClassifier", "MLPRegressor", "from_sklearn"]
