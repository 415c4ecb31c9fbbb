"""fastnn's estimators, in their default float32."""

from fastnn import MLPClassifier, MLPRegressor, __version__

from .estimators import timed_fit


def version():
    return f"fastnn {__version__}"


def fit(workload, X, y, epochs, threads, shuffle=True, **options):
    estimator = MLPRegressor if workload.is_regression else MLPClassifier
    options["n_jobs"] = threads
    return timed_fit(estimator, workload, X, y, epochs, shuffle, **options)
