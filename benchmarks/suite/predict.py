"""predict_proba for one row, a thousand and a hundred thousand."""

import warnings

import numpy as np

from .timed import Timed
from .training import new_model
from .workloads import WORKLOADS


class Predict(Timed):
    params = (["W1", "W3", "W4"], [1, 1_000, 100_000])
    param_names = ("net", "rows")

    def setup(self, name, rows):
        warnings.simplefilter("ignore")
        workload = WORKLOADS[name]
        X, y = workload.data()
        self.model = new_model(workload, epochs=1).fit(X[:1_000], y[:1_000])
        self.X = np.resize(X, (rows, workload.n_features))

    def time_predict_proba(self, name, rows):
        self.model.predict_proba(self.X)
