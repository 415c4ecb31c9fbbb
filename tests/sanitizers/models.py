"""Small fits that take every way through the core."""

import numpy as np
from interruptions import FITS, X, y
from scipy import sparse

from fastnn import MLPClassifier, MLPRegressor, NeuralNetClassifier, NeuralNetRegressor
from fastnn.averaging import EMA
from fastnn.constraints import MaxNorm
from fastnn.layers import BatchNorm, Dense, Dropout, GaussianNoise, LayerNorm, PReLU
from fastnn.network import Sequential
from fastnn.optimizers import Adam
from fastnn.regularizers import L1L2

FORMS = {
    "dense": X,
    "sparse": sparse.csr_array(np.where(abs(X) > 0.5, X, 0)),
    "float32, in Fortran order": np.asfortranarray(X, np.float32),
}

# SciPy does not look whether it got memory for rows that it takes of a sparse array:
# what a call needs beside the forms is made before its requests are refused.
FIRST = {id(form): form[:9] for form in FORMS.values()}
STACKED = {
    id(form): (sparse.vstack if sparse.issparse(form) else np.vstack)([form] * 8)
    for form in FORMS.values()
}


def squared_error(target, z):
    return ((z - target) ** 2).sum(axis=1) / 2, z - target


def meeting():
    layers = [
        Dense(4, "relu", kernel_regularizer=L1L2(1e-3), kernel_constraint=MaxNorm(1.0)),
        GaussianNoise(0.1), BatchNorm(), Dropout(0.1), PReLU(), LayerNorm(),
    ]  # fmt: skip
    return NeuralNetClassifier(
        Sequential(layers), epochs=2, optimizer=Adam(clip_norm=1.0), averaging=EMA(),
        random_state=0,
    )  # fmt: skip


SHARED = {"max_iter": 2, "random_state": 0}
MODELS = {
    **FITS,
    "meetings": meeting,
    "custom loss": lambda: NeuralNetRegressor(
        loss=squared_error, epochs=2, random_state=0
    ),
    "bf16": lambda: MLPClassifier((40, 40), precision="bf16", batch_size=50, **SHARED),
    "wide": lambda: MLPClassifier((600,), dtype="float64", **SHARED),
    "lbfgs of two layers": lambda: MLPRegressor(
        hidden_layer_sizes=(5, 3), solver="lbfgs", **SHARED
    ),
}


def fit(model, X):
    model.fit(X, y)
    return model


def partial_fit(model, X):
    model.partial_fit(X, y, X_val=FIRST[id(X)], y_val=y[:9])
    return model


def predict(model, X):
    return model.predict(STACKED[id(X)])  # for more threads than one


CALLS = [fit, partial_fit, predict]


def cases(models):
    """Names of models, calls and forms of X that go together."""
    return [
        (name, call, form)
        for name in models
        for call in CALLS
        for form in FORMS
        if not (name.startswith("lbfgs") and call is partial_fit)
    ]
