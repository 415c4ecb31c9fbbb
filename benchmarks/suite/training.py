"""Steps of training, and what surrounds them in a fit."""

import warnings
from dataclasses import replace
from typing import ClassVar

from fastnn import MLPClassifier, MLPRegressor

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
