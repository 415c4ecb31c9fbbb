"""Networks that convolve are estimators like all others."""

import pickle
import re

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastnn import (
    HiddenLayerTransformer,
    NeuralNetClassifier,
    NeuralNetRegressor,
    Residual,
    Sequential,
)
from fastnn.layers import (
    Activation,
    BatchNorm,
    Conv1D,
    Conv2D,
    Conv2DTranspose,
    DepthwiseConv2D,
    Flatten,
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    MaxPooling1D,
    MaxPooling2D,
    Rescaling,
    Reshape,
)
from fastnn.optimizers import Adam

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

COLUMNS, LABELS = (each[:300] for each in load_digits(return_X_y=True))
IMAGES = COLUMNS.reshape(-1, 8, 8, 1).astype(np.uint8)
OPTIONS = {"epochs": 2, "random_state": 0, "n_jobs": 1}


def base():
    return Sequential(
        [
            *(Rescaling(1 / 16), Conv2D(8, 3, "relu", padding="same")),
            *(BatchNorm(), MaxPooling2D(), Conv2D(8, 3, "relu")),
        ]
    )


def new_model(*layers, **options):
    layers = layers or (("base", base()), Flatten())
    return NeuralNetClassifier(Sequential(list(layers)), **(OPTIONS | options))


NETWORKS = {
    "images": ([Conv2D(8, 3, "relu"), MaxPooling2D(), Flatten()], (8, 8, 1)),
    "sequences": (
        [Conv1D(8, 3, "relu", padding="causal"), MaxPooling1D(), Flatten()],
        (16, 4),
    ),
    "mean over steps": ([Conv1D(8, 3, "relu"), GlobalAveragePooling1D()], (16, 4)),
    "separable": (
        [DepthwiseConv2D(3), BatchNorm(), Conv2D(8, 1, "relu"), Flatten()],
        (4, 4, 4),
    ),
    "residual": (
        [
            Conv2D(8, 3, padding="same"),
            Residual(Sequential([Conv2D(8, 3, padding="same"), Activation("relu")])),
            GlobalAveragePooling2D(),
        ],
        (8, 8, 1),
    ),
    "there and back": (
        [
            Conv2D(8, 3, "relu", strides=2, padding="same"),
            Conv2DTranspose(2, 3, "relu", strides=2, padding="same"),
            Flatten(),
        ],
        (8, 8, 1),
    ),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_learn_and_are_kept(name):
    layers, shape = NETWORKS[name]
    X = COLUMNS.reshape(-1, *shape) / 16
    options = {"epochs": 20, "optimizer": Adam(0.01)}
    model = new_model(*layers, **options).fit(X, LABELS)
    assert model.history_["loss"][-1] < 0.9 * model.history_["loss"][0]
    assert model.score(X, LABELS) > 0.25
    expected = model.predict_proba(X)
    assert_array_equal(pickle.loads(pickle.dumps(model)).predict_proba(X), expected)
    assert_array_equal(clone(model).fit(X, LABELS).predict_proba(X), expected)


def test_columns_of_a_table_become_images_in_a_pipeline():
    table = pd.DataFrame(COLUMNS, columns=[f"pixel {i}" for i in range(64)])
    model = make_pipeline(
        StandardScaler().set_output(transform="pandas"),
        new_model(Reshape((8, 8, 1)), Conv2D(8, 3, "relu"), Flatten(), epochs=10),
    ).fit(table, LABELS)
    assert model.score(table, LABELS) > 0.8
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(table[table.columns[::-1]])


def test_a_search_over_convolutions():
    grid = {
        "network__conv2d__filters": [2, 4],
        "network__conv2d__kernel_size": [3, (3, 5)],
        "network__conv2d__padding": ["valid"],
    }
    model = new_model(Conv2D(8, 3, "relu"), Flatten(), epochs=1)
    search = GridSearchCV(model, grid, cv=2, error_score="raise").fit(IMAGES, LABELS)
    best = search.best_estimator_
    size = search.best_params_["network__conv2d__kernel_size"]
    size = (size, size) if isinstance(size, int) else size
    filters = search.best_params_["network__conv2d__filters"]
    assert best.coefs_[0].shape == (*size, 1, filters)


def test_going_on_with_images():
    model = new_model().fit(IMAGES, LABELS)
    before = model.history_["loss"][-1]
    model.partial_fit(IMAGES, LABELS)
    assert model.history_["loss"][-1] < before
    model.set_params(warm_start=True, network__base__conv2d__filters=4)
    with pytest.raises(ValueError, match=r"conv2d/kernel \(3, 3, 1, 8\).*1, 4\)"):
        model.fit(IMAGES, LABELS)


def test_a_convolutional_base_goes_on_elsewhere():
    """Kernels do not ask for the size of images, so that others may be larger."""
    first = new_model().fit(IMAGES, LABELS)
    part = first.extract("base").set_params(trainable=False)
    larger = np.pad(IMAGES, [(0, 0), (2, 2), (2, 2), (0, 0)])
    second = new_model(("base", part), GlobalAveragePooling2D())
    second.fit(larger, LABELS % 2)
    kept = second.extract("base").weights
    for name, values in part.weights.items():
        assert_array_equal(kept[name], values)
    features = HiddenLayerTransformer(first, "base", prefit=True).fit(IMAGES)
    assert features.transform(IMAGES).shape == (300, 2 * 2 * 8)


@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8"])
def test_single_images_are_predicted_as_many_are(dtype):
    model = new_model(epochs=1).fit(IMAGES, LABELS)
    X = IMAGES[:40].astype(dtype)
    together = model.predict_proba(X)
    alone = np.concatenate([model.predict_proba(X[i : i + 1]) for i in range(len(X))])
    assert alone.dtype == together.dtype
    assert_allclose(alone, together, rtol=2e-5)
    turned = np.asfortranarray(X)
    assert_array_equal(model.predict_proba(turned), together)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_images_that_are_not_finite_are_refused(value):
    X = IMAGES.astype(np.float32)
    model = new_model(epochs=1).fit(X, LABELS)
    X[7, 3, 4] = value
    for predicted in (X, X[7:8]):
        with pytest.raises(ValueError, match="Input X contains"):
            model.predict(predicted)
    with pytest.raises(ValueError, match="Input X contains"):
        new_model().fit(X, LABELS)


OTHER_SHAPES = {
    "a row each": ((300, 64), "samples of shape (64,)"),
    "without channels": ((300, 8, 8), "samples of shape (8, 8)"),
    "of another size": ((75, 16, 16, 1), "samples of shape (16, 16, 1)"),
    "channels first": ((300, 1, 8, 8), "samples of shape (1, 8, 8)"),
}


@pytest.mark.parametrize("name", OTHER_SHAPES)
def test_images_of_another_shape_are_named(name):
    shape, message = OTHER_SHAPES[name]
    model = new_model(epochs=1).fit(IMAGES, LABELS)
    expected = f"X has {message}, but the model was fitted with samples of shape (8, 8"
    with pytest.raises(ValueError, match=re.escape(expected)):
        model.predict(IMAGES.reshape(shape))
    with pytest.raises(ValueError, match=re.escape(expected)):
        model.partial_fit(IMAGES.reshape(shape), LABELS[: shape[0]])


def test_an_image_alone_is_named():
    model = new_model(epochs=1).fit(IMAGES, LABELS)
    message = r"X has the shape \(8, 8, 1\) of a single sample.*X\[np.newaxis\]"
    with pytest.raises(ValueError, match=message):
        model.predict(IMAGES[0])
    assert model.predict(IMAGES[0][np.newaxis]).shape == (1,)


def test_targets_that_are_images_are_named():
    layers = [Conv2D(1, 3, padding="same")]
    model = NeuralNetRegressor(Sequential(layers), **OPTIONS)
    message = r"y must have a row for each sample, got the shape \(300, 8, 8, 1\)"
    with pytest.raises(ValueError, match=message):
        model.fit(IMAGES, IMAGES)
    model.set_params(network=Sequential([*layers, Flatten()]))
    rows = IMAGES.reshape(300, -1)
    assert model.fit(IMAGES, rows).predict(IMAGES).shape == (300, 64)
