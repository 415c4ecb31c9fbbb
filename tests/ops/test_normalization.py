"""Layer and RMS normalisation: rows of any width and place, against the formulas."""

import numpy as np
import pytest
from cases import draw, plan_of, predict
from probes import outputs_and_gradients

from fastnn import NeuralNetRegressor
from fastnn.layers import Dense, LayerNorm, RMSNorm
from fastnn.losses import SquaredError
from fastnn.network import Sequential, lower
from fastnn.plan import ops
from fastnn.plan.tables import KINDS
from fastnn.plan.tape import Tape

dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])
layers = pytest.mark.parametrize("layer", [LayerNorm, RMSNorm])


def lower_one(layer, shape):
    return lower(Sequential([layer]), input_shape=shape, loss=SquaredError())


def normalised(layer, x):
    """The rows of x, and what they were divided by, in float64."""
    x = x.astype(np.float64)
    if isinstance(layer, LayerNorm):
        x = x - x.mean(axis=-1, keepdims=True)
        x = x - x.mean(axis=-1, keepdims=True)  # what rounding has left of a large one
    root = np.sqrt(np.mean(x**2, axis=-1, keepdims=True) + layer.epsilon)
    return x / root, root


def outputs_of(layer, x):
    """What the layer gives for rows of x at predict, its parameters as they start."""
    plan = lower_one(layer, x.shape[1:])
    flat = plan.initialize(np.random.RandomState(0), x.dtype)
    return predict(plan, flat, x)


def gradient_of_rows(layer, x, values, dy):
    def write(tape, x, *parameters):
        kind = "layer_norm" if isinstance(layer, LayerNorm) else "rms_norm"
        return ops.row_norm(tape, kind, x, *parameters, epsilon=layer.epsilon)

    return outputs_and_gradients(write, x, values, dy)


@dtypes
@layers
@pytest.mark.parametrize("width", [1, 2, 3, 7, 8, 9, 15, 16, 17, 33, 64, 100, 257])
@pytest.mark.parametrize("affine", [True, False])
def test_rows_of_any_width(layer, width, affine, dtype):
    layer = layer(affine=affine)
    rng = np.random.default_rng(width)
    x = rng.normal(0.5, 2, size=(5, width)).astype(dtype)
    n_values = (2 if isinstance(layer, LayerNorm) else 1) * affine
    values = list(rng.normal(size=(n_values, width)))
    y, dy, gradients = gradient_of_rows(layer, x, values, rng.normal(size=x.shape))

    h, root = normalised(layer, x)
    scale, offset = ([v.astype(dtype) for v in values] + [1, 0][n_values:])[:2]
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(y, scale * h + offset, rtol=20 * eps, atol=20 * eps)
    g = dy * np.float64(scale)
    dx = g - h * np.mean(g * h, axis=1, keepdims=True)
    if isinstance(layer, LayerNorm):
        dx -= g.mean(axis=1, keepdims=True)
    expected = [dx / root, (dy * h).sum(axis=0), dy.sum(axis=0)]
    tolerance = {"rtol": 100 * eps, "atol": 100 * eps * max(1, abs(1 / root).max())}
    for actual, each in zip(gradients, expected, strict=False):
        np.testing.assert_allclose(actual, each, **tolerance)


@dtypes
@pytest.mark.parametrize("width", [5, 16, 100, 1000])
@pytest.mark.parametrize("mean", [1e3, -1e4, 3e5])
def test_a_large_mean_costs_no_digits(mean, width, dtype):
    rng = np.random.default_rng(0)
    x = (mean + rng.normal(size=(20, width))).astype(dtype)
    layer = LayerNorm()
    h, root = normalised(layer, x)  # of what is left of x after it was rounded
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(outputs_of(layer, x), h, rtol=0, atol=50 * eps)
    _, dy, (dx,) = gradient_of_rows(layer, x, [], rng.normal(size=x.shape))
    expected = dy - dy.mean(axis=1, keepdims=True)
    expected = (expected - h * np.mean(dy * h, axis=1, keepdims=True)) / root
    np.testing.assert_allclose(dx, expected, rtol=0, atol=100 * eps)


def test_what_the_mean_lacks_is_kept():
    # float32 has no number near the mean of these, which are neighbours.
    x = np.float32(1e4) + np.arange(48, dtype=np.float32)[None] % 3 / 1024
    h = normalised(LayerNorm(1e-12), x)[0]
    np.testing.assert_allclose(outputs_of(LayerNorm(1e-12), x), h, rtol=1e-6)


def far_rows(dtype):
    """Rows all over [-1e4, 1e4]: even, integer, constant, tiny, far, of one number."""
    spread = np.linspace(-1e4, 1e4, 40 * 33).reshape(40, 33)
    rows = [spread, np.round(spread), np.full((3, 33), 1e4), np.zeros((3, 33))]
    rows += [1e-30 * spread, spread / 1e3 + 9990, np.eye(40, 33) * 1e4]
    return np.concatenate(rows).astype(dtype)


@dtypes
@layers
def test_far_rows_are_right(layer, dtype):
    x, eps = far_rows(dtype), np.finfo(dtype).eps
    h = normalised(layer(), x)[0]
    np.testing.assert_allclose(outputs_of(layer(), x), h, rtol=100 * eps, atol=20 * eps)


@dtypes
@layers
@pytest.mark.parametrize("epsilon", [1e-300, 1e-6, 1e4])
def test_finite_rows_never_give_nan(layer, epsilon, dtype):
    x = far_rows(dtype)
    rng = np.random.default_rng(0)
    dy, values = rng.normal(size=x.shape), [rng.normal(size=33)]
    y, _, gradients = gradient_of_rows(layer(epsilon), x, values, dy)
    assert np.isfinite(y).all()
    assert not any(np.isnan(gradient).any() for gradient in gradients)


@layers
def test_squares_beyond_float32_are_taken_in_float64(layer):
    rng = np.random.default_rng(0)
    x = (rng.normal(size=(3, 7)) * 1e30).astype(np.float32)
    np.testing.assert_allclose(outputs_of(layer(), x), normalised(layer(), x)[0], 1e-5)
    model = NeuralNetRegressor(Sequential([layer()]), epochs=1, random_state=0)
    with pytest.raises(ValueError, match="non-finite"):
        model.fit(x, x[:, 0] * 0)
    model.fit(x / 1e30, x[:, 0] * 0)
    with pytest.raises(ValueError, match="predicts NaN for X"):
        model.predict(x.astype(np.float64) * 1e200)


@dtypes
@layers
def test_a_row_without_variance(layer, dtype):
    x = np.full((2, 20), 0 if layer is RMSNorm else 3.7, dtype)
    np.testing.assert_allclose(outputs_of(layer(), x), 0, atol=1e-6)
    assert not outputs_of(layer(), np.zeros_like(x)).any()


@dtypes
@layers
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("width", [5, 40])
def test_nan_and_infinity_spoil_their_row_and_no_other(layer, bad, width, dtype):
    x = np.random.default_rng(0).normal(size=(3, width)).astype(dtype)
    x[1, 3] = bad
    y = outputs_of(layer(), x)
    assert np.isnan(y[1, 3])
    assert np.isnan(y[1]).all() or layer is RMSNorm
    assert np.isfinite(y[[0, 2]]).all()


def test_outputs_have_mean_0_and_variance_1():
    x = np.random.default_rng(0).normal(5, 3, size=(9, 50))
    y = outputs_of(LayerNorm(epsilon=1e-12), x)
    np.testing.assert_allclose(y.mean(axis=1), 0, atol=1e-14)
    np.testing.assert_allclose(y.var(axis=1), 1, rtol=1e-12)
    y = outputs_of(RMSNorm(epsilon=1e-12), x)
    np.testing.assert_allclose(np.mean(y**2, axis=1), 1, rtol=1e-12)


@layers
def test_scale_of_the_input_does_not_matter(layer):
    x = np.random.default_rng(0).normal(size=(4, 30))
    one, other = (outputs_of(layer(1e-20), factor * x) for factor in (1, 1000))
    np.testing.assert_allclose(one, other, rtol=1e-12)


def test_parameters():
    plan = lower_one(LayerNorm(), (3, 6))
    assert [p.name.split("/")[1] for p in plan.parameters] == ["scale", "offset"]
    assert all(p.shape == (6,) for p in plan.parameters)
    assert not plan.blocks["weight_decay"].any()
    assert plan.blocks["trainable"].all()
    scale, offset = plan.views(plan.initialize(np.random.RandomState(0), np.float64))
    np.testing.assert_array_equal(scale, 1)
    np.testing.assert_array_equal(offset, 0)
    (scale,) = lower_one(RMSNorm(), (3, 6)).parameters
    assert scale.name.endswith("/scale")
    for layer in (LayerNorm, RMSNorm):
        assert not lower_one(layer(affine=False), (6,)).parameters
        assert layer().output_shape((3, 6)) == (3, 6)


def test_defaults_are_those_of_the_papers_implementations():
    shared = {"affine": True, "trainable": True, "learning_rate": 1.0}
    assert LayerNorm().get_params() == {"epsilon": 1e-5, **shared}
    assert RMSNorm().get_params() == {"epsilon": 1e-6, **shared}


@pytest.mark.parametrize("name", ["layer_norm", "rms_norm"])
def test_parameters_of_one_op_may_be_first_used_apart(name):
    # Backwards, the second op adds to the offset and not to the scale, and the third
    # the other way round: two ops each. What they give is checked with all plans.
    records = plan_of(name).ops
    assert np.count_nonzero(records["kind"] == KINDS["row_norm"]) == 4
    backward = records[records["kind"] == KINDS["row_norm_gradient"]]
    assert list(backward["accumulate"]) == [0, 0, 1, 1, 0, 0]


def test_memory_of_a_training_step():
    # Three numbers a row are kept beside the input; gradients lie in place.
    width = 50
    layers = [Dense(width), LayerNorm(), Dense(1)]
    plan = lower(Sequential(layers), input_shape=(4,), loss=SquaredError())
    assert plan.train_size <= 2 * width + 3 + 2
    assert plan.predict_size <= width + 3 + 1


def test_a_batch_trains_alone():
    # A sample's gradient does not depend on who else is in the batch.
    plan = plan_of("norm_layers")
    data = draw(plan, n=9)
    together = predict(plan, data.parameters, data.X)
    alone = [predict(plan, data.parameters, row[None])[0] for row in data.X]
    # Not to the bit: products of BLAS, which the baseline takes, round by their shapes.
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-14)


@layers
@pytest.mark.parametrize(
    ("name", "value"),
    [("epsilon", 0), ("epsilon", -1e-5), ("epsilon", None), ("epsilon", "small"),
     ("affine", 2), ("affine", "yes"), ("affine", None)],
)  # fmt: skip
def test_bad_options(layer, name, value):
    with pytest.raises(ValueError, match=f"'{name}' parameter of {layer.__name__}"):
        lower_one(layer(**{name: value}), (5,))


def test_scale_must_be_a_row():
    tape = Tape()
    x, wrong = tape.input((3, 5)), tape.target((3,))
    with pytest.raises(ValueError, match=r"rows of shape \(5,\) need .* got \(3,\)"):
        ops.row_norm(tape, "layer_norm", x, wrong, epsilon=1e-5)
