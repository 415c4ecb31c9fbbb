"""Fine-tuning: go on with a trained network, a part of which stays as it is.

First with the same classes, where new images are darker and noisier than those that the
network has seen. Then with other classes, which a new output layer tells apart by what
the trained layers make of an image.
"""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, train_test_split

from fastnn import NeuralNetClassifier, Sequential
from fastnn.layers import BatchNorm, Dense

X, y = load_digits(return_X_y=True)
X = (X / 16).astype(np.float32)
old = y < 7  # the digits that there are many images of
X_old, y_old = X[old], y[old]

# ------------------------------------------------------------------------- many images
network = Sequential(
    [("edges", Dense(64, "relu")), BatchNorm(), ("shapes", Dense(32, "relu"))]
)
model = NeuralNetClassifier(network, epochs=30, random_state=0)
model.fit(X_old, y_old)

# ------------------------------------------------------- the same digits, other images
rng = np.random.default_rng(0)
X_dark = np.clip(0.4 * X_old + rng.normal(0, 0.1, X_old.shape), 0, 1)
X_dark = X_dark.astype(np.float32)
X_few, X_test, y_few, y_test = train_test_split(
    X_dark, y_old, train_size=100, stratify=y_old, random_state=0
)
print(f"dark images, before:     accuracy {model.score(X_test, y_test):.3f}")

# A warm-started fit goes on from the weights that there are.
model.set_params(
    warm_start=True,
    network__shapes__trainable=False,
    network__edges__learning_rate=0.5,
)
model.fit(X_few, y_few)
print(f"dark images, fine-tuned: accuracy {model.score(X_test, y_test):.3f}")

# ------------------------------------------------------------- other digits, new output
X_few, X_test, y_few, y_test = train_test_split(
    X[~old], y[~old], train_size=30, stratify=y[~old], random_state=0
)
edges = Dense(
    64,
    "relu",
    kernel_initializer=model.coefs_[0],
    bias_initializer=model.intercepts_[0],
)
transferred = NeuralNetClassifier(
    Sequential([("edges", edges)]), epochs=30, random_state=0
)
grid = {
    "network__edges__trainable": [True, False],
    "network__edges__learning_rate": [1.0, 0.1],
}
search = GridSearchCV(transferred, grid, cv=3).fit(X_few, y_few)
print(f"best of the search: {search.best_params_}")
print(f"new digits, transferred: accuracy {search.score(X_test, y_test):.3f}")
fresh = NeuralNetClassifier(Sequential([Dense(64, "relu")]), epochs=30, random_state=0)
fresh.fit(X_few, y_few)
print(f"new digits, afresh:      accuracy {fresh.score(X_test, y_test):.3f}")
