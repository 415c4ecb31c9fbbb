"""fastnn's estimator, with all that a fit does between two epochs."""

import time

from benchmarks.peers.net import initial_weights
from fastnn import NeuralNetClassifier, Sequential, __version__
from fastnn.callbacks import Callback
from fastnn.initializers import FromArray
from fastnn.layers import Dense
from fastnn.optimizers import Adam


def version():
    return f"fastnn {__version__}"


class Clock(Callback):
    """When epochs ended."""

    def on_fit_begin(self, run):
        self.ends = []

    def on_epoch_end(self, run):
        self.ends.append(time.perf_counter())


def network(net):
    weights = list(zip(*initial_weights(net), strict=True))
    return Sequential(
        [
            Dense(
                len(bias),
                "relu" if number < len(weights) - 1 else "identity",
                kernel_initializer=FromArray(kernel),
                bias_initializer=FromArray(bias),
            )
            for number, (kernel, bias) in enumerate(weights)
        ]
    )


def prepare(net, X, y, device, precision=None):
    layers = network(net)

    def train(epochs, shuffle=True):
        clock = Clock()
        model = NeuralNetClassifier(
            layers,
            optimizer=Adam(),
            epochs=epochs,
            batch_size=net.batch_size,
            shuffle=shuffle,
            random_state=0,
            callbacks=[clock],
            device=device,
            precision=precision,
        )
        model.fit(X, y)
        if precision is not None and model.precision_ != precision:
            raise NotImplementedError(
                f"precision={precision!r} was asked for, {model.precision_} ran"
            )
        return clock.ends, model.loss_curve_[-1]

    return train
