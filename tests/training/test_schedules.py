"""Schedules: factors for each step, between epochs, and over calls of partial_fit."""

import numpy as np
import pytest
from sklearn.base import clone

from fastnn import MLPClassifier, NeuralNetClassifier
from fastnn.schedules import (
    Constant,
    CosineDecay,
    CosineDecayRestarts,
    ExponentialDecay,
    InverseScaling,
    LambdaSchedule,
    LinearWarmup,
    OneCycle,
    ReduceOnPlateau,
    Schedule,
    StepDecay,
    as_schedule,
)

EVERY = [
    Constant(),
    InverseScaling(0.25),
    ReduceOnPlateau(10.0, minimum=1e-4),
    StepDecay(2, 0.5),
    StepDecay(0.3, 0.9),
    ExponentialDecay(0.8),
    CosineDecay(),
    CosineDecay(7, final=0.1),
    CosineDecayRestarts(3),
    CosineDecayRestarts(0.7, multiplier=2, final=0.2),
    LinearWarmup(),
    LinearWarmup(2.5, 0.0, then=CosineDecay()),
    OneCycle(),
    OneCycle(5, rising=0.6, divisor=4),
    LambdaSchedule(abs),
]
schedules = pytest.mark.parametrize("schedule", EVERY, ids=str)


def factors(schedule, n_steps, steps_per_epoch=1, n_epochs=10, first=0):
    step = np.arange(first, first + n_steps)
    return np.broadcast_to(schedule.factors(step, steps_per_epoch, n_epochs), n_steps)


@schedules
def test_a_description_is_its_parameters(schedule):
    assert vars(schedule) == schedule.get_params(deep=False)
    twin = clone(schedule)
    np.testing.assert_array_equal(factors(twin, 100, 10), factors(schedule, 100, 10))


@schedules
def test_factors_can_be_cut_anywhere(schedule):
    schedule.check()
    whole = factors(schedule, 130, 10)
    assert np.isfinite(whole).all()
    assert (whole >= 0).all()
    parts = [factors(schedule, 37, 10), factors(schedule, 93, 10, first=37)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


@pytest.mark.parametrize("schedule", EVERY[3:-1], ids=str)
def test_the_size_of_batches_hardly_matters(schedule):
    # At the start of an epoch the factor is the same, up to a step more or less.
    coarse, fine = factors(schedule, 101, 10), factors(schedule, 10001, 1000)
    drops = isinstance(schedule, StepDecay | CosineDecayRestarts)
    np.testing.assert_allclose(coarse[::10], fine[::1000], atol=1 if drops else 0.1)
    if not isinstance(schedule, OneCycle):
        np.testing.assert_allclose(coarse[::10], fine[::1000], atol=1e-9)


def test_drops_come_on_time():
    np.testing.assert_allclose(
        factors(StepDecay(0.3, 0.5), 10, steps_per_epoch=10, n_epochs=1),
        [1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125],
    )
    for length in (0.1, 0.3, 0.7, 3):
        steps = factors(StepDecay(length, 0.5), 500, steps_per_epoch=10)
        expected = 0.5 ** (np.arange(500) // round(10 * length))
        np.testing.assert_array_equal(steps, expected)


def test_restarts_come_on_time():
    ends = np.cumsum(5 * 2 ** np.arange(6))
    values = factors(CosineDecayRestarts(0.5, multiplier=2), ends[-1], 10)
    np.testing.assert_allclose(values[[0, *ends[:-1]]], 1.0)
    for start, end in zip([0, *ends[:-1]], ends, strict=True):
        share = np.arange(end - start) / (end - start)
        np.testing.assert_allclose(
            values[start:end], (1 + np.cos(np.pi * share)) / 2, atol=1e-9
        )


def test_warmup_hands_over():
    alone = factors(CosineDecay(), 61, 10, n_epochs=6)
    warm = factors(LinearWarmup(4, 0.2, then=CosineDecay()), 101, 10)
    np.testing.assert_allclose(warm[:41], np.linspace(0.2, 1, 41))
    np.testing.assert_allclose(warm[40:], alone)


def test_one_cycle_is_cut_short_safely():
    for n_epochs in (1, 2, 3):
        values = factors(OneCycle(), n_epochs, n_epochs=n_epochs)
        assert np.isfinite(values).all()
        assert (values <= 1).all()


def test_a_function_is_called_with_numbers_of_steps():
    seen = []

    def function(step):
        seen.append(step)
        return 1 / (1 + step)

    schedule = as_schedule(function)
    np.testing.assert_array_equal(factors(schedule, 3, first=4), [1 / 5, 1 / 6, 1 / 7])
    assert seen == [4, 5, 6]
    assert all(type(step) is int for step in seen)
    assert as_schedule(schedule) is schedule


@pytest.mark.parametrize("value", [np.nan, np.inf, -1])
def test_a_function_returns_factors(value):
    schedule = as_schedule(lambda step: value if step == 2 else 1)
    with pytest.raises(ValueError, match=f"at least 0, got {value:g} for step 2"):
        factors(schedule, 4)


def test_a_class_is_no_schedule():
    with pytest.raises(ValueError, match=r"got the class Constant. Write Constant\(\)"):
        as_schedule(Constant)


@pytest.mark.parametrize(
    ("schedule", "name"),
    [
        (StepDecay(0), "epochs"),
        (StepDecay(factor=0.0), "factor"),
        (ExponentialDecay(1.5), "factor"),
        (CosineDecay(final=2), "final"),
        (CosineDecay(-1), "epochs"),
        (CosineDecayRestarts(multiplier=1.5), "multiplier"),
        (LinearWarmup(start=-0.1), "start"),
        (LinearWarmup(then="cosine"), "then"),
        (LinearWarmup(then=CosineDecay(-1)), "epochs"),
        (OneCycle(rising=1.0), "rising"),
        (OneCycle(divisor=0.5), "divisor"),
        (LambdaSchedule(0.5), "function"),
        (InverseScaling(-1), "power"),
        (ReduceOnPlateau(1.0), "divisor"),
    ],
)
def test_parameters_are_checked(schedule, name):
    with pytest.raises(ValueError, match=name):
        schedule.check()


# ---------------------------------------------------------------------- between epochs


def test_by_itself_a_schedule_changes_nothing():
    schedule = Schedule()
    assert schedule.after_epoch(0.1, 0.02, 1000) == 0.02
    assert schedule.after_plateau(0.1) is None
    np.testing.assert_array_equal(factors(schedule, 3), 1)


def test_warmup_leaves_the_rest_to_what_follows():
    schedule = LinearWarmup(then=InverseScaling(0.5))
    assert schedule.after_epoch(0.1, 0.1, 99) == 0.01
    assert LinearWarmup(then=ReduceOnPlateau()).after_plateau(0.1) == 0.02
    assert LinearWarmup().after_plateau(0.1) is None


@pytest.mark.parametrize("schedule", [Constant(), ReduceOnPlateau()])
def test_epochs_alone_change_nothing(schedule):
    assert schedule.after_epoch(0.1, 0.02, 1000) == 0.02


@pytest.mark.parametrize("schedule", [Constant(), InverseScaling()])
def test_plateaus_end_training(schedule):
    assert schedule.after_plateau(0.1) is None


def test_inverse_scaling():
    assert InverseScaling(0.25).after_epoch(2.0, 1.0, 15) == 1.0
    assert InverseScaling(0.0).after_epoch(2.0, 1.0, 10**9) == 2.0


def test_reduce_on_plateau_divides_down_to_its_minimum():
    schedule = ReduceOnPlateau(divisor=10.0, minimum=0.01)
    assert schedule.after_plateau(0.1) == 0.01
    assert schedule.after_plateau(0.01) is None


# ---------------------------------------------------------------------- partial_fit

X = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)
y = np.arange(60) % 3


@pytest.mark.parametrize(
    ("schedule", "learning"),
    [
        (CosineDecay(), 3),
        (CosineDecay(2), 2),
        (LinearWarmup(2, start=0.0, then=CosineDecay()), 3),
        (OneCycle(), 3),
        (ExponentialDecay(1e-4), 2),
        (lambda step: step < 4, 2),
    ],
    ids=str,
)
@pytest.mark.parametrize("Estimator", [NeuralNetClassifier, MLPClassifier])
def test_the_end_of_a_schedule_is_told(schedule, learning, Estimator):
    if Estimator is MLPClassifier:
        model = MLPClassifier(max_iter=3, learning_rate=schedule, batch_size=20)
    else:
        model = NeuralNetClassifier(epochs=3, schedule=schedule, batch_size=20)
    for _ in range(learning):
        model.partial_fit(X, y, classes=[0, 1, 2])
    for _ in range(3):
        before = model.coefs_[0].copy()
        with pytest.warns(UserWarning, match=r"schedule .* learning rate .* to 0"):
            model.partial_fit(X, y)
        np.testing.assert_allclose(model.coefs_[0], before, atol=1e-6)


@pytest.mark.parametrize(
    "schedule",
    [
        CosineDecay(2),
        CosineDecay(final=0.01),
        CosineDecayRestarts(2),
        LinearWarmup(3, start=0.0),
        lambda step: step % 3 == 0,
    ],
    ids=str,
)
def test_a_schedule_that_does_not_end_or_a_fit_is_not_told_of(schedule):
    model = NeuralNetClassifier(epochs=3, schedule=schedule, batch_size=20)
    model.fit(X, y)
    model.set_params(epochs=5, warm_start=True).fit(X, y)
    if not isinstance(schedule, CosineDecay) or schedule.final:
        for _ in range(5):
            model.partial_fit(X, y)
