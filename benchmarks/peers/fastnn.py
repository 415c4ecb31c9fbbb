"""fastnn's estimators, which here compute in the dtype of X."""

from functools import partial

from fastnn import MLPClassifier, MLPRegressor, __version__

from .estimators import timed_fit


def version():
    return f"fastnn {__version__}"


def prepare(workload, X, y, threads):
    estimator = MLPRegressor if workload.is_regression else MLPClassifier
    return partial(timed_fit, estimator, workload, X, y, n_jobs=threads, dtype=None)
