"""scikit-learn's estimators. They compute in the dtype of X; their only threads are
those of the BLAS library, set by the environment."""

from functools import partial

from sklearn import __version__
from sklearn.neural_network import MLPClassifier, MLPRegressor

from .estimators import timed_fit


def version():
    return f"scikit-learn {__version__}"


def prepare(workload, X, y, threads):
    estimator = MLPRegressor if workload.is_regression else MLPClassifier
    return partial(timed_fit, estimator, workload, X, y)
