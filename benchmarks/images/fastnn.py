"""fastnn's classifier."""

import time

from benchmarks.peers.fastnn import version
from fastnn import NeuralNetClassifier, Pretrained, Sequential, layers

from . import net

__all__ = ["network", "new_model", "prepare", "version"]


def network(workload):
    """The layers by name, the output too."""
    written = []
    for name, layer in workload.named_layers():
        match layer:
            case net.Conv(filters, size):
                kind = layers.Conv1D if workload.n_axes == 1 else layers.Conv2D
                layer = kind(filters, size, "relu")
            case net.Pool():
                layer = layers.MaxPooling2D()
            case net.Flatten():
                layer = layers.Flatten()
            case net.Mean():
                layer = layers.GlobalAveragePooling1D()
            case net.Dense(units):
                layer = layers.Dense(units, "relu")
        written.append((name, layer))
    name, _ = written[-1]
    return Sequential([*written[:-1], (name, layers.Dense(workload.n_classes))])


def new_model(workload, threads, **options):
    weights, found = {}, iter(workload.weights())
    for name, layer in workload.named_layers():
        if isinstance(layer, net.Conv | net.Dense):
            weights[f"{name}/kernel"], weights[f"{name}/bias"] = next(found)
    return NeuralNetClassifier(
        Pretrained(network(workload), weights),
        batch_size=workload.batch_size,
        n_jobs=threads,
        random_state=0,
        **options,
    )


def prepare(workload, X, y, threads):
    def train(epochs, shuffle=True):
        model = new_model(workload, threads, epochs=epochs, shuffle=shuffle)
        start = time.perf_counter()
        model.fit(X, y)
        return time.perf_counter() - start, model.history_["loss"][-1]

    return train
