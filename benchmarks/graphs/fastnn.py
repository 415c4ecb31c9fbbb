"""fastnn's classifier."""

import time

from benchmarks.peers.fastnn import version
from fastnn import Branches, NeuralNetClassifier, Pretrained, Sequential
from fastnn.layers import Dense

from .net import BRANCHES, initial_weights

__all__ = ["prepare", "version"]


def network(workload):
    half = workload.n_features // 2
    columns = slice(0, half), slice(half, None)
    branches = [
        (name, Sequential([Dense(units, "relu") for units in workload.hidden]), each)
        for name, each in zip(BRANCHES, columns, strict=True)
    ]
    return Sequential([Branches(branches), ("output", Dense(1))])


def prepare(workload, X, y, threads):
    weights = {
        name if name.startswith("output") else f"branches/{name}": each
        for name, each in initial_weights(workload, X.dtype).items()
    }

    def train(epochs, shuffle=True):
        model = NeuralNetClassifier(
            Pretrained(network(workload), weights),
            epochs=epochs,
            batch_size=workload.batch_size,
            shuffle=shuffle,
            n_jobs=threads,
            dtype=None,
            random_state=0,
        )
        start = time.perf_counter()
        model.fit(X, y)
        return time.perf_counter() - start, model.history_["loss"][-1]

    return train
