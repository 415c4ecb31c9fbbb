"""Networks of the size that people train, on data that they know."""

import numpy as np
import pytest
from pairs import WHOLE

from fastnn import MLPClassifier, NeuralNetClassifier, Sequential
from fastnn.layers import Activation, BatchNorm, Dense, Dropout
from fastnn.schedules import CosineDecay

EPOCHS = 5
N_TRAIN = 60_000 if WHOLE else 15_000


@pytest.mark.pairs
@pytest.mark.parametrize(
    ("model", "least"),
    [
        (
            MLPClassifier((512,), batch_size=128, max_iter=EPOCHS),
            0.87 if WHOLE else 0.84,
        ),
        (
            NeuralNetClassifier(
                Sequential(
                    [
                        *(Dense(256, use_bias=False), BatchNorm(), Activation("relu")),
                        *(Dropout(0.2), Dense(128, "relu")),
                    ]
                ),
                schedule=CosineDecay(),
                batch_size=128,
                epochs=EPOCHS,
            ),
            0.88 if WHOLE else 0.855,
        ),
    ],
    ids=["perceptron", "network"],
)
# Five epochs are not meant to converge.
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_accuracy_after_five_epochs(load_data, model, least):
    data = load_data("fashion_mnist")
    n_train, y = int(data["n_train"]), data["y"]
    X = data["X_img"].reshape(len(y), -1).astype(np.float32) / 255
    assert (n_train, X.shape[1]) == (60_000, 784)
    model.set_params(random_state=0).fit(X[:N_TRAIN], y[:N_TRAIN])
    assert len(model.loss_curve_) == EPOCHS
    assert model.score(X[n_train:], y[n_train:]) >= least
