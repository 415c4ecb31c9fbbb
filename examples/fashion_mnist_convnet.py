"""A convolutional network that tells clothes apart, inside scikit-learn.

Fashion-MNIST has 70,000 images of 28 x 28 bytes, of which 10,000 are to judge by. They
stay bytes: the network's first layer brings them to [0, 1]. `cross_val_score` judges
the network on some of them. Then it is trained on all, five epochs as it is, and
fifteen with mirrored images and dropout.

python examples/fashion_mnist_convnet.py               # writes pictures here
python examples/fashion_mnist_convnet.py mnist_784     # the same for digits

The pictures are NAME_mistakes.png, NAME_filters.png, NAME_losses.png and
NAME_augmented.png.
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import fetch_openml
from sklearn.model_selection import cross_val_score

from fastnn import NeuralNetClassifier, NeuralNetRegressor, Sequential
from fastnn.layers import (
    Activation,
    Augment,
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    MaxPooling2D,
    RandomFlip,
    RandomRotation,
    RandomTranslation,
    RandomZoom,
    Rescaling,
)
from fastnn.schedules import CosineDecay

CLASSES = {
    "Fashion-MNIST": [
        *("T-shirt", "trousers", "pullover", "dress", "coat"),
        *("sandal", "shirt", "sneaker", "bag", "boot"),
    ],
    "mnist_784": list("0123456789"),
}
# What an image may look like and still show the same: no digit in a mirror.
CHANGES = {
    "Fashion-MNIST": [RandomFlip("horizontal")],
    "mnist_784": [
        RandomRotation(0.03, fill_mode="constant"),
        RandomTranslation(0.07, 0.07, fill_mode="constant"),
    ],
}
N_TEST = 10_000


def load(name):
    """Images of bytes, (70,000, 28, 28, 1), and classes from 0 to 9, from OpenML."""
    X, y = fetch_openml(name, version=1, return_X_y=True, as_frame=False)
    return X.reshape(-1, 28, 28, 1).astype(np.uint8), y.astype(int)


def block(filters, padding="same"):
    """A convolution whose outputs are normalised before relu."""
    convolution = Conv2D(filters, 3, padding=padding, use_bias=False)
    return [convolution, BatchNorm(), Activation("relu")]


def network(changes=(), dropout=0.0):
    return Sequential(
        [
            Rescaling(1 / 255),
            *changes,
            *(*block(32), MaxPooling2D()),
            *(*block(64), MaxPooling2D()),
            *block(64, padding="valid"),
            *(Flatten(), Dropout(dropout)),
            Dense(128, "relu"),
        ]
    )


def new_model(*changes, dropout=0.0, epochs):
    return NeuralNetClassifier(
        network(changes, dropout),
        epochs=epochs,
        batch_size=64,
        schedule=CosineDecay(),
        random_state=0,
    )


def show(images, titles=None, columns=8, width=1.2, **options):
    """A figure of images in a grid."""
    rows, height = -(-len(images) // columns), width + 0.4 * (titles is not None)
    figure = plt.figure(figsize=(width * columns, height * rows))
    for number, image in enumerate(images):
        row, column = divmod(number, columns)
        place = column / columns, 1 - (row + 1) / rows
        size = 0.92 / columns, 0.92 * width / height / rows
        ax = figure.add_axes((*place, *size))
        ax.axis("off")
        ax.imshow(image.squeeze(), **{"cmap": "gray"} | options)
        if titles is not None:
            ax.set_title(titles[number], fontsize=8)
    return figure


def mistakes(model, X, y, names):
    """Images of which the model is most sure, and wrong."""
    probability = model.predict_proba(X)
    predicted = model.classes_[probability.argmax(axis=1)]
    wrong = np.flatnonzero(predicted != y)
    worst = wrong[np.argsort(-probability[wrong].max(axis=1))][:24]
    titles = [f"{names[y[i]]}:\n{names[predicted[i]]}?" for i in worst]
    return show(X[worst], titles)


def filters(model):
    """The first kernel, of shape (height, width, channels, filters), as pictures."""
    kernel = np.moveaxis(model.coefs_[0], -1, 0)
    most = np.abs(kernel).max()
    return show(kernel, columns=16, width=0.5, cmap="RdBu", vmin=-most, vmax=most)


def losses(models):
    """Losses by epoch, of training and of the images to judge by."""
    figure, ax = plt.subplots(figsize=(6, 3.5), layout="constrained")
    for number, (name, model) in enumerate(models.items()):
        epochs = range(1, model.n_epochs_ + 1)
        history, color = model.history_, f"C{number}"
        ax.plot(epochs, history["validation_loss"], color=color, label=name)
        label = f"{name}, in training"
        ax.plot(epochs, history["loss"], "--", color=color, label=label)
    ax.set(xlabel="Epoch", ylabel="Loss")
    ax.legend(fontsize="small")
    return figure


def augmented(changes, X, rounds=7):
    """What a network sees of a few images in training, round by round.

    Images are changed in training only, where a layer that calls a function sees them.
    """
    seen = []

    def look(x, rng):
        seen.append(x.copy())
        return x

    NeuralNetRegressor(
        Sequential([Rescaling(1 / 255), *changes, Augment(look), Flatten()]),
        epochs=rounds,
        batch_size=len(X),
        shuffle=False,
        random_state=0,
    ).fit(X, np.zeros(len(X)))
    rows = np.stack([X / 255, *seen], axis=1)
    titles = ["image", *["seen as"] * rounds] * len(X)
    return show(rows.reshape(-1, *X.shape[1:]), titles, columns=rounds + 1)


def main(name="Fashion-MNIST", data=None, folder=".", few=6_000):
    if name not in CLASSES:
        sys.exit(f"{name!r} is not known here: choose from {', '.join(CLASSES)}")
    X, y = load(name) if data is None else data
    X_train, X_test = X[:-N_TEST], X[-N_TEST:]
    y_train, y_test = y[:-N_TEST], y[-N_TEST:]

    scores = cross_val_score(new_model(epochs=5), X_train[:few], y_train[:few], cv=3)
    spread = f"{scores.mean():.3f} ± {scores.std():.3f}"
    print(f"{few:,} images, accuracy of 3 folds: {spread}")

    models = {
        "five epochs": new_model(epochs=5),
        "augmentation and dropout": new_model(*CHANGES[name], dropout=0.4, epochs=15),
    }
    for way, model in models.items():
        # The images to judge by are only watched: nothing is chosen by them.
        model.fit(X_train, y_train, X_val=X_test, y_val=y_test)
        seconds = sum(model.history_["seconds"])
        accuracy = model.score(X_test, y_test)
        print(f"{way}: accuracy {accuracy:.4f} after {seconds:.0f} s")
    model.summary()

    pictures = {
        "mistakes": mistakes(model, X_test, y_test, CLASSES[name]),
        "filters": filters(model),
        "losses": losses(models),
        "augmented": augmented(
            [
                *CHANGES[name],
                RandomTranslation(0.1, 0.1, fill_mode="constant"),
                RandomZoom((-0.2, 0.2), fill_mode="constant"),
            ],
            X_test[:3],
        ),
    }
    for what, figure in pictures.items():
        path = Path(folder) / f"{name.lower().replace('-', '_')}_{what}.png"
        figure.savefig(path, dpi=90)
        plt.close(figure)
        print(path)


if __name__ == "__main__":
    main(*sys.argv[1:])
