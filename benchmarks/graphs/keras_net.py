"""What the peers on Keras share: a model in its functional API, compiled, and its fit.

Each branch has an input of its own, so that no step has columns to take apart.
"""

import time

import keras

from benchmarks.peers.net import LEARNING_RATE

from .net import BRANCHES, LAYERS, initial_weights


def version():
    return f"Keras {keras.__version__}"


def new_model(workload):
    inputs, outputs = [], []
    for branch in BRANCHES:
        inputs.append(x := keras.Input((workload.n_features // 2,)))
        for layer, units in zip(LAYERS, workload.hidden, strict=True):
            x = keras.layers.Dense(units, "relu", name=f"{branch}_{layer}")(x)
        outputs.append(x)
    x = keras.layers.Concatenate()(outputs)
    return keras.Model(inputs, keras.layers.Dense(1, name="output")(x))


def prepare(workload, X, y, **compile_options):
    model = new_model(workload)
    weights = initial_weights(workload)
    for name in {name.rpartition("/")[0] for name in weights}:
        layer = model.get_layer(name.replace("/", "_"))
        layer.set_weights([weights[f"{name}/kernel"], weights[f"{name}/bias"]])
    model.compile(
        keras.optimizers.Adam(LEARNING_RATE, epsilon=1e-8),
        keras.losses.BinaryCrossentropy(from_logits=True),
        **compile_options,
    )
    half = workload.n_features // 2
    inputs = [X[:, :half].copy(), X[:, half:].copy()]
    y = y.astype(X.dtype)[:, None]

    def train(epochs, shuffle=True):
        start = time.perf_counter()
        history = model.fit(
            inputs,
            y,
            batch_size=workload.batch_size,
            epochs=epochs,
            shuffle=shuffle,
            verbose=0,
        )
        return time.perf_counter() - start, history.history["loss"][-1]

    return train
