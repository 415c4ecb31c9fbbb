"""What building on a trained network costs and gains, as a table.

    python -m benchmarks.transfer

A base is trained on tens of thousands of images. Another task, of which there are few,
is then learned in several ways, each of as many epochs, and judged on the official test
part: "other classes", 5 to 9 where the base knows 0 to 4, or "another question",
whether the class is odd or even where the base knows all ten.

Accuracies are means over draws of the few, with their standard deviation. Times are
medians over the draws of the ratio to training from scratch, of the processor's time on
one thread.

The data sets are no part of the project: ``--data`` or the environment variable
FASTNN_TEST_DATA names the folder that holds them.
"""

import argparse
import os
import time
import warnings
from itertools import product

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from benchmarks.machine import describe_machine
from benchmarks.options import names
from benchmarks.precision import load
from benchmarks.tables import table
from fastnn import (
    HiddenLayerTransformer,
    MLPClassifier,
    NeuralNetClassifier,
    Pretrained,
    Sequential,
)
from fastnn.layers import Dense

DATA_SETS = ("mnist", "fashion_mnist")
HIDDEN = (256, 128)


def other_classes(X, y, n_train):
    """Data of the base, what few are drawn of, and the test part; each X and y."""
    old, new = y < 5, y >= 5
    train = np.arange(len(y)) < n_train
    return [(X[rows], y[rows]) for rows in (train & old, train & new, ~train & new)]


def another_question(X, y, n_train):
    """The same; few are drawn of images that the base has not seen."""
    half = n_train // 2
    few, test = slice(half, n_train), slice(n_train, None)
    return [(X[:half], y[:half]), *((X[rows], y[rows] % 2) for rows in (few, test))]


TASKS = {"other classes": other_classes, "another question": another_question}


def train_base(X, y, hidden, epochs):
    base = MLPClassifier(
        hidden, max_iter=epochs, batch_size=128, n_jobs=1, random_state=0
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # stops as it is told
        return base.fit(X, y)


class Ways:
    """Ways to learn other classes; each fits X and y and returns what predicts."""

    def __init__(self, base, epochs, seed):
        self.base, self.epochs, self.seed = base, epochs, seed
        sizes = base.hidden_layer_sizes
        self.layers = Sequential([Dense(size, "relu") for size in sizes])
        names = ["dense", *(f"dense_{i}" for i in range(1, len(sizes)))]
        self.weights = {}
        for i, name in enumerate(names):
            self.weights[f"{name}/kernel"] = base.coefs_[i]
            self.weights[f"{name}/bias"] = base.intercepts_[i]

    def model(self, *body, **options):
        network = Sequential([*body, ("top", Dense(64, "relu"))])
        options = {"epochs": self.epochs, "random_state": self.seed} | options
        return NeuralNetClassifier(network, n_jobs=1, **options)

    def on_base(self, trainable, learning_rate=1.0, **options):
        part = Pretrained(
            self.layers, self.weights, trainable=trainable, learning_rate=learning_rate
        )
        return self.model(("base", part), **options)

    def from_scratch(self, X, y):
        return self.model(("base", self.layers)).fit(X, y)

    def features_extracted_once(self, X, y):
        features = HiddenLayerTransformer(self.base, prefit=True)
        return make_pipeline(features, self.model()).fit(X, y)

    def through_the_frozen_base(self, X, y):
        return self.on_base(trainable=False).fit(X, y)

    def base_at_a_tenth_of_the_rate(self, X, y):
        return self.on_base(trainable=True, learning_rate=0.1).fit(X, y)

    def half_frozen_then_unfrozen(self, X, y):
        half = self.epochs // 2
        model = self.on_base(trainable=False, warm_start=True, epochs=half).fit(X, y)
        model.set_params(
            network__base__trainable=True,
            network__base__learning_rate=0.1,
            epochs=self.epochs - half,
        )
        return model.fit(X, y)


WAYS = [
    Ways.from_scratch,
    Ways.features_extracted_once,
    Ways.through_the_frozen_base,
    Ways.half_frozen_then_unfrozen,
    Ways.base_at_a_tenth_of_the_rate,
]


def compare(base, few, test, size, epochs, n_draws):
    """Accuracies and the processor's seconds, of shape (len(WAYS), n_draws)."""
    scores, seconds = np.empty((2, len(WAYS), n_draws))
    for draw in range(n_draws):
        X, _, y, _ = train_test_split(
            *few, train_size=size, stratify=few[1], random_state=draw
        )
        ways = Ways(base, epochs, draw)
        for number, way in enumerate(WAYS):
            start = time.process_time()
            model = way(ways, X, y)
            seconds[number, draw] = time.process_time() - start
            scores[number, draw] = model.score(*test)
    return scores, seconds


def rows_of(labels, scores, seconds):
    ratios = np.median(seconds / seconds[0], axis=1)
    for way, own, ratio in zip(WAYS, 100 * scores, ratios, strict=True):
        name = way.__name__.replace("_", " ")
        accuracy = f"{own.mean():.1f} ± {own.std(ddof=1):.1f}"
        yield [*labels, name, accuracy, f"{ratio:.2f}"]


def main(arguments=None):
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.transfer",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", default=os.environ.get("FASTNN_TEST_DATA"))
    parser.add_argument("--only", type=names(DATA_SETS), default=DATA_SETS)
    parser.add_argument("--task", type=names(TASKS), default=list(TASKS))
    parser.add_argument("--sizes", default="200,2000", help="labelled samples")
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--draws", type=int, default=5)
    chosen = parser.parse_args(arguments)
    if chosen.data is None:
        parser.error("--data must name the folder that holds the data sets")
    rows = []
    for task, name in product(chosen.task, chosen.only):
        known, few, test = TASKS[task](*load(chosen.data, name))
        base = train_base(*known, HIDDEN, epochs=10)
        for size in map(int, chosen.sizes.split(",")):
            found = compare(base, few, test, size, chosen.epochs, chosen.draws)
            rows += rows_of([task, name, str(size)], *found)
    head = ["task", "data", "labelled", "way", "accuracy in %", "time"]
    print("\n".join([*describe_machine(), "", *table(head, rows, n_left=4)]))


if __name__ == "__main__":
    main()
