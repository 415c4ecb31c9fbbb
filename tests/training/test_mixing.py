"""Samples mixed with one another: what the engine gathers, and whole fits."""

import pickle

import numpy as np
import pytest
from cases import draw, plan_of
from engines import gradient_of
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_digits, make_regression
from sklearn.model_selection import KFold, cross_val_score

from fastnn import (
    Heads,
    NeuralNet,
    NeuralNetClassifier,
    NeuralNetRegressor,
    Sequential,
    Targets,
)
from fastnn.engine.engine import Engine
from fastnn.layers import Dense
from fastnn.losses import (
    CrossEntropy,
    Focal,
    Hinge,
    LogLoss,
    SoftCrossEntropy,
    SquaredError,
)
from fastnn.mixing import CutMix, Mixup
from fastnn.network import lower
from fastnn.optimizers import Adam
from fastnn.plan.tables import MIXED_SHARE, N_SCALARS

X_digits, digits = load_digits(return_X_y=True)
X_digits = (X_digits / 16).astype(np.float32)
SHAPE = 4, 3, 2


def image_plan():
    layers = [Dense(3, "tanh"), Dense(2)]
    return lower(Sequential(layers), input_shape=(24,), loss=SquaredError())


def row_of(share, *window):
    scalars = np.zeros(N_SCALARS)
    scalars[MIXED_SHARE:] = share, *(window or (0, 0, 0, 0))
    return scalars


def mixed_gradient(plan, data, mixing, scalars, n_threads=1, rows=None):
    """Sums, and gradients, of samples that an engine mixes."""
    weight = data.weight
    with Engine(
        plan, data.parameters, data.X, data.y, weight, batch_size=len(data.X),
        n_threads=n_threads, mixing=mixing,
    ) as engine:  # fmt: skip
        return engine.gradient(rows, scalars), engine.gradients.copy()


def mixed_by_hand(data, share, window=None):
    """The same samples, mixed in NumPy."""
    first = data.X.reshape(-1, *SHAPE)
    other = np.roll(first, -1, axis=0)
    if window is None:
        X = (1 - share) * first + share * other
    else:
        X, (top, bottom, left, right) = first.copy(), window
        X[:, top:bottom, left:right] = other[:, top:bottom, left:right]
    mixed = [
        (1 - share) * each + share * np.roll(each, -1, axis=0)
        for each in (data.y, data.weight)
    ]
    return type(data)(data.parameters, X.reshape(len(X), -1), *mixed)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("window", [None, (1, 3, 0, 2), (0, 4, 2, 3), (2, 2, 0, 3)])
def test_rows_are_mixed_with_the_next(window, dtype):
    plan = image_plan()
    data = draw(plan, 7)
    share = 0.3
    mixing = Mixup() if window is None else CutMix(image_shape=SHAPE)
    expected, gradients = gradient_of(plan, mixed_by_hand(data, share, window))
    actual, mixed = mixed_gradient(
        plan, data.astype(dtype), mixing, row_of(share, *(window or ()))
    )
    tolerance = 1e-12 if dtype == np.float64 else 1e-5
    np.testing.assert_allclose(actual, expected, rtol=tolerance)
    atol = tolerance * abs(gradients).max()
    np.testing.assert_allclose(mixed, gradients, rtol=tolerance, atol=atol)


def test_the_next_is_that_of_the_mini_batch_in_any_order():
    plan = image_plan()
    data = draw(plan, 9)
    rows = np.array([5, 0, 8, 3])
    part = type(data)(data.parameters, data.X[rows], data.y[rows], data.weight[rows])
    expected = gradient_of(plan, mixed_by_hand(part, 0.6))
    actual = mixed_gradient(plan, data, Mixup(), row_of(0.6), rows=rows)
    np.testing.assert_allclose(actual[0], expected[0], rtol=1e-12)
    np.testing.assert_allclose(actual[1], expected[1], rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("n_threads", [1, 3])
def test_shares_and_chunks_mix_across_their_ends(n_threads, monkeypatch):
    plan = image_plan()
    data = draw(plan, 37)
    expected, gradients = mixed_gradient(plan, data, Mixup(), row_of(0.4))
    monkeypatch.setattr("fastnn.engine.engine.OPERATIONS_PER_THREAD", 1)
    monkeypatch.setattr("fastnn.engine.engine.CHUNK_BYTES", 1)
    actual, mixed = mixed_gradient(plan, data, Mixup(), row_of(0.4), n_threads)
    np.testing.assert_allclose(actual, expected, rtol=1e-12)
    np.testing.assert_allclose(mixed, gradients, rtol=1e-11, atol=1e-13)
    again = mixed_gradient(plan, data, Mixup(), row_of(0.4), n_threads)
    np.testing.assert_array_equal(again[1], mixed)


def test_no_share_and_one_sample_leave_all_as_it_is():
    plan = image_plan()
    data = draw(plan, 7)
    expected = gradient_of(plan, data)
    actual = mixed_gradient(plan, data, CutMix(image_shape=SHAPE), row_of(0))
    np.testing.assert_array_equal(actual[1], expected[1])
    one = type(data)(data.parameters, data.X[:1], data.y[:1], data.weight[:1])
    actual = mixed_gradient(plan, one, Mixup(), row_of(0.5))
    np.testing.assert_allclose(actual[1], gradient_of(plan, one)[1], rtol=1e-14)


@pytest.mark.parametrize("window", [(-5, 9, -2, 50), (3, 1, 2, 1), (9, 9, 9, 9)])
def test_windows_beyond_the_image_stay_within_it(window):
    plan = image_plan()
    data = draw(plan, 5)
    inside = np.clip(window, 0, [4, 4, 3, 3])
    expected = gradient_of(plan, mixed_by_hand(data, 0.2, inside))
    mixing = CutMix(image_shape=SHAPE)
    actual = mixed_gradient(plan, data, mixing, row_of(0.2, *window))
    np.testing.assert_allclose(actual[1], expected[1], rtol=1e-11, atol=1e-13)


def test_weights_of_losses_are_mixed_too():
    plan = plan_of("two_losses")
    data = draw(plan, 6)
    weight = np.random.default_rng(0).uniform(0.5, 2, (6, 1 + len(plan.losses)))
    other = [np.roll(each, -1, axis=0) for each in (data.X, data.y, weight)]
    mixed = [
        0.7 * own + 0.3 * each
        for own, each in zip((data.X, data.y, weight), other, strict=True)
    ]
    sums = []
    for samples, mixing in (((data.X, data.y, weight), Mixup()), (mixed, None)):
        with Engine(
            plan, data.parameters, *samples, batch_size=6, mixing=mixing
        ) as engine:
            sums.append((engine.gradient(None, row_of(0.3)), engine.reports))
    np.testing.assert_allclose(sums[0][0], sums[1][0], rtol=1e-12)
    np.testing.assert_allclose(sums[0][1], sums[1][1], rtol=1e-12)


# ----------------------------------------------------------------------- what is drawn


def columns(mixing, n=20_000, image=None):
    return mixing.columns(np.random.default_rng(0), n, image)


@pytest.mark.parametrize("alpha", [0.2, 1.0, 5.0])
def test_shares_have_a_beta_distribution(alpha):
    found = columns(Mixup(alpha))
    assert not found[:, 1:].any()
    share = found[:, 0]
    variance = 1 / (4 * (2 * alpha + 1))
    assert abs(share.mean() - 0.5) < 5 * np.sqrt(variance / len(share))
    assert abs(share.var() - variance) < 0.05 * variance


def test_windows_have_the_share_that_is_left_of_them():
    found = columns(CutMix(), image=(20, 30, 3))
    share, top, bottom, left, right = found.T
    assert (found >= 0).all()
    assert (bottom <= 20).all()
    assert (right <= 30).all()
    np.testing.assert_allclose(share, (bottom - top) * (right - left) / 600)
    np.testing.assert_array_equal(found[:, 1:], found[:, 1:].astype(int))
    # Each edge of the image cuts off about as much as the one across.
    assert abs(np.mean(top == 0) - np.mean(bottom == 20)) < 0.02
    assert abs(np.mean(left == 0) - np.mean(right == 30)) < 0.02
    assert share.max() > 0.85
    assert share.min() == pytest.approx(1 / 600)  # a pixel


# ------------------------------------------------------------------------------- fits


def fit(mixing, X=X_digits, y=digits, **options):
    model = NeuralNetClassifier(
        Sequential([Dense(32, "relu")]), mixing=mixing, random_state=0,
        **{"epochs": 5, **options},
    )  # fmt: skip
    return model.fit(X, y)


MIXINGS = [Mixup(), CutMix(image_shape=(8, 8, 1))]


@pytest.mark.parametrize("mixing", MIXINGS, ids=str)
def test_a_fit_learns_from_mixed_samples(mixing):
    plain, mixed = fit(None, epochs=20), fit(mixing, epochs=20)
    assert mixed.score(X_digits, digits) > 0.93
    assert mixed.loss_curve_[-1] > 2 * plain.loss_curve_[-1]
    again = fit(clone(mixing), epochs=20)
    assert again.loss_curve_ == mixed.loss_curve_
    probability = mixed.predict_proba(X_digits)
    assert probability.shape == (len(digits), 10)
    np.testing.assert_allclose(probability.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(mixed.classes_, np.arange(10))


def mixed_epoch(model, mixing, X, y):
    """What a model has seen in an epoch of three mini-batches, of which the last is of
    four samples."""
    # The seed of the epoch is what is drawn next, after the weights.
    state = np.random.RandomState(0)
    model._fitted.plan.initialize(state, np.float64)
    seed = state.randint(2**53, dtype="i8")
    rng = np.random.Generator(np.random.Philox(key=np.array([seed, 0], np.uint64)))
    shares = mixing.columns(rng, 3, None)[:, 0]
    batches = []
    for start, share in zip((0, 8, 16), shares, strict=True):
        own = [each[start : start + 8] for each in (X, y)]
        batches.append([(1 - share) * e + share * np.roll(e, -1, axis=0) for e in own])
    return [np.concatenate(each) for each in zip(*batches, strict=True)]


def test_steps_are_those_of_samples_that_are_mixed_by_hand():
    model = NeuralNetRegressor(
        Sequential([Dense(5, "tanh")]), mixing=Mixup(0.8), batch_size=8, shuffle=False,
        epochs=1, dtype="float64", random_state=0, optimizer=Adam(0.01),
    )  # fmt: skip
    X, y = make_regression(20, 3, n_targets=2, random_state=0)
    mixed = clone(model).fit(X, y)
    X, y = mixed_epoch(mixed, Mixup(0.8), X, y)
    by_hand = clone(model).set_params(mixing=None).fit(X, y)
    for one, other in zip(mixed.coefs_, by_hand.coefs_, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10)


@pytest.mark.parametrize("loss", ["auto", CrossEntropy(0.1)], ids=str)
def test_unmixed_probabilities_are_the_same_loss(loss):
    # A share of nothing: what reads probabilities is the loss of class numbers.
    class Nothing(Mixup):
        def columns(self, rng, n_steps, image):
            return np.zeros((n_steps, 5))

    options = {"loss": loss, "dtype": "float64", "validation": 0.2, "shuffle": False}
    mixed, plain = fit(Nothing(), **options), fit(None, **options)
    for name in ("loss", "validation_loss", "validation_score"):
        np.testing.assert_allclose(
            mixed.history_[name], plain.history_[name], rtol=1e-8
        )


def test_two_classes_labels_and_numbers():
    binary = fit(Mixup(), X_digits, digits % 2, epochs=10)
    assert binary.score(X_digits, digits % 2) > 0.9
    assert isinstance(binary._targets.loss, LogLoss)
    assert binary.predict_proba(X_digits).shape == (len(digits), 2)
    labels = np.column_stack([digits % 2, digits > 4])
    assert fit(Mixup(), X_digits, labels, epochs=10).score(X_digits, labels) > 0.8
    numbers = NeuralNetRegressor(mixing=Mixup(), random_state=0).fit(X_digits, digits)
    assert numbers.score(X_digits, digits) > 0.7


def test_weights_of_classes_go_with_it():
    weight = {label: 3.0 if label == 8 else 1.0 for label in range(10)}
    model = fit(Mixup(), class_weight=weight)
    by_sample = clone(model).set_params(class_weight=None)
    by_sample.fit(X_digits, digits, sample_weight=np.where(digits == 8, 3.0, 1.0))
    assert model.loss_curve_ == by_sample.loss_curve_
    assert model.loss_curve_ != fit(Mixup()).loss_curve_


def test_only_what_is_trained_on_is_mixed():
    model = NeuralNetClassifier(
        Sequential([Dense(16, "relu")]), mixing=Mixup(1.0), epochs=8, random_state=0
    )
    folds = [*KFold(3).split(X_digits)]
    scores = cross_val_score(model, X_digits, digits, cv=folds)
    for score, (train, test) in zip(scores, folds, strict=True):
        model.fit(X_digits[train], digits[train])
        assert score == np.mean(model.predict(X_digits[test]) == digits[test])
    fitted = fit(Mixup(1.0), validation=0.2, epochs=8)
    # The loss of unmixed samples is far below that of mixed ones.
    assert fitted.history_["validation_loss"][-1] < 0.7 * fitted.loss_curve_[-1]
    np.testing.assert_array_equal(
        fitted.predict_proba(X_digits), fitted.predict_proba(X_digits)
    )


def test_training_goes_on_with_and_without():
    model = NeuralNetClassifier(Sequential([Dense(16, "relu")]), random_state=0)
    for mixing in (None, Mixup(), None):
        model.set_params(mixing=mixing)
        model.partial_fit(X_digits, digits, classes=np.arange(10))
    assert isinstance(model._targets.loss, SoftCrossEntropy)
    assert len(model.loss_curve_) == 3
    loaded = pickle.loads(pickle.dumps(model.set_params(mixing=Mixup())))
    for each in (model, loaded):
        each.partial_fit(X_digits, digits)
    assert model.loss_curve_ == loaded.loss_curve_
    np.testing.assert_array_equal(model.predict(X_digits), loaded.predict(X_digits))


def test_threads_share_a_mixed_step():
    options = {"batch_size": 512, "epochs": 2}
    one, two = (fit(Mixup(), n_jobs=n, **options) for n in (1, 2))
    np.testing.assert_allclose(one.loss_curve_, two.loss_curve_, rtol=1e-4)


# ------------------------------------------------------------------------ several heads

KINDS = np.array(list("abcdefghij"))[digits]


def two_heads():
    heads = Heads([("kind", Dense(16, "relu")), ("width", Dense(16, "relu"))])
    return Sequential([Dense(32, "relu"), heads])


@pytest.mark.parametrize("mixing", MIXINGS, ids=str)
def test_heads_learn_from_mixed_samples(mixing):
    y = Targets(kind=KINDS, width=digits / 5.0)
    model = NeuralNet(two_heads(), mixing=mixing, epochs=20, random_state=0)
    model.fit(X_digits, y)
    found = model.predict(X_digits)
    assert np.mean(found["kind"] == KINDS) > 0.93
    assert np.corrcoef(found["width"], digits)[0, 1] > 0.8
    probability = model.predict_proba(X_digits)["kind"]
    np.testing.assert_allclose(probability.sum(axis=1), 1, rtol=1e-5)
    loaded = pickle.loads(pickle.dumps(model))
    for each in (model, loaded):
        each.partial_fit(X_digits, y)
    assert model.history_["loss"] == loaded.history_["loss"]


def test_steps_of_heads_are_those_of_samples_that_are_mixed_by_hand():
    network = Sequential(
        [Dense(5, "tanh"), Heads([("a", Dense(3, "relu")), ("b", Dense(2, "relu"))])]
    )
    model = NeuralNetRegressor(
        network, mixing=Mixup(0.8), batch_size=8, shuffle=False, epochs=1,
        dtype="float64", random_state=0, optimizer=Adam(0.01), loss_weight={"b": 0.3},
    )  # fmt: skip
    X, y = make_regression(20, 3, n_targets=2, random_state=0)
    mixed = clone(model).fit(X, Targets(a=y[:, 0], b=y[:, 1]))
    X, y = mixed_epoch(mixed, Mixup(0.8), X, y)
    by_hand = clone(model).set_params(mixing=None).fit(X, Targets(a=y[:, 0], b=y[:, 1]))
    assert len(mixed.coefs_) == 5
    for one, other in zip(mixed.coefs_, by_hand.coefs_, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10)


def test_only_targets_that_are_trained_on_must_be_there():
    y = Targets(kind=KINDS, width=digits / 5.0)
    lacking = Targets(kind=KINDS[:200], width=np.r_[np.full(100, np.nan), np.ones(100)])
    model = NeuralNet(two_heads(), mixing=Mixup(), epochs=2, random_state=0)
    model.fit(X_digits, y, X_val=X_digits[:200], y_val=lacking)
    assert np.isfinite(model.history_["validation_loss"]).all()


# ------------------------------------------------------------------------------ refused


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"mixing": "mixup"}, "'mixing' parameter of NeuralNetClassifier"),
        ({"mixing": Mixup(0)}, "'alpha' parameter of Mixup"),
        ({"mixing": CutMix(np.inf)}, "'alpha' parameter of CutMix"),
        (
            {"mixing": CutMix()},
            r"\(height, width, channels\) .*samples of shape \(64,\)",
        ),
        ({"mixing": CutMix(image_shape=(8, 9, 1))}, r"has their 64 numbers"),
        ({"mixing": CutMix(image_shape=(8, -8, -1))}, r"has their 64 numbers"),
        ({"mixing": CutMix(image_shape=64)}, "'image_shape' parameter of CutMix"),
        ({"mixing": Mixup(), "loss": Focal()}, "loss=Focal.* needs whole classes"),
        ({"mixing": Mixup(), "loss": "hinge"}, "loss=MultiMargin.* needs whole"),
    ],
    ids=str,
)
def test_refused_options(options, match):
    with pytest.raises(ValueError, match=match):
        fit(**options)


def test_refused_losses_of_numbers():
    model = NeuralNetRegressor(loss=Hinge(), mixing=Mixup())
    with pytest.raises(ValueError, match=r"Hinge.* needs targets of 0 and 1"):
        model.fit(X_digits, digits % 2)


@pytest.mark.parametrize("mixing", MIXINGS, ids=str)
def test_refused_samples(mixing):
    with pytest.raises(ValueError, match=r"needs one dense X .* cannot mix sparse X"):
        fit(mixing, sparse.csr_array(X_digits))
    with pytest.raises(ValueError, match="several columns of classes"):
        fit(mixing, y=np.column_stack([digits, digits]))
    model = NeuralNet(two_heads(), loss={"width": "huber"}, mixing=mixing)
    for kind, width, match in (
        (KINDS, np.where(digits > 7, np.nan, digits), "head 'width': .* are missing"),
        (np.where(digits > 7, None, KINDS), digits, "head 'kind': .* are missing"),
        (np.column_stack([KINDS, KINDS]), digits, "head 'kind': .* several columns"),
    ):
        with pytest.raises(ValueError, match=match):
            model.fit(X_digits, Targets(kind=kind, width=width))
    model.set_params(loss={"kind": Focal(), "width": "huber"})
    with pytest.raises(ValueError, match=r"head 'kind': .*Focal.* needs whole classes"):
        model.fit(X_digits, Targets(kind=KINDS, width=digits))


def test_refused_on_a_device():
    plan = image_plan()
    data = draw(plan, 5)
    with pytest.raises(ValueError, match=r"mixing=Mixup.* on a GPU: .* device='cpu'"):
        Engine(
            plan, data.parameters, data.X, data.y, batch_size=5, mixing=Mixup(),
            device=object(),  # it is not looked at
        )  # fmt: skip


def test_class_numbers_are_not_mixed():
    plan = plan_of("classes")
    data = draw(plan, 5)
    with pytest.raises(ValueError, match="cannot mix class numbers"):
        Engine(plan, data.parameters, data.X, data.y, batch_size=5, mixing=Mixup())


@pytest.mark.parametrize(
    ("name", "inputs"),
    [("embedding", "X"), ("embedding_used_twice", "'first', 'second'")],
)
def test_tokens_and_several_inputs_are_not_mixed(name, inputs):
    plan = plan_of(name)
    data = draw(plan, 5)
    with pytest.raises(ValueError, match=f"needs one dense X of numbers.*{inputs}"):
        Engine(plan, data.parameters, data.X, data.y, batch_size=5, mixing=Mixup())
