"""Fast neural networks that feel like scikit-learn estimators."""

from fastnn._show_versions import show_versions
from fastnn._version import __version__
from fastnn.estimators import MLPClassifier, MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor", "__version__", "show_versions"]
