"""The classic story of overfitting, on the progression of diabetes in 442 patients.

A network with far more weights than samples learns its training data by heart, and
predicts other patients worse and worse. A smaller one, one whose weights are drawn
towards zero and one that is trained with dropout do not. The picture is
overfitting.png.
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from fastnn import NeuralNetRegressor, Sequential
from fastnn.layers import Dense, Dropout
from fastnn.regularizers import L2

EPOCHS = 100

NETWORKS = {
    "too large": Sequential([Dense(256, "relu"), Dense(256, "relu")]),
    "smaller": Sequential([Dense(8, "relu")]),
    "large, L2 penalty": Sequential(
        [
            Dense(256, "relu", kernel_regularizer=L2(0.03)),
            Dense(256, "relu", kernel_regularizer=L2(0.03)),
        ]
    ),
    "large, dropout": Sequential(
        [
            Dropout(0.2),
            *(Dense(256, "relu"), Dropout(0.5)),
            *(Dense(256, "relu"), Dropout(0.5)),
        ]
    ),
}


def patients():
    """Half of the patients to train on, half to judge by; y in standard deviations."""
    X, y = load_diabetes(return_X_y=True)
    X, y = StandardScaler().fit_transform(X), (y - y.mean()) / y.std()
    return train_test_split(X, y, test_size=0.5, random_state=0)


def train(epochs=EPOCHS):
    """The history of each network's fit."""
    X_train, X_val, y_train, y_val = patients()
    histories = {}
    for name, network in NETWORKS.items():
        model = NeuralNetRegressor(
            network, optimizer="adam", epochs=epochs, batch_size=32, random_state=0
        )
        model.fit(X_train, y_train, X_val=X_val, y_val=y_val)
        histories[name] = model.history_
        losses = model.history_["validation_loss"]
        print(
            f"{name:20} training loss {model.history_['loss'][-1]:.3f}, validation "
            f"loss {losses[-1]:.3f}, least {min(losses):.3f} in epoch "
            f"{losses.index(min(losses)) + 1}"
        )
    return histories


def draw(histories, ax):
    for number, (name, history) in enumerate(histories.items()):
        epochs = range(1, len(history["loss"]) + 1)
        ax.plot(epochs, history["validation_loss"], color=f"C{number}", label=name)
        if name == "too large":
            label = "too large, training loss"
            ax.plot(epochs, history["loss"], "--", color=f"C{number}", label=label)
    ax.set(xlabel="Epoch", ylabel="Loss on validation data", ylim=(0, 0.55))
    ax.legend()


def main(path="overfitting.png"):
    histories = train()
    figure, ax = plt.subplots(figsize=(7, 4.5), layout="constrained")
    draw(histories, ax)
    figure.savefig(path, dpi=100)
    print(f"The curves are in {Path(path)}.")


if __name__ == "__main__":
    main(*sys.argv[1:])
