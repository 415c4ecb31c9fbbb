"""A base that has learned the digits 0 to 4 helps to tell 5 to 9 apart from 200 images.

Its convolutions see edges and strokes, which all digits have. Ways to use them are
compared with a network that starts afresh, each of which sees the same 200 labelled
images: features that the base extracts once, and the frozen base from end to end, which
may see each image turned and moved in every epoch.
"""

import time

import numpy as np
from sklearn.datasets import fetch_openml
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from fastnn import HiddenLayerTransformer, NeuralNetClassifier, Sequential
from fastnn.layers import (
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    MaxPooling2D,
    RandomRotation,
    RandomTranslation,
    Rescaling,
)

N_TEST = 10_000
N_LABELLED = 200
EPOCHS = {"base": 3, "on top": 40}


def load():
    """Images of bytes, (70,000, 28, 28, 1), and their digits, from OpenML."""
    X, y = fetch_openml("mnist_784", version=1, return_X_y=True, as_frame=False)
    return X.reshape(-1, 28, 28, 1).astype(np.uint8), y.astype(int)


def body():
    """Bytes become what a digit is told by."""
    return Sequential(
        [
            Rescaling(1 / 255),
            *(Conv2D(32, 3, "relu"), MaxPooling2D()),
            *(Conv2D(64, 3, "relu"), MaxPooling2D()),
            *(Conv2D(64, 3, "relu"), Flatten()),
        ]
    )


def changes():
    """Digits look like this too."""
    return [
        RandomRotation(0.04, fill_mode="constant"),
        RandomTranslation(0.1, 0.1, fill_mode="constant"),
    ]


def new_model(*layers, epochs, batch_size=20):
    """Layers of a network, some by name, and a hidden layer on top of them."""
    layers = [*layers, Dropout(0.3), Dense(64, "relu")]
    return NeuralNetClassifier(
        Sequential(layers), epochs=epochs, batch_size=batch_size, random_state=0
    )


def ways(first, epochs):
    """Models that learn other digits, by name."""
    base = first.extract("base").set_params(trainable=False)
    features = HiddenLayerTransformer(first, "base", prefit=True)
    return {
        "afresh": new_model(body(), epochs=epochs),
        "afresh, augmented": new_model(*changes(), body(), epochs=epochs),
        "features, logistic regression": make_pipeline(
            features, LogisticRegression(max_iter=1000)
        ),
        "features, hidden layer": make_pipeline(features, new_model(epochs=epochs)),
        "frozen base, end to end": new_model(("base", base), epochs=epochs),
        "frozen base, augmented": new_model(
            *changes(), ("base", base), epochs=epochs
        ),
    }  # fmt: skip


def seconds_of(fit):
    """The processor's, of all threads."""
    start = time.process_time()
    fit()
    return time.process_time() - start


def main(data=None):
    X, y = load() if data is None else data
    train, test, known = slice(-N_TEST), slice(-N_TEST, None), y < 5
    X_known, y_known = X[train][known[train]], y[train][known[train]]
    X_new, y_new = X[train][~known[train]], y[train][~known[train]]
    X_test, y_test = X[test][~known[test]], y[test][~known[test]]

    first = new_model(("base", body()), epochs=EPOCHS["base"], batch_size=64)
    seconds = seconds_of(lambda: first.fit(X_known, y_known))
    print(f"base: {len(X_known):,} images of 0 to 4, {seconds:.1f} s")

    few, _ = train_test_split(
        np.arange(len(X_new)), train_size=N_LABELLED, stratify=y_new, random_state=0
    )
    print(f"\n5 to 9, from {N_LABELLED} images{'':16}accuracy{'':6}seconds")
    scores = {}
    for name, model in ways(first, EPOCHS["on top"]).items():
        seconds = seconds_of(lambda model=model: model.fit(X_new[few], y_new[few]))
        scores[name] = model.score(X_test, y_test)
        print(f"{name:40}{scores[name]:.3f}{seconds:13.1f}")

    # What is set free at last goes on from what it has learned, slowly.
    model.set_params(
        warm_start=True,
        epochs=EPOCHS["on top"] // 2,
        network__base__trainable=True,
        network__base__learning_rate=0.1,
    )
    seconds += seconds_of(lambda: model.fit(X_new[few], y_new[few]))
    scores["then set free"] = model.score(X_test, y_test)
    print(f"{'then set free':40}{scores['then set free']:.3f}{seconds:13.1f}")
    return scores


if __name__ == "__main__":
    main()
