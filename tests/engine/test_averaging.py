"""Averages of the weights: rates of the steps, and what the engine makes of them."""

import numpy as np
import pytest
import reference
from cases import draw, plan_of
from sklearn.base import clone
from writers import by_hand, parameter

from fastnn.averaging import EMA, SWA, Averaging
from fastnn.engine.engine import Engine
from fastnn.optimizers import SGD, Adam, AdamW
from fastnn.plan import ops
from fastnn.plan.tables import AVERAGE_RATE

EVERY = [
    EMA(),
    EMA(0.9),
    EMA(0.5, warmup=False),
    EMA(0.0),
    SWA(),
    SWA(0.0),
    SWA(0.3, period=3),
    SWA(0.99),
]
averagings = pytest.mark.parametrize("averaging", EVERY, ids=str)


# ------------------------------------------------------------------------- rates


@averagings
def test_a_description_is_its_parameters(averaging):
    assert vars(averaging) == averaging.get_params()
    assert clone(averaging).get_params() == averaging.get_params()
    assert isinstance(averaging, Averaging)


@averagings
def test_rates_can_be_cut_anywhere(averaging):
    averaging.check()
    whole = averaging.rates(np.arange(130), 10, 13)
    assert whole.shape == (130,)
    assert whole.dtype == np.float64
    assert ((whole >= 0) & (whole <= 1)).all()
    parts = [averaging.rates(np.arange(*at), 10, 13) for at in ((0, 37), (37, 130))]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    assert whole[whole > 0][0] == 1  # an average starts once, as the weights are


@pytest.mark.parametrize("warmup", [True, False])
def test_ema_is_the_exponential_moving_average(warmup):
    values = np.random.default_rng(0).normal(size=300)
    averaging = EMA(0.9, warmup=warmup)
    average = np.nan
    expected = values[0]
    rates = averaging.rates(np.arange(300), 7, 50)
    for t, (rate, value) in enumerate(zip(rates, values, strict=True)):
        average = value if rate == 1 else average + rate * (value - average)
        if t:
            decay = min(0.9, (1 + t) / (10 + t)) if warmup else 0.9
            expected = decay * expected + (1 - decay) * value
        np.testing.assert_allclose(average, expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("averaging", "epochs"),
    [
        # Numbers of the epochs, from 1 to 12, at whose ends weights are averaged.
        (SWA(), [9, 10, 11, 12]),
        (SWA(0.0), range(1, 13)),
        (SWA(0.5, period=2), [6, 8, 10, 12]),
        (SWA(0.5, period=4), [6, 10]),
        (SWA(0.51), [7, 8, 9, 10, 11, 12]),
        (SWA(0.999), [12]),
        (SWA(0.25, period=100), [3]),
    ],
)
def test_swa_is_the_mean_over_ends_of_epochs(averaging, epochs):
    values = np.random.default_rng(1).normal(size=60)
    average = np.nan
    for rate, value in zip(averaging.rates(np.arange(60), 5, 12), values, strict=True):
        if rate:
            average = value if rate == 1 else average + rate * (value - average)
    ends = [5 * epoch - 1 for epoch in epochs]
    np.testing.assert_allclose(average, values[ends].mean(), rtol=1e-12)


def test_swa_may_never_start():
    rates = SWA(0.99, period=10**30).rates(np.arange(9), 1, 10**30)
    np.testing.assert_array_equal(rates, np.zeros(9))


@pytest.mark.parametrize("n_epochs", range(1, 60))
@pytest.mark.parametrize("start", [0.07, 0.1, 0.3, 0.35, 0.7, 0.75, 0.9])
def test_swa_starts_at_the_share_it_is_told(start, n_epochs):
    rates = SWA(start).rates(np.arange(n_epochs), 1, n_epochs)
    share = round(100 * start)
    first = next(k for k in range(1, n_epochs + 1) if 100 * k >= share * n_epochs)
    np.testing.assert_array_equal(rates.nonzero()[0] + 1, range(first, n_epochs + 1))


@pytest.mark.parametrize(
    ("averaging", "message"),
    [
        (EMA(1.0), "decay.*EMA must.*1.0"),
        (EMA(-0.1), "decay.*EMA must.*-0.1"),
        (EMA(np.nan), "decay.*EMA must.*nan"),
        (EMA("slow"), "decay.*EMA must.*'slow'"),
        (EMA(warmup="yes"), "warmup.*EMA must.*'yes'"),
        (SWA(1.0), "start.*SWA must.*1.0"),
        (SWA(-0.5), "start.*SWA must.*-0.5"),
        (SWA(period=0), "period.*SWA must.*0"),
        (SWA(period=1.5), "period.*SWA must.*1.5"),
    ],
)
def test_parameters_are_checked(averaging, message):
    with pytest.raises(ValueError, match=message):
        averaging.check()


# ------------------------------------------------------------------------ engine


def run(plan, data, averaging, optimizer, *, n_epochs=4, average=None, **options):
    """Weights, their average and losses after epochs in random orders."""
    flat = data.parameters.copy()
    average = np.full_like(flat, np.nan) if average is None else average
    state = np.zeros((optimizer.n_slots, flat.size), flat.dtype)
    engine = Engine(
        plan, flat, data.X, data.y, data.weight,
        batch_size=8, optimizer=optimizer, state=state, average=average, **options,
    )  # fmt: skip
    losses = []
    with engine:
        for epoch in range(n_epochs):
            engine.shuffle(np.random.RandomState(epoch))
            table = table_of(optimizer, averaging, epoch, engine.n_steps, n_epochs)
            losses.append(engine.epoch(table))
    return flat, average, losses


def table_of(optimizer, averaging, epoch, n_steps, n_epochs):
    first = epoch * n_steps
    table = optimizer.table(first + 1, n_steps, 0.05)
    steps = np.arange(first, first + n_steps)
    table[:, AVERAGE_RATE] = averaging.rates(steps, n_steps, n_epochs)
    return table


def expected_run(plan, data, averaging, optimizer, n_epochs=4):
    flat = data.parameters.copy()
    average, state = np.zeros_like(flat), np.zeros((optimizer.n_slots, flat.size))
    n_steps, order = -(-len(data.X) // 8), np.arange(len(data.X))
    losses = []
    for epoch in range(n_epochs):
        np.random.RandomState(epoch).shuffle(order)
        table = table_of(optimizer, averaging, epoch, n_steps, n_epochs)
        losses.append(
            reference.epoch(
                plan, flat, data.X, data.y, data.weight, order, 8,
                optimizer.rule, state, table, average,
            )
        )  # fmt: skip
    return flat, average, losses


def blocks_of(plan, flat):
    """What belongs to a parameter, without the gaps between them."""
    return np.concatenate([view.ravel() for view in plan.views(flat)])


@pytest.fixture
def small_steps_use_threads(monkeypatch):
    monkeypatch.setattr("fastnn.engine.engine.OPERATIONS_PER_THREAD", 1)


@pytest.mark.parametrize("n_threads", [1, 2, 3])
@pytest.mark.parametrize("name", ["deep", "frozen", "regularized", "norms_limited"])
@averagings
@pytest.mark.usefixtures("small_steps_use_threads")
def test_epochs_are_the_reference(name, averaging, n_threads):
    plan = plan_of(name)
    data = draw(plan, n=23)
    optimizer = AdamW(clip_norm=0.5)
    actual = run(plan, data, averaging, optimizer, n_threads=n_threads)
    expected = expected_run(plan, data, averaging, optimizer)
    for one, other in zip(actual[:2], expected[:2], strict=True):
        np.testing.assert_allclose(
            blocks_of(plan, one), blocks_of(plan, other), rtol=1e-8, atol=1e-11
        )
    np.testing.assert_allclose(actual[2], expected[2], rtol=1e-10)
    again = run(plan, data, averaging, optimizer, n_threads=n_threads)
    np.testing.assert_array_equal(again[1], actual[1])


@averagings
@pytest.mark.parametrize("name", ["deep", "norms_limited"])
def test_training_does_not_feel_the_average(name, averaging):
    plan = plan_of(name)
    data = draw(plan, n=23)
    flat, _, losses = run(plan, data, averaging, Adam())
    state = np.zeros((2, plan.n_parameters))
    engine = Engine(
        plan, data.parameters, data.X, data.y, data.weight,
        batch_size=8, optimizer=Adam(), state=state,
    )  # fmt: skip
    for epoch in range(4):
        engine.shuffle(np.random.RandomState(epoch))
        assert engine.epoch(Adam().table(1 + 3 * epoch, 3, 0.05)) == losses[epoch]
    np.testing.assert_array_equal(data.parameters, flat)


@pytest.mark.parametrize("name", ["classes", "norms_limited"])
def test_float32(name):
    plan = plan_of(name)
    data = draw(plan, n=40)
    averaging = EMA(0.9)
    _, average, _ = run(plan, data.astype(np.float32), averaging, Adam())
    assert average.dtype == np.float32
    expected = expected_run(plan, data, averaging, Adam())[1]
    np.testing.assert_allclose(
        blocks_of(plan, average), blocks_of(plan, expected), rtol=1e-3, atol=1e-4
    )


def test_blocks_longer_than_a_piece_and_blocks_that_are_frozen():
    def write(tape, x):
        for name, trainable in (("long", True), ("still", False)):
            parameter(tape, name, (2061,), regularizer="l2", trainable=trainable)
        return ops.add(tape, x, parameter(tape, "used", (5,)))

    plan = by_hand(write)
    data = draw(plan, n=23)
    actual = run(plan, data, EMA(0.8), SGD())
    expected = expected_run(plan, data, EMA(0.8), SGD())
    for one, other in zip(actual[:2], expected[:2], strict=True):
        np.testing.assert_allclose(
            blocks_of(plan, one), blocks_of(plan, other), rtol=1e-12
        )
    still = plan.views(actual[1])[1]
    np.testing.assert_allclose(still, plan.views(data.parameters)[1], rtol=1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["frozen", "norms_limited"])
def test_a_rate_of_one_copies_and_one_of_zero_leaves(name, dtype):
    plan = plan_of(name)
    data = draw(plan, n=8).astype(dtype)
    start = np.full(plan.n_parameters, np.nan, dtype)
    flat, average, _ = run(plan, data, EMA(0.0), SGD(), n_epochs=1, average=start)
    assert average is start
    np.testing.assert_array_equal(blocks_of(plan, average), blocks_of(plan, flat))
    start = np.full(plan.n_parameters, np.pi, dtype)
    _, average, _ = run(plan, data, SWA(0.5), SGD(), n_epochs=1, average=start.copy())
    assert not np.array_equal(average, start)
    never = _Never()
    _, average, _ = run(plan, data, never, SGD(), n_epochs=2, average=start.copy())
    np.testing.assert_array_equal(average, start)


class _Never(Averaging):
    def rates(self, step, steps_per_epoch, n_epochs):
        return np.zeros(step.shape)


@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.usefixtures("small_steps_use_threads")
def test_a_batch_without_weight_is_averaged_all_the_same(n_threads):
    # The last of an epoch is such a one: SWA must not miss it, nor its start.
    plan = plan_of("deep")
    data = draw(plan, n=16)
    data.weight[8:] = 0
    state, average = np.zeros((1, plan.n_parameters)), np.zeros(plan.n_parameters)
    engine = Engine(
        plan, data.parameters, data.X, data.y, data.weight, batch_size=8,
        optimizer=SGD(), state=state, average=average, n_threads=n_threads,
    )  # fmt: skip
    seen = []
    with engine:
        for epoch in range(3):
            engine.epoch(table_of(SGD(), SWA(0.0), epoch, 2, 3))
            seen.append(data.parameters.copy())
    assert not np.array_equal(seen[0], seen[2])
    np.testing.assert_allclose(average, np.mean(seen, axis=0), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", ["deep", "norms_limited"])
def test_a_single_update_averages(name):
    plan = plan_of(name)
    data = draw(plan, n=8)
    state, average = np.zeros((1, plan.n_parameters)), np.zeros(plan.n_parameters)
    engine = Engine(
        plan, data.parameters, data.X, data.y,
        batch_size=8, optimizer=SGD(), state=state, average=average,
    )  # fmt: skip
    scalars = SGD().table(1, 1, 0.1)[0]
    scalars[AVERAGE_RATE] = 0.25
    engine.gradient()
    engine.update(scalars)
    np.testing.assert_allclose(average, data.parameters / 4, rtol=1e-15)


@pytest.mark.parametrize("name", ["deep", "norms_limited"])
def test_nan_stays(name):
    plan = plan_of(name)
    data = draw(plan, n=8)
    data.X[3, 2] = np.nan
    flat, average, _ = run(plan, data, EMA(0.9), SGD(), n_epochs=1)
    bad = np.isnan(blocks_of(plan, average))
    assert bad.any()
    np.testing.assert_array_equal(bad, np.isnan(blocks_of(plan, flat)))


def test_a_table_that_averages_needs_an_average():
    plan = plan_of("deep")
    data = draw(plan, n=16)
    state = np.zeros((1, plan.n_parameters))
    engine = Engine(
        plan, data.parameters, data.X, data.y,
        batch_size=8, optimizer=SGD(), state=state,
    )  # fmt: skip
    table = table_of(SGD(), EMA(), 0, 2, 1)
    with pytest.raises(ValueError, match=r"average=.*AVERAGE_RATE"):
        engine.epoch(table)
    engine.gradient()
    with pytest.raises(ValueError, match=r"average=.*AVERAGE_RATE"):
        engine.update(table[0])
