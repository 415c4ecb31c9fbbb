"""A network of the size that people train, on data that they know."""

import numpy as np
import pytest

from fastnn import MLPClassifier


# Five epochs are not meant to converge.
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_accuracy_after_five_epochs(load_data):
    data = load_data("fashion_mnist")
    n_train, y = int(data["n_train"]), data["y"]
    X = data["X_img"].reshape(len(y), -1).astype(np.float32) / 255
    assert (n_train, X.shape[1]) == (60_000, 784)
    classifier = MLPClassifier((512,), batch_size=128, max_iter=5, random_state=0)
    classifier.fit(X[:n_train], y[:n_train])
    assert classifier.n_iter_ == 5
    assert classifier.score(X[n_train:], y[n_train:]) >= 0.87
