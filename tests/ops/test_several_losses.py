"""Plans with several targets, outputs and losses, whose samples may lack a target."""

from dataclasses import replace

import numpy as np
import pytest
import reference
from cases import draw, evaluate, judge, plan_of, predict
from emulation import device_under_test
from engines import engine_of, gradient_of, table_of
from ops.heads import heads_of
from pairs import in_pairs, in_turn
from scipy import sparse
from test_gradients import central_differences
from writers import ALL_LOSSES, dense

from fastnn.engine import predictor
from fastnn.engine.cuda import streaming
from fastnn.engine.engine import Engine
from fastnn.optimizers import Adam
from fastnn.plan import ops
from fastnn.plan.records import Target
from fastnn.plan.tape import Tape

PLANS = (
    "heads", "heads_of_every_link", "heads_rank_2", "heads_with_custom", "one_target",
    "losses_of_two_names",
)  # fmt: skip
every_plan = pytest.mark.parametrize("name", PLANS)


@pytest.fixture(autouse=True)
def small_steps_use_threads(monkeypatch):
    monkeypatch.setattr("fastnn.engine.engine.OPERATIONS_PER_THREAD", 1)


def draw_missing(plan, n=23, missing=np.nan):
    """Samples with a weight for each loss, of which a third are 0, in runs and alone.

    What no loss has a weight for is missing.
    """
    data, rng = draw(plan, n), np.random.default_rng(1)
    own = rng.uniform(0.5, 2, (n, len(plan.losses)))
    own[rng.uniform(size=own.shape) < 1 / 3] = 0
    own[4:9, 0] = own[-3:, -1] = own[0] = 0
    for target in plan.targets:
        lacks = (own[:, plan.losses_of(target)] == 0).all(axis=1)
        assert lacks.any()
        data.y[lacks, target.first : target.first + target.size] = missing
    return replace(data, weight=np.column_stack([data.weight, own]))


def device_or_none(place):
    return device_under_test() if place == "device" else None


every_place = pytest.mark.parametrize("place", ["cpu", "device"])


# ------------------------------------------------------------------------- gradients


@in_pairs(name=PLANS, place=["cpu", "threads", "device"], chunked=[False, True])
def test_gradients_and_reports_are_the_reference(name, place, chunked, monkeypatch):
    if chunked:
        for bound in ("CHUNK_BYTES", "DEVICE_CHUNK_BYTES"):
            monkeypatch.setattr(f"fastnn.engine.engine.{bound}", 1)
    plan = plan_of(name)
    data = draw_missing(plan, 37)
    expected = reference.walk(plan, data.parameters, data.X, data.y, data.weight)
    n_threads = 3 if place == "threads" else 1
    with engine_of(plan, data, device_or_none(place), n_threads=n_threads) as engine:
        sums = engine.gradient()
        again = engine.gradient()
    weight = data.weight[:, 0].sum()
    np.testing.assert_allclose(sums, (expected.loss, expected.reported, weight), 1e-12)
    np.testing.assert_allclose(
        engine.gradients, expected.gradients, rtol=1e-10, atol=1e-12
    )
    np.testing.assert_allclose(engine.reports, expected.reports, rtol=1e-12)
    factors = [loss.weight for loss in plan.losses]
    assert sums[1] == pytest.approx(engine.reports[:, 0] @ factors, rel=1e-12)
    assert again == sums


@every_plan
def test_gradient_is_the_central_difference(name):
    plan = plan_of(name)
    data = draw_missing(plan)
    _, gradients = gradient_of(plan, data)
    numerical = central_differences(plan, data)
    atol = 1e-7 * abs(gradients).max()
    np.testing.assert_allclose(gradients, numerical, rtol=1e-6, atol=atol)


@every_plan
def test_float32_is_float64_rounded(name):
    plan = plan_of(name)
    data = draw_missing(plan)
    sums, gradients = gradient_of(plan, data)
    own, gradients32 = gradient_of(plan, data.astype(np.float32))
    np.testing.assert_allclose(own, sums, rtol=5e-6)
    atol = 1e-6 * abs(gradients).max()
    np.testing.assert_allclose(gradients32, gradients, rtol=1e-5, atol=atol)


@every_place
@every_plan
def test_what_is_missing_does_not_change_a_bit(name, place):
    plan = plan_of(name)
    results = [
        gradient_of(plan, draw_missing(plan, missing=missing), device_or_none(place))
        for missing in (np.nan, np.inf, -1e30, 1e30)
    ]
    for sums, gradients in results[1:]:
        assert sums == results[0][0]
        np.testing.assert_array_equal(gradients, results[0][1])
    assert np.isfinite(results[0][0]).all()


@every_place
@every_plan
def test_columns_that_are_all_the_same_are_one_column(name, place):
    plan = plan_of(name)
    data = draw(plan, 20)
    columns = np.repeat(data.weight[:, np.newaxis], 1 + len(plan.losses), axis=1)
    device = device_or_none(place)
    expected, gradients = gradient_of(plan, data, device)
    sums, own = gradient_of(plan, replace(data, weight=columns), device)
    assert sums == expected
    np.testing.assert_array_equal(own, gradients)


def test_losses_without_weights_of_their_own_have_those_of_the_samples():
    plan = plan_of("heads")
    data = draw(plan, 20)
    for weight, total in ((data.weight, data.weight.sum()), (None, 20)):
        with engine_of(plan, replace(data, weight=weight)) as engine:
            engine.gradient()
        np.testing.assert_allclose(engine.reports[:, 1], total)


def test_the_weight_of_a_loss_is_no_part_of_its_report():
    plans = [
        heads_of(
            ("kind", ALL_LOSSES["cross_entropy"], 3, 1.0),
            ("sizes", ALL_LOSSES["squared_error"], 2, weight),
        )
        for weight in (1.0, 3.0)
    ]
    data, reports, losses = draw(plans[0], 20), [], []
    for plan in plans:
        with engine_of(plan, data) as engine:
            losses.append(engine.gradient()[0])
        reports.append(engine.reports)
    np.testing.assert_allclose(reports[0], reports[1], rtol=1e-14)
    assert reports[0][1, 0] > 0
    # The squared error is reported as a mean over its two outputs.
    assert losses[1] - losses[0] == pytest.approx(2 * 2 * reports[0][1, 0])


# ----------------------------------------------------------------- predict and judge


@in_turn(name=PLANS, place=["cpu", "device"])
def test_evaluations_are_the_reference(name, place, monkeypatch):
    monkeypatch.setattr("fastnn.engine.cuda.forward.BYTES_AT_ONCE", 4096)
    plan = plan_of(name)
    data = draw_missing(plan, 600)  # more than go through the network at once
    arguments = data.parameters, data.X, data.y, data.weight
    expected = reference.walk(plan, *arguments, phase="evaluate")
    judging = predictor.Predictor(plan, device_or_none(place))
    reports, again = np.empty((2, len(plan.losses), 2))
    sums = judging.evaluate(*arguments, reports=reports)
    weight = data.weight[:, 0].sum()
    np.testing.assert_allclose(sums, (expected.loss, expected.reported, weight), 1e-10)
    np.testing.assert_allclose(reports, expected.reports, rtol=1e-10)
    outputs, judged = judging.judge(*arguments, reports=again)
    assert judged == sums
    np.testing.assert_array_equal(again, reports)
    own = reference.predict(plan, data.parameters, data.X)
    np.testing.assert_allclose(outputs, own, rtol=1e-11, atol=1e-14)


def test_links_are_computed_in_the_type_of_the_predictions():
    plan = plan_of("heads_of_every_link")
    data = draw(plan, 20)
    outputs = predict(plan, data.parameters.astype(np.float32), data.X)
    assert outputs.dtype == np.float64
    first = {output.name: output.first for output in plan.outputs}
    for begin, n in (
        (first["shares"], 4), (first["columns"], 2), (first["columns"] + 2, 3),
    ):  # fmt: skip
        sums = outputs[:, begin : begin + n].sum(axis=1)
        np.testing.assert_allclose(sums, 1, rtol=1e-14)


def test_outputs_are_those_of_a_plan_of_their_own():
    plan = plan_of("heads_of_every_link")
    data = draw(plan, 20)
    outputs = predict(plan, data.parameters, data.X)
    weights = dict(zip(plan.parameters, plan.views(data.parameters), strict=True))
    by_name = {parameter.name: view for parameter, view in weights.items()}
    tape = Tape()
    h = dense(tape, tape.input((5,)), "hidden", 6, "tanh")
    alone = tape.finish(
        ALL_LOSSES["kl_divergence"].lower(tape, dense(tape, h, "shares", 4))
    )
    flat = np.zeros(alone.n_parameters)
    for parameter, view in zip(alone.parameters, alone.views(flat), strict=True):
        view[...] = by_name[parameter.name]
    (own,) = (output for output in plan.outputs if output.name == "shares")
    np.testing.assert_array_equal(
        outputs[:, own.first : own.first + own.size], predict(alone, flat, data.X)
    )


def test_outputs_that_leave_float32_are_judged_in_float64():
    plan = plan_of("heads")
    data = draw_missing(plan)
    data.parameters[...] *= 2.5e38
    single = data.astype(np.float32)
    wide = single.astype(np.float64)
    assert predict(plan, wide.parameters, wide.X).max() > np.finfo(np.float32).max
    reports = np.empty((2, 2))
    arguments = wide.X, single.y, single.weight
    outputs, sums = predictor.Predictor(plan).judge(
        single.parameters, *arguments, reports=reports
    )
    assert np.isfinite(outputs).all()
    assert np.isfinite(sums).all()
    assert np.isfinite(reports).all()


# ------------------------------------------------------------------------------ steps


def trained(plan, data, device=None, n_threads=1, batch_size=9):
    """Losses of four epochs, reports of the last, weights, and the table of steps."""
    optimizer, flat = Adam(0.01), data.parameters.copy()
    state = np.zeros((2, flat.size), flat.dtype)
    engine = Engine(
        plan, flat, data.X, data.y, data.weight, batch_size=batch_size,
        optimizer=optimizer, state=state, device=device, n_threads=n_threads,
    )  # fmt: skip
    table = table_of(optimizer, 4 * engine.n_steps)
    with engine:
        losses = [engine.epoch(part) for part in np.split(table, 4)]
    return np.array(losses), engine.epoch_reports, flat, table


@in_turn(name=PLANS, place=["cpu", "threads", "device"])
def test_steps_are_the_reference(name, place):
    plan = plan_of(name)
    data = draw_missing(plan, 25)
    n_threads = 2 if place == "threads" else 1
    losses, reports, flat, table = trained(plan, data, device_or_none(place), n_threads)
    expected, state = data.parameters.copy(), np.zeros((2, plan.n_parameters))
    order, expected_losses = np.arange(25), []
    for part in np.split(table, 4):
        total = 0.0
        for step in range(3):
            rows = order[9 * step : 9 * (step + 1)]
            arguments = data.X[rows], data.y[rows], data.weight[rows]
            total += reference.walk(plan, expected, *arguments).reports
            expected_losses.append(
                len(rows) * reference.epoch(
                    plan, expected, *arguments, np.arange(len(rows)), len(rows), "adam",
                    state, part[step : step + 1],
                )
            )  # fmt: skip
    expected_losses = np.reshape(expected_losses, (4, 3)).sum(axis=1) / 25
    np.testing.assert_allclose(losses, expected_losses, rtol=1e-9)
    np.testing.assert_allclose(flat, expected, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(reports, total, rtol=1e-8)


@pytest.mark.parametrize("is_sparse", [False, True])
def test_samples_that_do_not_fit_into_a_device_have_weights_too(is_sparse, monkeypatch):
    plan = plan_of("heads")
    data = draw_missing(plan, 103)
    if is_sparse:
        data.X[abs(data.X) < 0.7] = 0
        data = replace(data, X=sparse.csr_array(data.X))
    expected = trained(plan, data)
    resident = trained(plan, data, device_under_test())
    monkeypatch.setattr(streaming, "SHARE_LEFT", 1)
    streamed = trained(plan, data, device_under_test())
    for own, other in zip(resident, expected, strict=True):
        np.testing.assert_allclose(own, other, rtol=1e-8, atol=1e-12)
    for own, other in zip(streamed, resident, strict=True):
        np.testing.assert_array_equal(own, other)


def test_steps_without_weight_are_not_reported():
    plan = plan_of("heads")
    data = draw_missing(plan, 18)
    data.weight[:9] = 0
    _, reports, _, _ = trained(plan, data)
    np.testing.assert_allclose(reports[:, 1], data.weight[9:, 1:].sum(axis=0))


# ---------------------------------------------------------------------------- the door


def sums_of(plan, data):
    return [
        gradient_of(plan, data)[0],
        evaluate(plan, data.parameters, data.X, data.y, data.weight),
        judge(plan, data.parameters, data.X, data.y, data.weight)[1],
    ]


@pytest.mark.parametrize("n_columns", [1, 2, 4])
def test_there_are_as_many_columns_of_weights_as_losses_and_one(n_columns):
    plan = plan_of("heads")
    data = draw(plan)
    data = replace(data, weight=np.ones((7, n_columns)))
    with pytest.raises(ValueError, match=r"sample_weight must .* shape \(7, 3\)"):
        sums_of(plan, data)


@pytest.mark.parametrize("bad", [-1.0, np.nan, np.inf])
def test_weights_of_losses_are_numbers_of_at_least_0(bad):
    plan = plan_of("heads")
    data = draw_missing(plan)
    data.weight[3, 2] = bad
    with pytest.raises(ValueError, match="sample_weight must be finite and at least 0"):
        sums_of(plan, data)


@pytest.mark.parametrize("name", ["heads", "heads_rank_2"])
@pytest.mark.parametrize("bad", [-1.0, 3.0, np.nan])
def test_class_numbers_are_checked_where_they_are_read(name, bad):
    plan = plan_of(name)
    target = plan.targets[0]
    for column in range(target.first, target.first + target.size):
        data = draw_missing(plan)
        row = np.flatnonzero(data.weight[:, 1])[0]
        data.y[row, column] = bad
        message = f"column {column} of y must be from 0 to 2"
        with pytest.raises(ValueError, match=message):
            sums_of(plan, data)
        data.weight[row, 1] = 0
        assert np.isfinite(sums_of(plan, data)).all()


# ----------------------------------------------------------------------------- the tape


def test_ranges_have_names():
    plan = plan_of("heads")
    kind, sizes = plan.targets
    assert kind == Target("kind", 0, (1,), (3,))
    assert sizes == Target("sizes", 1, (2,), ())
    assert [(o.name, o.first, o.size) for o in plan.outputs] == [
        ("kind", 0, 3), ("sizes", 3, 2),
    ]  # fmt: skip
    assert [(loss.name, loss.weight) for loss in plan.losses] == [
        ("kind", 1.0), ("sizes", 0.3),
    ]  # fmt: skip
    assert (plan.target_columns, plan.n_outputs, plan.output_shape) == (3, 5, (5,))
    assert [plan.losses_of(target) for target in plan.targets] == [[0], [1]]
    assert plan_of("one_target").losses_of(plan_of("one_target").targets[0]) == [0, 1]


def test_one_output_of_a_dict_is_as_any_other():
    plan = heads_of(("kind", ALL_LOSSES["cross_entropy"], 3, 1.0))
    other = plan_of("classes")
    assert plan.outputs[0].name == "kind"
    kinds = set(plan.ops["kind"]) - set(other.ops["kind"])
    assert not kinds


@pytest.mark.parametrize("weight", [0.0, -1.0, np.nan, np.inf])
def test_losses_weigh_something(weight):
    message = f"the loss 'a' must be a finite number above 0, got {weight}"
    with pytest.raises(ValueError, match=message), Tape().named("a", weight):
        pass


def test_names_are_used_once():
    tape = Tape()
    target = tape.target((1,))
    with pytest.raises(ValueError, match="there is a target 'y' already"):
        tape.target((1,))
    z = dense(tape, tape.input((2,)), "z", 1)
    ops.loss(tape, "squared_error", z, target)
    message = "the loss 'y' has the weight 1.0 once and 2.0 the other time"
    with pytest.raises(ValueError, match=message), tape.named("y", 2.0):
        ops.loss(tape, "squared_error", z, target)
    with pytest.raises(ValueError, match="a plan needs an output"):
        tape.finish({})
