"""Layers that augment images: what they do to them, at random and in training only."""

import numpy as np
import pytest
from cases import draw, evaluate, predict
from probes import training_outputs
from scipy import ndimage

from fastnn import NeuralNetClassifier, Sequential
from fastnn.layers import (
    Dense,
    Flatten,
    RandomContrast,
    RandomCrop,
    RandomErasing,
    RandomFlip,
    RandomRotation,
    RandomTranslation,
    RandomZoom,
    Rescaling,
    Reshape,
)
from fastnn.losses import SquaredError
from fastnn.network import lower

dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])

# What SciPy calls the ways to go on beyond an edge.
SCIPY_MODES = {
    "constant": "grid-constant",
    "nearest": "nearest",
    "reflect": "reflect",
    "wrap": "grid-wrap",
}
LAYERS = [
    RandomFlip(),
    RandomTranslation(0.3, 0.4),
    RandomRotation(0.2, "wrap"),
    RandomZoom(0.5, interpolation="nearest"),
    RandomCrop(4, 5),
    RandomContrast(0.5, value_range=(-1, 1)),
    RandomErasing(0.7, (0.1, 0.6), value_range=(-1, 1)),
]


def images(n, *shape, dtype=np.float64):
    return np.random.default_rng(0).normal(size=(n, *shape)).astype(dtype)


def of_one(layer, image, **options):
    """What a layer without a choice makes of an image."""
    return training_outputs([layer], image[np.newaxis], **options)[0]


# ------------------------------------------------------------------------------- maps


@dtypes
@pytest.mark.parametrize(
    ("mode", "axes"),
    [
        ("horizontal", [(), (2,)]),
        ("vertical", [(), (1,)]),
        ("horizontal_and_vertical", [(), (1,), (2,), (1, 2)]),
    ],
)
def test_a_flip_is_a_copy_and_each_has_the_same_chance(mode, axes, dtype):
    x = images(400, 3, 2, 1, dtype=dtype)
    y = training_outputs([RandomFlip(mode)], x)
    is_that = [(np.flip(x, each) == y).all(axis=(1, 2, 3)) for each in axes]
    assert np.sum(is_that, axis=0).tolist() == [1] * 400
    share = 1 / len(axes)
    deviation = np.sqrt(400 * share * (1 - share))
    for chosen in is_that:
        assert abs(chosen.sum() - 400 * share) < 4 * deviation


@dtypes
def test_positive_factors_move_down_and_to_the_right(dtype):
    image = images(1, 6, 5, 3, dtype=dtype)[0]
    layer = RandomTranslation((0.5, 0.5), (0.2, 0.2), "constant", fill_value=7.0)
    expected = np.full_like(image, 7.0)
    expected[3:, 1:] = image[:3, :-1]
    np.testing.assert_array_equal(of_one(layer, image), expected)
    back = RandomTranslation((-0.5, -0.5), (-0.2, -0.2), "wrap")
    np.testing.assert_array_equal(
        of_one(back, image), np.roll(image, (-3, -1), axis=(0, 1))
    )


def test_the_nearest_pixel_moves_by_whole_ones():
    image = images(1, 10, 10, 1)[0]
    layer = RandomTranslation((0.16, 0.16), (-0.14, -0.14), "wrap", "nearest")
    np.testing.assert_array_equal(of_one(layer, image), np.roll(image, (2, -1), (0, 1)))


@dtypes
@pytest.mark.parametrize("quarters", [-3, -1, 0, 1, 2, 4])
def test_quarter_turns_are_copies_and_counterclockwise(quarters, dtype):
    image = images(1, 5, 5, 2, dtype=dtype)[0]
    turned = of_one(RandomRotation((quarters / 4, quarters / 4)), image)
    np.testing.assert_array_equal(turned, np.rot90(image, quarters))


def test_positive_factors_zoom_out():
    rows = np.arange(5.0)[:, np.newaxis, np.newaxis] + np.zeros((5, 4, 1))
    seen = of_one(RandomZoom((1.0, 1.0), (0.0, 0.0), "constant", fill_value=-9), rows)
    expected = np.array([-9, 0, 2, 4, -9]).reshape(5, 1, 1) + np.zeros((5, 4, 1))
    np.testing.assert_array_equal(seen, expected)
    near = of_one(RandomZoom((-0.5, -0.5), (0.0, 0.0)), rows)
    np.testing.assert_array_equal(near[:, 0, 0], [1, 1.5, 2, 2.5, 3])
    # One number for both sides: the proportions stay.
    both = of_one(RandomZoom((-0.5, -0.5)), rows + 10 * np.arange(4).reshape(1, 4, 1))
    assert both[2, 0, 0] == pytest.approx(2 + 7.5)


@pytest.mark.parametrize("fill_mode", SCIPY_MODES)
@pytest.mark.parametrize(
    ("layer", "place"),
    [
        (
            lambda **o: RandomTranslation((0.77, 0.77), (-0.9, -0.9), **o),
            lambda y, x, h, w: (y - 0.77 * h, x + 0.9 * w),
        ),
        (
            lambda **o: RandomZoom((0.9, 0.9), (0.35, 0.35), **o),
            lambda y, x, h, w: (
                (h - 1) / 2 + 1.9 * (y - (h - 1) / 2),
                (w - 1) / 2 + 1.35 * (x - (w - 1) / 2),
            ),
        ),
        (
            lambda **o: RandomRotation((0.13, 0.13), **o),
            lambda y, x, h, w: turned(y - (h - 1) / 2, x - (w - 1) / 2, h, w, 0.13),
        ),
    ],
    ids=["translation", "zoom", "rotation"],
)
@pytest.mark.parametrize("shape", [(7, 4, 2), (1, 9, 1), (3, 1, 1)], ids=str)
def test_places_between_pixels_and_beyond_edges(layer, place, fill_mode, shape):
    image = images(1, *shape)[0]
    height, width, channels = shape
    at = place(*np.indices((height, width)).astype(float), height, width)
    expected = np.dstack(
        [
            ndimage.map_coordinates(
                image[..., c], at, order=1, mode=SCIPY_MODES[fill_mode], cval=0.3
            )
            for c in range(channels)
        ]
    )
    actual = of_one(layer(fill_mode=fill_mode, fill_value=0.3), image)
    np.testing.assert_allclose(actual, expected, atol=1e-10)


def turned(y, x, height, width, factor):
    """Where a pixel is read from that turns counterclockwise about the middle."""
    c, s = np.cos(2 * np.pi * factor), np.sin(2 * np.pi * factor)
    return (height - 1) / 2 + c * y + s * x, (width - 1) / 2 - s * y + c * x


def test_shifts_are_drawn_evenly_between_two_numbers():
    ramp = np.zeros((2000, 1, 8, 2))
    ramp[..., 0] = 100 * np.arange(8)
    y = training_outputs([RandomTranslation(0, (-0.1, 0.3), "wrap")], ramp[:200])
    # A ramp, away from its edges, tells how far it was moved.
    moved = (300 - y[:, 0, 3, 0]) / 100
    assert -0.8 <= moved.min() < -0.6
    assert 2.1 < moved.max() <= 2.4
    assert abs(moved.mean() - 0.8) < 5 * 3.2 / np.sqrt(12 * 200)


# ---------------------------------------------------------------------------- windows


@dtypes
def test_crops_are_all_windows_in_training_and_the_middle_otherwise(dtype):
    x = images(300, 4, 5, 2, dtype=dtype)
    y = training_outputs([RandomCrop(3, 3)], x)
    places = np.zeros((2, 3), int)
    for image, window in zip(x, y, strict=True):
        found = [
            (i, j)
            for i in range(2)
            for j in range(3)
            if (image[i : i + 3, j : j + 3] == window).all()
        ]
        assert len(found) == 1
        places[found[0]] += 1
    assert abs(places - 50).max() < 4 * np.sqrt(300 * 5 / 36)
    plan = lower(
        Sequential([RandomCrop(3, 3)]), input_shape=(4, 5, 2), loss=SquaredError()
    )
    windows = predict(plan, np.zeros(0, dtype), x.reshape(300, -1))
    np.testing.assert_array_equal(windows.reshape(y.shape), x[:, :3, 1:4])


def test_a_crop_of_all_writes_no_op():
    network = Sequential([RandomCrop(4, 5), Flatten(), Dense(1)])
    plan = lower(network, input_shape=(4, 5, 2), loss=SquaredError())
    assert not plan.draws_masks


# ----------------------------------------------------------------------------- pixels


def test_contrast_keeps_means_and_what_is_flat():
    x = images(50, 6, 7, 3)
    x[:, :, :, 2] = 0.25
    y = training_outputs([RandomContrast((0.6, 0.3), value_range=None)], x)
    means = x.mean(axis=(1, 2), keepdims=True)
    np.testing.assert_allclose(y.mean(axis=(1, 2), keepdims=True), means, atol=1e-12)
    np.testing.assert_allclose(y[..., 2], 0.25, rtol=1e-14)
    factors = (y - means)[..., :2] / (x - means)[..., :2]
    np.testing.assert_allclose(factors, factors[:, :1, :1, :1] + 0 * factors, rtol=1e-9)
    drawn = factors[:, 0, 0, 0]
    assert 0.4 <= drawn.min() < 0.6
    assert 1.1 < drawn.max() <= 1.3


def test_contrast_is_cut_off_where_the_range_ends():
    x = np.array([0.0, 255.0, 100.0, 200.0]).reshape(1, 2, 2, 1)
    whole = training_outputs([RandomContrast((0, 1), value_range=None)], x)
    y = training_outputs([RandomContrast((0, 1))], x)
    assert whole.min() < 0
    assert whole.max() > 255
    np.testing.assert_array_equal(y, np.clip(whole, 0, 255))


def erased(x, **options):
    y = training_outputs([RandomErasing(**options)], x)
    return y, (y != x).all(axis=3)


def test_erasing_leaves_all_but_a_rectangle():
    x = images(200, 10, 12, 2)
    y, gone = erased(x, fill_value=0.5, value_range=(0, 1))
    np.testing.assert_array_equal(y[gone], 0.5)
    np.testing.assert_array_equal(y[~gone], x[~gone])
    for where in gone:
        rows, columns = where.any(axis=1), where.any(axis=0)
        np.testing.assert_array_equal(where, np.outer(rows, columns))
        for line in (rows, columns):
            assert np.count_nonzero(np.diff(line.astype(int)) == 1) <= 1
    share = gone.mean(axis=(1, 2))
    # Each side is a share of its own, and as many pixels as lie in it by their middles.
    assert share.min() > 0.005
    assert 0.25 < share.max() < 0.4
    root = 2 / 3 * (0.33**1.5 - 0.02**1.5) / 0.31  # the mean of a root
    assert abs(share.mean() - root**2) < 0.02
    # Each side is as likely as the one across.
    often = gone.mean(axis=0)
    assert min(often.max(axis=0).min(), often.max(axis=1).min()) > 0.02
    assert abs(often - often[::-1]).max() < 0.15
    assert abs(often - often[:, ::-1]).max() < 0.15


def test_erasing_by_noise_and_at_a_rate():
    x = np.full((400, 8, 8, 1), 2.0)
    y, gone = erased(x, factor=0.25, scale=(1, 1), value_range=(-3, 1.5))
    rate = gone.any(axis=(1, 2)).mean()
    assert abs(rate - 0.25) < 4 * np.sqrt(0.25 * 0.75 / 400)
    noise = y[gone.all(axis=(1, 2))].ravel()
    assert noise.min() >= -3
    assert noise.max() == 1.5
    inside = noise[(noise > -3) & (noise < 1.5)] / 1.5
    assert len(np.unique(inside)) == inside.size
    assert abs(np.mean(noise <= 0) - 0.5) < 4 * 0.5 / np.sqrt(noise.size)
    for layer in (RandomErasing(0.0), RandomErasing(0.0, fill_value=1.0)):
        np.testing.assert_array_equal(training_outputs([layer], x[:3]), x[:3])


# ----------------------------------------------------------------- what it depends on


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: type(layer).__name__)
def test_neither_threads_nor_chunks_change_it(layer, monkeypatch):
    x = images(37, 6, 7, 2)
    whole = training_outputs([layer], x, seed=3, step=2)
    monkeypatch.setattr("fastnn.engine.engine.OPERATIONS_PER_THREAD", 1)
    shared = training_outputs([layer], x, seed=3, step=2, n_threads=3)
    np.testing.assert_array_equal(shared, whole)
    monkeypatch.setattr("fastnn.engine.engine.CHUNK_BYTES", 1)
    np.testing.assert_array_equal(
        training_outputs([layer], x, seed=3, step=2, n_threads=2), whole
    )


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: type(layer).__name__)
def test_samples_steps_and_seeds_are_drawn_apart(layer):
    x = np.repeat(images(1, 6, 7, 2), 20, axis=0)
    y = training_outputs([layer], x)
    for other in ({"seed": 1}, {"step": 1}):
        assert (training_outputs([layer], x, **other) != y).any()
    assert len(np.unique(y.reshape(20, -1), axis=0)) > 2
    if not isinstance(layer, RandomCrop):  # the second of two draws its own
        assert (training_outputs([layer, layer], x) != y).any()


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: type(layer).__name__)
def test_predict_and_evaluate_see_what_is(layer):
    if isinstance(layer, RandomCrop):
        layer = RandomCrop(6, 5)
    layers = [Dense(2), layer, Flatten(), Dense(3)]
    shape = 6, 5, 1
    with_it, plain = (
        lower(Sequential(each), input_shape=shape, loss=SquaredError())
        for each in (layers, [layers[0], *layers[2:]])
    )
    data = draw(plain)
    sample = data.parameters, data.X
    np.testing.assert_array_equal(predict(with_it, *sample), predict(plain, *sample))
    assert evaluate(with_it, *sample, data.y) == evaluate(plain, *sample, data.y)
    assert with_it.draws_masks == (not isinstance(layer, RandomCrop))


def test_integers_are_augmented_as_floats_are():
    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 256, (60, 48), dtype=np.uint8), np.arange(60) % 3
    network = Sequential(
        [
            *(Reshape((4, 4, 3)), RandomFlip(), RandomTranslation(0.2, 0.2)),
            *(RandomContrast(0.1), Rescaling(1 / 255), Flatten(), Dense(3)),
        ]
    )
    fits = [
        NeuralNetClassifier(network, epochs=3, random_state=0).fit(table, y)
        for table in (X, X.astype(np.float32))
    ]
    for one, other in zip(*(fit.coefs_ for fit in fits), strict=True):
        np.testing.assert_array_equal(one, other)


# ------------------------------------------------------------------------ bad arguments


@pytest.mark.parametrize(
    ("layer", "match"),
    [
        (RandomFlip("diagonal"), "'mode' parameter of RandomFlip"),
        (RandomTranslation(1.5, 0), "'height_factor' .* from 0 to 1, or two"),
        (RandomTranslation(0, -0.1), "'width_factor' parameter of RandomTranslation"),
        (RandomTranslation(0, (0.2, 0.1)), "the lower one first. Got \\(0.2, 0.1\\)"),
        (RandomTranslation(0, (0, 1, 2)), "'width_factor' parameter"),
        (RandomTranslation(0, "a"), "'width_factor' parameter"),
        (RandomTranslation(0, np.nan), "'width_factor' parameter"),
        (RandomTranslation(0, 0, "mirror"), "'fill_mode' parameter"),
        (RandomTranslation(0, 0, interpolation="cubic"), "'interpolation' parameter"),
        (RandomTranslation(0, 0, fill_value=np.inf), "'fill_value' parameter"),
        (RandomRotation(None), "'factor' parameter of RandomRotation"),
        (RandomRotation(True), "'factor' parameter of RandomRotation"),
        (RandomZoom(0.1, (-2, 0)), "'width_factor' parameter of RandomZoom"),
        (RandomCrop(0, 3), "'height' parameter of RandomCrop"),
        (RandomCrop(3, 3.0), "'width' parameter of RandomCrop"),
        (RandomCrop(5, 3), r"height=5, width=3\) cannot be cut out .*\(4, 3, 1\)"),
        (RandomContrast(1.2), "'factor' parameter of RandomContrast .* from 0 to 1"),
        (RandomContrast((0.1, None)), "'factor' parameter of RandomContrast"),
        (RandomContrast(0.1, (1, 0)), "'value_range' parameter of RandomContrast"),
        (RandomContrast(0.1, (0, np.inf)), "'value_range' .* two finite numbers"),
        (RandomErasing(1.1), "'factor' parameter of RandomErasing"),
        (RandomErasing(scale=0.1), "'scale' parameter of RandomErasing .* Got 0.1"),
        (RandomErasing(scale=(0.5, 0.1)), "'scale' .* the lower one first"),
        (RandomErasing(fill_value="mean"), "'fill_value' parameter"),
        (RandomErasing(value_range=None), "'value_range' parameter of RandomErasing"),
    ],
    ids=lambda value: str(value) if not isinstance(value, str) else "",
)
def test_bad_arguments(layer, match):
    network = Sequential([layer, Flatten(), Dense(1)])
    with pytest.raises(ValueError, match=match):
        lower(network, input_shape=(4, 3, 1), loss=SquaredError())


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: type(layer).__name__)
@pytest.mark.parametrize("shape", [(12,), (4, 3), (2, 2, 3, 1)], ids=str)
def test_samples_that_are_no_images(layer, shape):
    name = type(layer).__name__
    with pytest.raises(ValueError, match=f"{name} takes samples of shape .height, wid"):
        lower(
            Sequential([layer, Flatten(), Dense(1)]),
            input_shape=shape,
            loss=SquaredError(),
        )
