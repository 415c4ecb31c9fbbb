"""Pictures of the pieces of the toolbox, those of docs/toolbox.md.

python examples/toolbox.py            # writes them to the folder toolbox
python examples/toolbox.py docs/images losses schedules
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from fastnn import NeuralNetClassifier, NeuralNetRegressor, Sequential
from fastnn.averaging import EMA, SWA
from fastnn.callbacks import EarlyStopping, LearningRateFinder
from fastnn.constraints import MaxNorm
from fastnn.initializers import INITIALIZERS
from fastnn.layers import (
    Activation,
    AlphaDropout,
    BatchNorm,
    Dense,
    Dropout,
    GaussianNoise,
    LayerNorm,
    PReLU,
    RMSNorm,
)
from fastnn.layers.activation import ACTIVATION_NAMES, activation_name
from fastnn.losses import (
    AbsoluteError,
    BinaryFocal,
    CustomLoss,
    Gamma,
    Hinge,
    Huber,
    LogCosh,
    LogLoss,
    Poisson,
    Quantile,
    SquaredError,
    SquaredHinge,
    Tweedie,
)
from fastnn.optimizers import (
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    AdamW,
    Lion,
    NAdam,
    RMSprop,
)
from fastnn.regularizers import L1, L1L2, L2
from fastnn.schedules import (
    CosineDecay,
    CosineDecayRestarts,
    ExponentialDecay,
    LinearWarmup,
    OneCycle,
    StepDecay,
)


def digits(train_size=600):
    """Some of the 1,797 handwritten digits to train on, the rest to judge by."""
    X, y = load_digits(return_X_y=True)
    X = (X / 16).astype(np.float32)
    X_train, X_val, y_train, y_val = train_test_split(
        X, y, train_size=train_size, stratify=y, random_state=0
    )
    return X_train, y_train, {"X_val": X_val, "y_val": y_val}


def train(*layers, epochs=30, train_size=600, **options):
    """A classifier of digits, trained with these layers before its output."""
    X, y, validation = digits(train_size)
    model = NeuralNetClassifier(
        Sequential(list(layers)), epochs=epochs, random_state=0, **options
    )
    return model.fit(X, y, **validation)


def panels(n, width=3.4, height=2.8):
    figure, axes = plt.subplots(
        1, n, figsize=(width * n, height), layout="constrained", squeeze=False
    )
    return figure, axes[0]


def plot_history(ax, curves, name, ylabel, **options):
    for label, model in curves.items():
        values = model.history_[name]
        ax.plot(range(1, len(values) + 1), values, label=label, **options)
    ax.set(xlabel="Epoch", ylabel=ylabel)
    ax.legend(fontsize="small")


# ------------------------------------------------------------------------ functions


def outputs(layer, x):
    """What a layer makes of numbers at predict, read off a network that is only it."""
    network = Sequential([layer, Dense(1, kernel_initializer=np.ones((1, 1)))])
    model = NeuralNetRegressor(network, optimizer=SGD(1e-30), epochs=1, dtype="float64")
    return model.fit(x[:, np.newaxis], x).predict(x[:, np.newaxis])


def activations():
    """Every activation that is a function of one number, and a learned one."""
    x = np.linspace(-4, 4, 401)
    names = [
        name
        for name in ACTIVATION_NAMES
        if name == activation_name(name) and name not in ("softmax", "exponential")
    ]
    figure, axes = panels(3)
    for ax, some in zip(axes, np.array_split(names, 3), strict=True):
        for name in some:
            ax.plot(x, outputs(Activation(str(name)), x), label=name)
        ax.set(xlabel="x", ylim=(-2, 4))
        ax.legend(fontsize="small")
    axes[0].plot(x, outputs(PReLU(), x), ":", label="PReLU before training")
    axes[0].legend(fontsize="small")
    return figure


def loss_values(loss, z, target):
    """The loss of raw outputs z, computed by a network that hands them on."""
    identity = {"kernel_initializer": np.ones((1, 1)), "bias_initializer": "zeros"}
    X = z[:, np.newaxis]
    values = []
    for each in X:
        model = NeuralNetRegressor(
            Sequential([Dense(1, **identity)]),
            loss=loss,
            optimizer=SGD(1e-30),
            epochs=1,
            dtype="float64",
        )
        values.append(model.fit(each[np.newaxis], [target]).history_["loss"][0])
    return values


def cubic(y, z):
    """A loss of one's own: each sample's value, and its derivative by the outputs."""
    error = np.abs(z - y)
    return (error**3 / 3).sum(axis=1), error**2 * np.sign(z - y)


def losses():
    """Losses of real numbers, of amounts and of two classes, over the raw output."""
    z = np.linspace(-3, 3, 61)
    kinds = {
        "y = 0": (
            0.0,
            {
                "squared_error": SquaredError(),
                "absolute_error": AbsoluteError(),
                "huber": Huber(),
                "log_cosh": LogCosh(),
                "quantile 0.8": Quantile(0.8),
                "custom: cubic": CustomLoss(cubic),
            },
        ),
        "y = 1, predicted exp(z)": (
            1.0,
            {"poisson": Poisson(), "gamma": Gamma(), "tweedie": Tweedie()},
        ),
        "y = 1, of two classes": (
            1.0,
            {
                "log_loss": LogLoss(),
                "label_smoothing 0.2": LogLoss(0.2),
                "binary_focal": BinaryFocal(),
                "hinge": Hinge(),
                "squared_hinge": SquaredHinge(),
            },
        ),
    }
    figure, axes = panels(3)
    for ax, (title, (target, each)) in zip(axes, kinds.items(), strict=True):
        for name, loss in each.items():
            ax.plot(z, loss_values(loss, z, target), label=name)
        ax.set(xlabel="z", title=title, ylim=(0, 4))
        ax.legend(fontsize="small")
    axes[0].set(ylabel="Loss")
    return figure


# ------------------------------------------------------------------------- training


def optimizers():
    """The training loss under every optimizer."""
    each = {
        "SGD": SGD(0.1),
        "SGD, Nesterov": SGD(0.1, momentum=0.9, nesterov=True),
        "SGD, clipped": SGD(0.1, clip_norm=0.5),
        "RMSprop": RMSprop(1e-3),
        "Adagrad": Adagrad(0.03),
        "Adadelta": Adadelta(),
        "Adam": Adam(),
        "AdamW": AdamW(),
        "NAdam": NAdam(1e-3),
        "Lion": Lion(3e-4),
    }
    models = {
        name: train(Dense(64, "relu"), optimizer=optimizer, epochs=20)
        for name, optimizer in each.items()
    }
    figure, (ax,) = panels(1, width=6, height=3.6)
    plot_history(ax, models, "loss", "Training loss")
    ax.set(yscale="log")
    ax.legend(fontsize="small", loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def schedules():
    """Factors on the learning rate over a fit of twenty epochs."""
    each = {
        "StepDecay(5, 0.5)": StepDecay(5, 0.5),
        "ExponentialDecay(0.9)": ExponentialDecay(0.9),
        "CosineDecay()": CosineDecay(),
        "CosineDecayRestarts(5)": CosineDecayRestarts(5),
        "LinearWarmup(5)": LinearWarmup(5, start=0.0),
        "OneCycle()": OneCycle(),
    }
    steps = np.arange(2000)
    figure, axes = panels(2)
    for position, (name, schedule) in enumerate(each.items()):
        ax = axes[position // 3]
        ax.plot(steps / 100, schedule.factors(steps, 100, 20), label=name)
    for ax in axes:
        ax.set(xlabel="Epoch", ylim=(0, 1.55))
        ax.legend(fontsize="small", loc="upper right")
    axes[0].set(ylabel="Factor on the learning rate")
    return figure


def learning_rate_finder():
    """Losses over a rising learning rate."""
    X, y, _ = digits()
    model = NeuralNetClassifier(Sequential([Dense(64, "relu")]), random_state=0)
    finder = LearningRateFinder(model, random_state=0).fit(X, y)
    figure, (ax,) = panels(1, width=5, height=3.2)
    finder.plot(ax)
    return figure


def initializers():
    """How the spread of activations changes with depth, by initial values."""
    depth, width = 12, 128
    X = np.random.default_rng(0).normal(size=(500, width))
    figure, (ax,) = panels(1, width=6, height=3.6)
    for name in INITIALIZERS:
        if name == "zeros":
            continue
        random_state, h = np.random.RandomState(0), X
        spread = []
        for _ in range(depth):
            initializer = INITIALIZERS[name]()
            kernel = initializer.draw((width, width), width, width, random_state)
            h = np.maximum(h @ kernel, 0)
            spread.append(h.std())
        ax.plot(range(1, depth + 1), spread, label=name)
    ax.set(xlabel="relu layer", ylabel="Standard deviation of outputs", yscale="log")
    ax.legend(fontsize="small")
    return figure


# ------------------------------------------------------------------- regularisation


def regularizers():
    """What penalties and a largest norm leave of the first kernel."""
    each = {
        "none": {},
        "L1(0.001)": {"kernel_regularizer": L1(0.001)},
        "L2(0.01)": {"kernel_regularizer": L2(0.01)},
        "L1L2(0.0005, 0.005)": {"kernel_regularizer": L1L2(0.0005, 0.005)},
        "MaxNorm(0.7)": {"kernel_constraint": MaxNorm(0.7)},
    }
    figure, axes = panels(len(each), width=2.6)
    for ax, (name, options) in zip(axes, each.items(), strict=True):
        kernel = train(Dense(64, "relu", **options)).coefs_[0]
        ax.hist(kernel.ravel(), bins=np.linspace(-0.6, 0.6, 61))
        norm = np.linalg.norm(kernel, axis=0).max()
        ax.set(title=f"{name}\nlargest norm {norm:.2f}", xlabel="weight", yscale="log")
    return figure


def noise():
    """Validation loss of a large network, under layers that add randomness."""
    each = {
        "none": [],
        "Dropout(0.5)": [Dropout(0.5)],
        "GaussianNoise(0.5)": [GaussianNoise(0.5)],
        "AlphaDropout(0.2), selu": [AlphaDropout(0.2)],
    }
    models = {}
    for name, layers in each.items():
        dense = Dense(256, "selu" if "selu" in name else "relu")
        models[name] = train(
            *(clone(dense), *layers, clone(dense), *layers), epochs=80, train_size=300
        )
    figure, (ax,) = panels(1, width=6, height=3.4)
    plot_history(ax, models, "validation_loss", "Validation loss")
    ax.set(yscale="log")
    return figure


def normalization():
    """The training loss of a deep network whose initial values are far too small."""
    each = {"none": None, "BatchNorm": BatchNorm, "LayerNorm": LayerNorm}
    each |= {"RMSNorm": RMSNorm}
    models = {}
    for name, norm in each.items():
        layers = []
        for _ in range(6):
            layers.append(Dense(64, kernel_initializer="truncated_normal"))
            layers += [] if norm is None else [norm()]
            layers.append(Activation("relu"))
        models[name] = train(*layers, epochs=20)
    figure, (ax,) = panels(1, width=6, height=3.4)
    plot_history(ax, models, "loss", "Training loss")
    ax.set(yscale="log")
    return figure


def averaging():
    """Validation loss of noisy steps, and of their averages."""
    each = {"last weights": None, "EMA(0.98)": EMA(0.98), "SWA(0.5)": SWA(0.5)}
    models = {
        name: train(
            *(Dense(64, "relu"), Dropout(0.5)),
            averaging=average,
            optimizer=SGD(0.3),
            batch_size=8,
        )
        for name, average in each.items()
    }
    figure, (ax,) = panels(1, width=6, height=3.4)
    plot_history(ax, models, "validation_loss", "Validation loss")
    return figure


def early_stopping():
    """Validation loss, and the epoch whose weights are restored."""
    stop = EarlyStopping(patience=15)
    metrics = ["balanced_accuracy", "roc_auc_ovr"]
    model = train(Dense(256, "relu"), epochs=200, early_stopping=stop, metrics=metrics)
    figure, axes = panels(2)
    for name in ("loss", "validation_loss"):
        axes[0].plot(range(1, model.n_epochs_ + 1), model.history_[name], label=name)
    for name in metrics:
        values = model.history_[f"validation_{name}"]
        axes[1].plot(range(1, model.n_epochs_ + 1), values, label=name)
    for ax in axes:
        ax.axvline(stop.best_epoch_, color="0.5", linestyle="--", label="best epoch")
        ax.set(xlabel="Epoch")
        ax.legend(fontsize="small")
    axes[0].set(yscale="log")
    axes[1].set(ylim=(0.85, 1.005))
    return figure


PICTURES = (
    activations,
    losses,
    optimizers,
    schedules,
    learning_rate_finder,
    initializers,
    regularizers,
    noise,
    normalization,
    averaging,
    early_stopping,
)


def main(folder="toolbox", *names):
    pictures = {picture.__name__: picture for picture in PICTURES}
    for name in names:
        if name not in pictures:
            sys.exit(
                f"no picture is called {name!r}: choose from {', '.join(pictures)}"
            )
    folder = Path(folder)
    folder.mkdir(exist_ok=True)
    for name in names or pictures:
        path = folder / f"{name}.png"
        pictures[name]().savefig(path, dpi=90)
        plt.close()
        print(path)


if __name__ == "__main__":
    main(*sys.argv[1:])
