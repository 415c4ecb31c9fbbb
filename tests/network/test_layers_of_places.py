"""The layers of sequences and images that have no weights, but for what ops do."""

import pickle

import numpy as np
import pytest
from probes import outputs_and_gradients, training_outputs
from scipy import sparse
from sklearn.base import clone

from fastnn import NeuralNetClassifier, NeuralNetRegressor, Sequential
from fastnn.engine.engine import Engine
from fastnn.layers import (
    AveragePooling1D,
    AveragePooling2D,
    Dense,
    Flatten,
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalMaxPooling1D,
    GlobalMaxPooling2D,
    MaxPooling1D,
    MaxPooling2D,
    Permute,
    Reshape,
    SpatialDropout1D,
    SpatialDropout2D,
    UpSampling2D,
    ZeroPadding1D,
    ZeroPadding2D,
)
from fastnn.losses import SquaredError
from fastnn.network import lower

# Layers with the representation that they have, and shapes of samples before and after.
LAYERS = [
    (MaxPooling1D(3), "MaxPooling1D(pool_size=3)", (10, 4), (3, 4)),
    (MaxPooling1D(3, 2, "same"), None, (10, 4), (5, 4)),
    (MaxPooling2D(), "MaxPooling2D()", (9, 8, 5), (4, 4, 5)),
    (MaxPooling2D([3, 2], (1, 4)), None, (9, 8, 5), (7, 2, 5)),
    (AveragePooling1D(4, 4), None, (4, 1), (1, 1)),
    (AveragePooling2D(2, padding="same"), None, (9, 7, 1), (5, 4, 1)),
    (AveragePooling2D(np.int64(2), np.int8(1)), None, (9, 7, 1), (8, 6, 1)),
    (GlobalAveragePooling1D(), "GlobalAveragePooling1D()", (9, 7), (7,)),
    (GlobalMaxPooling1D(True), "GlobalMaxPooling1D(keepdims=True)", (9, 7), (1, 7)),
    (GlobalAveragePooling2D(True), None, (9, 7, 3), (1, 1, 3)),
    (GlobalMaxPooling2D(), None, (9, 7, 3), (3,)),
    (Permute((2, 1)), "Permute(dims=(2, 1))", (5, 6), (6, 5)),
    (Permute([3, 1, 2]), None, (5, 6, 7), (7, 5, 6)),
    (ZeroPadding1D(), "ZeroPadding1D()", (5, 2), (7, 2)),
    (ZeroPadding1D((0, 3)), None, (5, 2), (8, 2)),
    (ZeroPadding2D((1, 2)), None, (5, 2, 3), (7, 6, 3)),
    (ZeroPadding2D(((1, 0), [0, 2])), None, (5, 2, 3), (6, 4, 3)),
    (UpSampling2D(), "UpSampling2D()", (5, 2, 3), (10, 4, 3)),
    (UpSampling2D((1, 3)), None, (5, 2, 3), (5, 6, 3)),
    (SpatialDropout1D(0.2), "SpatialDropout1D(rate=0.2)", (5, 2), (5, 2)),
    (SpatialDropout2D(0.2), "SpatialDropout2D(rate=0.2)", (5, 2, 3), (5, 2, 3)),
]

rng = np.random.RandomState(0)
X = rng.normal(size=(40, 36)).astype(np.float32)
y = (X[:, :18].mean(axis=1) > X[:, 18:].mean(axis=1)).astype(int)


@pytest.mark.parametrize(("layer", "text", "before", "after"), LAYERS, ids=str)
def test_shapes_and_what_scikit_learn_asks_for(layer, text, before, after):
    assert layer.output_shape(before) == after
    assert text is None or repr(layer) == text
    for copy in (clone(layer), pickle.loads(pickle.dumps(layer))):
        assert type(copy) is type(layer)
        assert copy.get_params() == layer.get_params()
    network = Sequential([Reshape(before), layer, Flatten()])
    model = NeuralNetRegressor(network, epochs=1, random_state=0)
    n_numbers = int(np.prod(before))
    model.fit(rng.normal(size=(6, n_numbers)), rng.normal(size=6))
    assert model.coefs_[0].shape == (np.prod(after), 1)


MOVES = [
    (Permute((2, 1, 3)), lambda x: np.transpose(x, (1, 0, 2))),
    (Permute((3, 2, 1)), lambda x: np.transpose(x, (2, 1, 0))),
    (Permute((1, 2, 3)), lambda x: x),
    (
        ZeroPadding2D(((1, 0), (0, 2))),
        lambda x: np.pad(x, ((1, 0), (0, 2), (0, 0))),
    ),
    (ZeroPadding2D(0), lambda x: x),
    (UpSampling2D((2, 3)), lambda x: x.repeat(2, 0).repeat(3, 1)),
    (UpSampling2D(1), lambda x: x),
]


@pytest.mark.parametrize(("layer", "of_numpy"), MOVES, ids=str)
def test_outputs_and_gradients_are_those_of_numpy(layer, of_numpy):
    x = np.random.default_rng(0).normal(size=(3, 4, 5))
    numbers = of_numpy(np.arange(1, x.size + 1).reshape(x.shape))
    actual, dy, (dx,) = outputs_and_gradients(
        lambda tape, h: layer.lower(tape, h, "layer"), x, [], of_numpy(x) + 1.0
    )
    np.testing.assert_array_equal(actual, of_numpy(x))
    expected = np.bincount(numbers.ravel(), dy.ravel(), x.size + 1)[1:]
    np.testing.assert_allclose(dx, expected.reshape(x.shape), rtol=1e-13)


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (MaxPooling2D(0), (4, 4, 1), r"'pool_size' parameter of MaxPooling2D must be"),
        (
            MaxPooling1D((2, 2)),
            (4, 1),
            r"'pool_size' .* integer of at least 1. Got \(2",
        ),
        (MaxPooling2D(2, (1, -1)), (4, 4, 1), r"'strides' .* MaxPooling2D .*\(1, -1\)"),
        (AveragePooling2D(2.0), (4, 4, 1), r"or 2 of them, for height and width"),
        (AveragePooling1D(2, padding="full"), (4, 1), r"'padding' .*AveragePooling1D"),
        (
            MaxPooling2D(5),
            (4, 6, 1),
            r"no output for samples of shape \(4, 6, 1\): a window reaches over "
            r"\(5, 5\) of height and width. Take a smaller one or padding='same'",
        ),
        (
            MaxPooling2D(),
            (4, 6),
            r"MaxPooling2D takes samples of shape \(height, width",
        ),
        (AveragePooling1D(), (4,), r"samples of shape \(steps, channels\), got \(4,\)"),
        (GlobalMaxPooling1D(), (4, 3, 2), r"GlobalMaxPooling1D takes samples of shape"),
        (GlobalAveragePooling2D("no"), (4, 3, 2), r"'keepdims' parameter of Global"),
        (Permute(2), (4, 3), r"'dims' parameter of Permute must be a list or tuple"),
        (Permute((1, 3)), (4, 3), r"each once, such as \(2, 1\). Got \(1, 3\)"),
        (Permute((True, 2)), (4, 3), r"'dims' parameter of Permute"),
        (Permute((0, 1)), (4, 3), r"'dims' parameter of Permute"),
        (
            Permute((2, 1)),
            (4, 3, 2),
            r"shape \(4, 3, 2\) the order \(2, 1\): that must name .* 1 to 3",
        ),
        (ZeroPadding1D(-1), (4, 3), r"'padding' .* an integer or \(before, behind\)"),
        (ZeroPadding1D((1, 2, 3)), (4, 3), r"'padding' parameter of ZeroPadding1D"),
        (
            ZeroPadding2D((1, (2, 3))),
            (4, 3, 1),
            r"\(\(top, bottom\), \(left, right\)\)",
        ),
        (ZeroPadding2D(((1, 2),)), (4, 3, 1), r"'padding' parameter of ZeroPadding2D"),
        (ZeroPadding2D(1.5), (4, 3, 1), r"all of them integers from 0 on. Got 1.5"),
        (ZeroPadding2D(), (4, 3), r"ZeroPadding2D takes samples of shape \(height"),
        (ZeroPadding1D(10**30), (4, 3), r"ZeroPadding1D would make samples of shape"),
        (UpSampling2D(10**30), (4, 3, 1), r"UpSampling2D would make samples of shape"),
        (UpSampling2D(0), (4, 3, 1), r"'size' parameter of UpSampling2D"),
        (
            UpSampling2D(2, "bilinear"),
            (4, 3, 1),
            r"among \{'nearest'\}. Got 'bilinear'",
        ),
        (UpSampling2D(), (4, 3), r"UpSampling2D takes samples of shape \(height"),
        (SpatialDropout2D(0.1), (4, 3), r"SpatialDropout2D takes samples of shape"),
        (SpatialDropout1D(1.0), (4, 3), r"'rate' parameter of SpatialDropout1D"),
    ],
    ids=str,
)
def test_errors(layer, shape, message):
    network = Sequential([Reshape(shape), layer])
    with pytest.raises(ValueError, match=message):
        lower(network, input_shape=(int(np.prod(shape)),), loss=SquaredError())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rate", [0.25, 0.5, 1 - 1e-9])
def test_spatial_dropout_drops_whole_channels(rate, dtype):
    x = np.random.default_rng(0).normal(size=(40, 2, 3, 50)).astype(dtype)
    y = training_outputs([SpatialDropout2D(rate)], x)
    kept = (y != 0).all(axis=(1, 2))
    np.testing.assert_array_equal((y != 0).any(axis=(1, 2)), kept)
    resolved = min(rate, 1 - 1 / 65536)
    spread = np.sqrt(resolved * (1 - resolved) / kept.size)
    assert abs(kept.mean() - (1 - resolved)) < 5 * spread
    expected = np.where(kept[:, None, None], x / dtype(1 - resolved), 0)
    np.testing.assert_allclose(y, expected, rtol=4 * np.finfo(dtype).eps)
    assert len({row.tobytes() for row in kept}) > 1 or rate > 0.9


def test_what_spatial_dropout_draws():
    """Another mask in each step and layer, and the same for any number of threads."""
    x = np.ones((9, 4, 30))
    layer = SpatialDropout1D(0.5)
    first = training_outputs([layer], x, seed=3, step=5)
    for n_threads in (1, 2, 3):
        again = training_outputs([layer], x, seed=3, step=5, n_threads=n_threads)
        np.testing.assert_array_equal(again, first)
    assert (training_outputs([layer], x, seed=3, step=6) != first).any()
    assert (training_outputs([layer], x, seed=4, step=5) != first).any()
    twice = training_outputs([layer, layer], x, seed=3, step=5)
    assert 0.1 < np.mean(twice != 0) < 0.4  # a quarter: no mask is the other one
    assert not training_outputs([SpatialDropout1D(0.5)], x * 0).any()


def test_the_gradient_of_spatial_dropout_has_its_mask():
    plan = lower(
        Sequential([SpatialDropout1D(0.5), Dense(1, use_bias=False)]),
        input_shape=(3, 20), loss=SquaredError(),
    )  # fmt: skip
    below = lower(
        Sequential([Dense(20), SpatialDropout1D(0.5), Dense(1, use_bias=False)]),
        input_shape=(3, 20), loss=SquaredError(),
    )  # fmt: skip
    assert plan.draws_masks
    flat = np.zeros(below.n_parameters)
    kernel, _, last = below.views(flat)
    kernel[:], last[:] = np.eye(20), 1.0
    engine = Engine(below, flat, np.ones((1, 60)), np.zeros((1, 3)), batch_size=1)
    engine.gradient()
    bias, of_last = below.views(engine.gradients)[1:]
    # Both are sums over the same three places of dy, which are alike, times the mask.
    np.testing.assert_allclose(bias, of_last[:, 0])
    assert 0 < np.mean(bias == 0) < 1


@pytest.mark.parametrize("layer", [SpatialDropout1D(0.0), Permute((1, 2))])
def test_what_changes_nothing_writes_no_op(layer):
    plans = [
        lower(Sequential(layers), input_shape=(3, 4), loss=SquaredError())
        for layers in ([Dense(2)], [layer, Dense(2)])
    ]
    assert len(plans[0].ops) == len(plans[1].ops)


def network():
    return Sequential(
        [
            *(Reshape((6, 6, 1)), ZeroPadding2D(1), Dense(8, "relu"), MaxPooling2D(2)),
            *(SpatialDropout2D(0.1), UpSampling2D(), AveragePooling2D(3, 1, "same")),
            *(Permute((2, 1, 3)), Dense(6, "relu"), GlobalAveragePooling2D()),
        ]
    )


def test_a_fit_its_summary_and_its_drawing(capsys):
    model = NeuralNetClassifier(network(), epochs=3, random_state=0).fit(X, y)
    again = pickle.loads(pickle.dumps(clone(model).fit(X, y)))
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    model.summary()
    table = capsys.readouterr().out
    for name, shape in {
        "zeropadding2d": "(8, 8, 1)",
        "maxpooling2d": "(4, 4, 8)",
        "upsampling2d": "(8, 8, 8)",
        "permute": "(8, 8, 8)",
        "globalaveragepooling2d": "(6,)",
    }.items():
        (row,) = (line for line in table.splitlines() if line.startswith(f"{name} "))
        assert shape in row
    drawing = model.network.plot((36,))
    assert "MaxPooling2D" in drawing
    assert "(4, 4, 8)" in drawing
    model.set_params(network__maxpooling2d__pool_size=(4, 2)).fit(X, y)
    with pytest.raises(ValueError, match="cannot read sparse rows"):
        NeuralNetClassifier(network(), epochs=1).fit(sparse.csr_array(X), y)


@pytest.mark.parametrize("n_jobs", [2, 3])
def test_threads_give_the_same_fit_to_rounding(n_jobs, monkeypatch):
    monkeypatch.setattr("fastnn.engine.engine.OPERATIONS_PER_THREAD", 1)
    options = {"epochs": 3, "random_state": 0, "dtype": "float64"}
    one = NeuralNetClassifier(network(), n_jobs=1, **options).fit(X, y)
    several = NeuralNetClassifier(network(), n_jobs=n_jobs, **options).fit(X, y)
    for a, b in zip(one.coefs_, several.coefs_, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-11)
