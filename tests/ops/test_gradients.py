"""Every plan: compiled against reference, central differences, float32 and threads."""

import numpy as np
import pytest
import reference
from cases import MAKERS, draw, draw_smooth, evaluate, judge, plan_of, predict
from engines import gradient_of, whole_gradients
from pairs import WHOLE, in_turn

from fastnn.engine.engine import Engine

every_plan = pytest.mark.parametrize("name", MAKERS)


@pytest.fixture
def small_steps_use_threads(monkeypatch):
    monkeypatch.setattr("fastnn.engine.engine.OPERATIONS_PER_THREAD", 1)


@every_plan
def test_gradient_is_the_reference(name):
    plan = plan_of(name)
    data = draw(plan)
    (loss, reported, weight), gradients = gradient_of(plan, data)
    expected = reference.walk(plan, data.parameters, data.X, data.y, data.weight)
    np.testing.assert_allclose(loss, expected.loss, rtol=1e-13)
    np.testing.assert_allclose(reported, expected.reported, rtol=1e-13)
    np.testing.assert_allclose(weight, data.weight.sum(), rtol=1e-15)
    np.testing.assert_allclose(gradients, expected.gradients, rtol=1e-11, atol=1e-13)


@every_plan
def test_predictions_are_the_reference(name):
    plan = plan_of(name)
    data = draw(plan, n=11)
    expected = reference.predict(plan, data.parameters, data.X)
    actual = predict(plan, data.parameters, data.X)
    np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=1e-15)


@in_turn(name=MAKERS, weighted=[True, False])
def test_evaluation_is_the_reference(name, weighted):
    plan = plan_of(name)
    data = draw(plan, n=600)  # more than go through the network at once
    weight = data.weight if weighted else None
    expected = reference.walk(
        plan, data.parameters, data.X, data.y, weight, phase="evaluate"
    )
    actual = evaluate(plan, data.parameters, data.X, data.y, weight)
    sums = expected.loss, expected.reported, expected.weight.sum()
    np.testing.assert_allclose(actual, sums, rtol=1e-10)
    outputs, again = judge(plan, data.parameters, data.X, data.y, weight)
    assert again == actual
    np.testing.assert_array_equal(outputs, predict(plan, data.parameters, data.X))


# Of a block that has more parameters, every so-manyth is looked at.
MANY = 10**9 if WHOLE else 1000


@every_plan
@pytest.mark.pairs
def test_gradient_is_the_central_difference(name):
    plan = plan_of(name)
    data = draw_smooth(plan)
    _, gradients = gradient_of(plan, data)
    numerical = central_differences(plan, data)
    scale = np.linalg.norm(gradients)
    assert np.isfinite(scale)
    for block, parameter in zip(plan.blocks, plan.parameters, strict=True):
        at = places(parameter.offset, parameter.size)
        if not block["trainable"]:
            # Running statistics have no gradient, but numbers of the batch there.
            moves = block["running"] > 0
            assert gradients[at].any() == moves, parameter.name
            continue
        error = np.linalg.norm(gradients[at] - numerical[at])
        own_scale = np.linalg.norm(gradients[at])
        assert own_scale > 0, parameter.name
        assert error < 1e-6 * own_scale + 1e-9 * scale, parameter.name


def places(offset, size):
    """Of parameters that are looked at."""
    return slice(offset, offset + size, 1 + size // MANY)


def central_differences(plan, data, step=1e-5):
    numerical = np.zeros(plan.n_parameters)
    batch = {"batch_size": len(data.X)}
    engine = Engine(plan, data.parameters, data.X, data.y, data.weight, **batch)
    with engine:
        for block in plan.blocks[plan.blocks["trainable"] == 1]:
            looked_at = places(block["offset"], block["size"])
            for i in range(plan.n_parameters)[looked_at]:
                kept = data.parameters[i]
                data.parameters[i] = kept + step
                above = engine.gradient()[0]
                data.parameters[i] = kept - step
                below = engine.gradient()[0]
                data.parameters[i] = kept
                numerical[i] = (above - below) / (2 * step)
    return numerical


@every_plan
def test_float32_is_float64_rounded(name):
    plan = plan_of(name)
    # Rounding may push relu's input over its kink, where the gradient jumps.
    data = draw_smooth(plan)
    single = data.astype(np.float32)
    (loss, reported, _), gradients = gradient_of(plan, data)
    (loss32, reported32, _), gradients32 = gradient_of(plan, single)
    assert gradients32.dtype == np.float32
    np.testing.assert_allclose(loss32, loss, rtol=2e-6)
    np.testing.assert_allclose(reported32, reported, rtol=2e-6)
    atol = 1e-6 * abs(gradients).max()
    np.testing.assert_allclose(gradients32, gradients, rtol=1e-5, atol=atol)
    np.testing.assert_allclose(
        predict(plan, single.parameters, single.X),
        predict(plan, data.parameters, data.X),
        rtol=1e-5,
        atol=1e-6,
    )


@in_turn(name=MAKERS, n_threads=[2, 3])
@pytest.mark.usefixtures("small_steps_use_threads")
def test_threads_give_the_same_gradient(name, n_threads):
    plan = plan_of(name)
    data = draw(plan)
    expected, gradients = gradient_of(plan, data)
    actual, shared = gradient_of(plan, data, n_threads=n_threads)
    np.testing.assert_allclose(actual, expected, rtol=1e-13)
    np.testing.assert_allclose(shared, gradients, rtol=1e-11, atol=1e-13)
    again = gradient_of(plan, data, n_threads=n_threads)
    assert again[0] == actual
    np.testing.assert_array_equal(again[1], shared)


@in_turn(name=MAKERS, n_threads=[1, 3])
@pytest.mark.usefixtures("small_steps_use_threads")
def test_chunks_add_up(name, n_threads, monkeypatch):
    # At least 16 rows make a chunk: three of them here, of which the last is small.
    plan = plan_of(name)
    data = draw(plan, n=37)
    expected, gradients = gradient_of(plan, data)
    monkeypatch.setattr("fastnn.engine.engine.CHUNK_BYTES", 1)
    actual, chunked = gradient_of(plan, data, n_threads=n_threads)
    np.testing.assert_allclose(actual, expected, rtol=1e-13)
    np.testing.assert_allclose(chunked, gradients, rtol=1e-11, atol=1e-12)


@every_plan
def test_a_second_gradient_starts_from_zero(name):
    plan = plan_of(name)
    data = draw(plan)
    batch = {"batch_size": len(data.X)}
    with Engine(plan, data.parameters, data.X, data.y, data.weight, **batch) as engine:
        first = engine.gradient(), engine.gradients.copy()
        assert engine.gradient() == first[0]
        np.testing.assert_array_equal(engine.gradients, first[1])


@every_plan
def test_no_weights_are_weights_of_one(name):
    plan = plan_of(name)
    data = draw(plan)
    data.weight[:] = 1
    expected, gradients = gradient_of(plan, data)
    with Engine(plan, data.parameters, data.X, data.y, batch_size=7) as engine:
        np.testing.assert_allclose(engine.gradient(), expected, rtol=1e-14)
        actual = whole_gradients(plan, engine)
        np.testing.assert_allclose(actual, gradients, rtol=1e-12, atol=1e-14)
