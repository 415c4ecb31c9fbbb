"""Transfer: a network that knows the digits becomes the base of another one.

It has seen many images. Whether a digit has a loop, as 0, 6, 8 and 9 have, is known of
30 others alone. That is learned on top of what the network makes of an image: from
features that it extracts once, through the frozen base from end to end, and with the
base set free after a while.
"""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline

from fastnn import (
    HiddenLayerTransformer,
    MLPClassifier,
    NeuralNetClassifier,
    Sequential,
)
from fastnn.layers import BatchNorm, Dense

X, digits = load_digits(return_X_y=True)
X = (X / 16).astype(np.float32)
X_many, X, digits, others = train_test_split(X, digits, random_state=0)
loop = np.isin(others, [0, 6, 8, 9])
X_few, X_test, y_few, y_test = train_test_split(
    X, loop, train_size=30, stratify=loop, random_state=0
)

# ------------------------------------------------------------- features, extracted once
base = MLPClassifier((64, 32), early_stopping=True, random_state=0).fit(X_many, digits)
features = HiddenLayerTransformer(base, prefit=True)
model = make_pipeline(features, LogisticRegression()).fit(X_few, y_few)
print(f"features extracted once:     accuracy {model.score(X_test, y_test):.3f}")

# ------------------------------------------------------------- through the frozen base
block = Sequential([Dense(64, "relu"), BatchNorm(), Dense(32, "relu")])
first = NeuralNetClassifier(Sequential([("base", block)]), epochs=30, random_state=0)
part = first.fit(X_many, digits).extract("base")  # weights and running statistics
part.set_params(trainable=False)
options = {"batch_size": 10, "random_state": 0}
model = NeuralNetClassifier(
    Sequential([("base", part), Dense(32, "relu")]), epochs=40, **options
)
model.fit(X_few, y_few)
print(f"through the frozen base:     accuracy {model.score(X_test, y_test):.3f}")

# ------------------------------------------------------------------------ and set free
model.set_params(
    warm_start=True,
    network__base__trainable=True,
    network__base__learning_rate=0.1,
)
model.fit(X_few, y_few)
print(f"then with the base set free: accuracy {model.score(X_test, y_test):.3f}")

# ------------------------------------------------------------------ or as a search says
grid = {
    "network__base__trainable": [True, False],
    "network__base__learning_rate": [1.0, 0.1],
}
model.set_params(warm_start=False)
search = GridSearchCV(model, grid, cv=3).fit(X_few, y_few)
print(f"best of the search: {search.best_params_}")
print(f"as the search says:          accuracy {search.score(X_test, y_test):.3f}")

# ------------------------------------------------------------------------------- afresh
fresh = Sequential([Dense(64, "relu"), Dense(32, "relu"), Dense(32, "relu")])
fresh = NeuralNetClassifier(fresh, epochs=80, **options).fit(X_few, y_few)
print(f"afresh:                      accuracy {fresh.score(X_test, y_test):.3f}")
