"""One network on the processor and, where there is one, on a GPU.

Prints the scores, which agree, and the time of each; the model of the GPU is stored,
and predicts without one. What there must be for a GPU, `fastnn.show_versions()` tells.
"""

import pickle
import time

import numpy as np
from sklearn.datasets import make_classification
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastnn import NeuralNetClassifier, Sequential
from fastnn.layers import BatchNorm, Dense, Dropout

DEVICES = ("cpu", "auto")


def make_data(n_samples):
    X, y = make_classification(
        n_samples, 100, n_informative=40, n_redundant=20, n_classes=5, random_state=0
    )
    return train_test_split(X.astype(np.float32), y, random_state=0)


def make_model(device, units=512):
    hidden = [Dense(units), BatchNorm(), Dense(units, "relu"), Dropout(0.3)]
    net = NeuralNetClassifier(
        Sequential(hidden),
        optimizer="adamw",
        epochs=5,
        batch_size=256,
        random_state=0,
        device=device,
    )
    return make_pipeline(StandardScaler(), net)


def compare(X_train, X_test, y_train, y_test, units=512):
    """Fitted models and their scores, one for each device."""
    models, scores = [], []
    for device in DEVICES:
        model = make_model(device, units)
        start = time.perf_counter()
        model.fit(X_train, y_train)
        seconds = time.perf_counter() - start
        scores.append(model.score(X_test, y_test))
        where = f"device={device!r}, which is {model[-1].device_!r}"
        print(f"{where:32} accuracy {scores[-1]:.3f}  {seconds:6.2f} s")
        models.append(model)
    return models, scores


def main():
    data = make_data(40_000)
    models, _ = compare(*data)
    # On any machine, whatever has trained it.
    loaded = pickle.loads(pickle.dumps(models[-1])).set_params(
        neuralnetclassifier__device="cpu"
    )
    print(f"stored, and on the processor     accuracy {loaded.score(*data[1::2]):.3f}")


if __name__ == "__main__":
    main()
