"""The peak memory of a process that fits."""

import warnings

import numpy as np
from scipy import sparse

from fastnn import MLPClassifier


class Fit:
    """Two epochs; nearly all memory is what training keeps for each parameter."""

    params = ([1, 2],)
    param_names = ("threads",)

    def setup(self, threads):
        warnings.simplefilter("ignore")
        self.y = np.arange(1_000) % 10
        self.options = {
            "batch_size": 200,
            "max_iter": 2,
            "n_iter_no_change": 2,
            "n_jobs": threads,
        }

    def peakmem_wide_layers(self, threads):
        X = np.ones((1_000, 512), np.float32)
        MLPClassifier((4_000, 4_000), **self.options).fit(X, self.y)

    def peakmem_million_columns(self, threads):
        rows = np.arange(10_000)
        X = sparse.csr_array(
            (np.ones(10_000, np.float32), (rows % 1_000, rows * 100)),
            shape=(1_000, 1_000_000),
        )
        MLPClassifier((16,), **self.options).fit(X, self.y)
