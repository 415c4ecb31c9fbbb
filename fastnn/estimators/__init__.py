"""scikit-learn estimators over the training engine."""

from fastnn.estimators.mlp_classifier import MLPClassifier
from fastnn.estimators.mlp_regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor"]
