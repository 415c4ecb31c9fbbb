"""Layers that take several inputs, and layers that give samples another shape."""

import pickle

import numpy as np
import pytest
from probes import outputs_and_gradients, training_outputs
from scipy import sparse
from sklearn.base import clone

from fastnn import (
    Branches,
    Graph,
    NeuralNetClassifier,
    NeuralNetRegressor,
    Sequential,
)
from fastnn.engine.predictor import Predictor
from fastnn.layers import (
    Add,
    Average,
    Concatenate,
    Dense,
    Flatten,
    Maximum,
    Multiply,
    Rescaling,
    Reshape,
)
from fastnn.losses import SquaredError
from fastnn.network import lower
from fastnn.plan.tape import Tape

MERGED = {
    Add: lambda a, b, c: a + b + c,
    Multiply: lambda a, b, c: a * b * c,
    Average: lambda a, b, c: (a + b + c) / 3,
    Maximum: lambda a, b, c: np.maximum(np.maximum(a, b), c),
}
each_merge = pytest.mark.parametrize("kind", MERGED)

rng = np.random.RandomState(0)
X = rng.uniform(0, 255, size=(60, 12)).astype(np.float32)
y = (X[:, :6].mean(axis=1) > X[:, 6:].mean(axis=1)).astype(int)


@each_merge
@pytest.mark.parametrize(
    "shapes",
    [
        ((2, 3), (2, 3), (2, 3)),
        ((3,), (2, 1), (1, 3)),
        ((1,), (4, 2, 3), (3,)),
        ((2, 1), (1, 3), (1, 1)),
    ],
    ids=str,
)
def test_inputs_go_together_as_arrays_of_numpy(kind, shapes):
    values = [rng.normal(size=shape) for shape in shapes]
    expected = MERGED[kind](*values)
    assert kind().output_shape(shapes) == expected.shape

    def write(tape, *inputs):
        return kind().lower(tape, inputs, "merge")

    actual, _, _ = outputs_and_gradients(write, values[0], values[1:], expected)
    np.testing.assert_allclose(actual, expected, rtol=1e-14)


@pytest.mark.parametrize("axis", [1, 2, 3, -1, -2, -3])
def test_inputs_stand_side_by_side_along_any_axis(axis):
    shapes = [[2, 3, 4] for _ in range(3)]
    for length, shape in enumerate(shapes, 1):
        shape[axis - 1 if axis > 0 else axis] = length
    sizes = [int(np.prod(shape)) for shape in shapes]
    starts = [0, *np.cumsum(sizes)]
    nodes = [
        (name, Branches([("part", Reshape(shape), slice(start, start + size))]), "x")
        for name, shape, start, size in zip("abc", shapes, starts, sizes, strict=False)
    ]
    network = Graph([*nodes, ("all", Concatenate(axis), ["a", "b", "c"])])
    X = rng.normal(size=(4, sum(sizes)))
    values = [
        part.reshape(4, *shape)
        for part, shape in zip(np.split(X, starts[1:-1], axis=1), shapes, strict=True)
    ]
    expected = np.concatenate(values, axis)
    assert network.output_shape(X.shape[1:]) == expected.shape[1:]
    plan = lower(network, input_shape=X.shape[1:], loss=SquaredError())
    actual = Predictor(plan).predict(np.zeros(0), X)
    np.testing.assert_array_equal(actual.reshape(expected.shape), expected)


@pytest.mark.parametrize(
    ("layer", "shapes", "message"),
    [
        (Concatenate(), [(3,)], r"Concatenate\(\) merges two inputs or more, got 1"),
        (Concatenate(), [(2, 3), (3, 3)], r"\(2, 3\) and \(3, 3\) side by side"),
        (Concatenate(), [(3,), (1, 3)], r"\(3,\) and \(1, 3\) side by side"),
        (
            Concatenate(0),
            [(3,), (3,)],
            r"Concatenate\(axis=0\) needs an axis .* 1 to 1",
        ),
        (Concatenate(3), [(2, 3)] * 2, r"have the shape \(2, 3\): one of 1 to 2"),
        (Concatenate(-3), [(2, 3)] * 2, r"axis=-3\) needs .* or of -1 to -2"),
        (Concatenate("last"), [(3,), (3,)], "'axis' parameter of Concatenate must be"),
    ],
)
def test_inputs_that_cannot_stand_side_by_side(layer, shapes, message):
    with pytest.raises(ValueError, match=message):
        layer.output_shape(shapes)


@each_merge
def test_shapes_that_do_not_go_together(kind):
    shapes = [(2, 3), (1,), (2, 4)]
    message = rf"{kind.__name__}\(\) cannot.* \(2, 3\) and \(2, 4\) do not go together"
    with pytest.raises(ValueError, match=message):
        kind().output_shape(shapes)
    tape = Tape()
    with pytest.raises(ValueError, match=message):
        kind().lower(tape, [tape.activation(shape) for shape in shapes], "merge")


@each_merge
def test_a_merge_has_two_inputs_or_more(kind):
    with pytest.raises(ValueError, match=r"\(\) merges two inputs or more, got 1"):
        kind().output_shape([(3,)])


@each_merge
def test_merges_are_cloned_and_saved(kind):
    for copy in (clone(kind()), pickle.loads(pickle.dumps(kind()))):
        assert (type(copy), copy.get_params()) == (kind, {})
    assert repr(kind()) == f"{kind.__name__}()"


def test_rescaling():
    y = training_outputs([Rescaling(1 / 127.5, offset=-1)], X.astype(np.float64))
    np.testing.assert_allclose(y, X / 127.5 - 1, rtol=1e-6, atol=1e-7)


def test_rescaling_is_the_scale_of_the_samples():
    """The same weights, from samples that were scaled before."""
    layers = [Dense(8, "relu"), Dense(3, "tanh")]
    shared = {"epochs": 4, "random_state": 0, "dtype": "float64"}
    ours = NeuralNetClassifier(Sequential([Rescaling(1 / 255), *layers]), **shared)
    theirs = NeuralNetClassifier(Sequential(layers), **shared).fit(X / 255.0, y)
    for one, other in zip(ours.fit(X, y).coefs_, theirs.coefs_, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scale": np.inf}, "'scale' parameter of Rescaling"),
        ({"scale": "1"}, "'scale' parameter of Rescaling"),
        ({"scale": 1.0, "offset": np.nan}, "'offset' parameter of Rescaling"),
        ({"scale": 1e300}, "'scale'.* at most 3.4e.38 in float32"),
    ],
)
def test_scales_that_are_refused(options, message):
    model = NeuralNetClassifier(Sequential([Rescaling(**options)]), epochs=1)
    with pytest.raises(ValueError, match=message):
        model.fit(X, y)


@pytest.mark.parametrize(
    ("target", "shape"),
    [
        ((3, 4), (3, 4)),
        ([2, -1, 2], (2, 3, 2)),
        ((-1,), (12,)),
        ((np.int64(6), -1), (6, 2)),
        ((1, 12, 1), (1, 12, 1)),
    ],
)
def test_reshape(target, shape):
    for before in ((12,), (4, 3)):
        assert Reshape(target).output_shape(before) == shape
    assert Flatten().output_shape(shape) == (12,)
    x = X.reshape(-1, 4, 3)
    actual = training_outputs([Reshape(target)], x)
    np.testing.assert_array_equal(actual, x.reshape(-1, *shape))
    np.testing.assert_array_equal(training_outputs([Flatten()], x), X)


@pytest.mark.parametrize(
    "target", [(), (0, 12), (-2, 6), (-1, -1), (3.0, 4), (True, 12), "12", 12, None]
)
def test_targets_that_are_no_shape(target):
    with pytest.raises(ValueError, match="'target_shape' parameter of Reshape must be"):
        Reshape(target).output_shape((12,))


@pytest.mark.parametrize("target", [(3, 5), (5, -1), (13,), (-1, 24)])
def test_targets_of_other_numbers(target):
    message = r"samples of shape \(4, 3\), 12 numbers, the target_shape \("
    with pytest.raises(ValueError, match=message):
        Reshape(target).output_shape((4, 3))
    network = Sequential([Reshape((4, 3)), Reshape(target)])
    with pytest.raises(ValueError, match=message):
        NeuralNetClassifier(network, epochs=1).fit(X, y)


def test_a_fit_with_shapes_in_the_middle():
    network = Sequential(
        [Rescaling(1 / 255), Reshape((3, 4)), Dense(5, "tanh"), Flatten()]
    )
    model = NeuralNetClassifier(network, epochs=30, random_state=0).fit(X, y)
    assert [each.shape for each in model.coefs_] == [(4, 5), (15, 1)]
    again = pickle.loads(pickle.dumps(clone(model).fit(X, y)))
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    model.set_params(network__reshape__target_shape=(6, -1)).fit(X, y)
    assert [each.shape for each in model.coefs_] == [(2, 5), (30, 1)]


def test_sparse_rows_may_be_flat_but_not_cut():
    rows = sparse.csr_array(np.where(X > 128, X / 255, 0))
    models = [
        NeuralNetClassifier(Sequential(layers), epochs=2, random_state=0)
        for layers in ([Dense(4, "relu")], [Flatten(), Dense(4, "relu")])
    ]
    plain, flat = (model.fit(rows, y).coefs_ for model in models)
    np.testing.assert_array_equal(plain[0], flat[0])
    cut = Sequential([Reshape((3, 4)), Dense(4, "relu"), Flatten()])
    with pytest.raises(ValueError, match="cannot read sparse rows"):
        NeuralNetClassifier(cut, epochs=1).fit(rows, y)


@pytest.mark.parametrize("Estimator", [NeuralNetClassifier, NeuralNetRegressor])
def test_outputs_are_a_row_for_each_sample(Estimator):
    network = Sequential([Reshape((3, 4)), Dense(5, "relu")])
    with pytest.raises(ValueError, match=r"outputs of shape \(3, 1\).*Put Flatten\(\)"):
        Estimator(network, epochs=1).fit(X, y)
