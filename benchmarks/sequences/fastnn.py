"""fastnn's classifier."""

import time

from benchmarks.peers.fastnn import version
from fastnn import NeuralNetClassifier, Pretrained, Sequential, layers

from . import net

__all__ = ["new_model", "prepare", "version"]

# Names of the parameters of a layer, in the order of Net.weights.
NAMES = {
    net.Embedding: ["embeddings"],
    net.LSTM: ["kernel", "recurrent_kernel", "bias"],
    net.GRU: ["kernel", "recurrent_kernel", "bias"],
    net.Dense: ["kernel", "bias"],
}


def new_model(workload, threads, **options):
    parts, weights = [], {}
    found = zip(workload.with_shapes(), workload.weights(), strict=True)
    for number, ((layer, _), arrays) in enumerate(found):
        match layer:
            case net.Embedding(n_tokens, units):
                part = layers.Embedding(n_tokens, units)
            case net.LSTM(units):
                part = layers.LSTM(units)
            case net.GRU(units):
                part = layers.GRU(units)
            case net.Mean():
                part = layers.GlobalAveragePooling1D()
            case net.Dense(units):
                last = number == len(workload.layers)
                part = layers.Dense(units, "identity" if last else "relu")
        name = f"layer_{number}"
        parts.append((name, part))
        for parameter, values in zip(
            NAMES.get(type(layer), ()), arrays or (), strict=True
        ):
            weights[f"{name}/{parameter}"] = values
    return NeuralNetClassifier(
        Pretrained(Sequential(parts), weights),
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
