"""Any sizes, however odd: one row, one feature, one output, batches beyond the data."""

import numpy as np
import reference
from cases import draw, predict
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from writers import ALL_LOSSES, outputs_for

from fastnn.engine.engine import Engine
from fastnn.layers import Dense
from fastnn.losses import CrossEntropy
from fastnn.network import Sequential, lower
from fastnn.optimizers import Adam
from fastnn.plan.tables import ACTIVATIONS
from fastnn.regularizers import SklearnL2

# Vectors hold 4 to 16 numbers: sizes up to, at and beyond a few of them.
sizes = st.one_of(st.integers(1, 5), st.integers(6, 70))


@st.composite
def problems(draw_, max_rows=70):
    """A plan and data for it."""
    loss = draw_(st.sampled_from(sorted(ALL_LOSSES)))
    activation = draw_(st.sampled_from([a for a in ACTIVATIONS if a != "exponential"]))
    hidden = draw_(st.lists(sizes, max_size=3))
    leading = draw_(st.lists(st.integers(1, 3), max_size=2))
    penalty = SklearnL2(0.1)
    layers = [Dense(w, activation, kernel_regularizer=penalty) for w in hidden]
    plan = lower(
        Sequential([*layers, Dense(outputs_for(loss, draw_(sizes)))]),
        input_shape=(*leading, draw_(sizes)),
        loss=ALL_LOSSES[loss],
    )
    rows, seed = draw_(st.integers(1, max_rows)), draw_(st.integers(0, 2**16))
    return plan, draw(plan, rows, seed)


@given(problems())
def test_gradient(problem):
    plan, data = problem
    engine = Engine(
        plan, data.parameters, data.X, data.y, data.weight, batch_size=len(data.X)
    )
    expected = reference.walk(plan, data.parameters, data.X, data.y, data.weight)
    np.testing.assert_allclose(engine.gradient()[0], expected.loss, rtol=1e-11)
    scale = abs(expected.gradients).max()
    np.testing.assert_allclose(
        engine.gradients, expected.gradients, rtol=1e-9, atol=1e-12 * scale
    )


@given(problems())
def test_predict(problem):
    plan, data = problem
    expected = reference.predict(plan, data.parameters, data.X)
    np.testing.assert_allclose(
        predict(plan, data.parameters, data.X), expected, rtol=1e-9, atol=1e-12
    )
    single = predict(
        plan, data.parameters.astype(np.float32), data.X.astype(np.float32)
    )
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, expected, rtol=1e-3, atol=1e-4)


@given(problems(max_rows=40), st.integers(1, 50), st.integers(1, 3), st.booleans())
def test_epoch(problem, batch_size, n_threads, shuffle):
    plan, data = problem
    n = len(data.X)
    optimizer, seed = Adam(), 5 if shuffle else None
    n_steps = -(-n // batch_size)
    table = optimizer.table(1, n_steps, 0.01)
    results = []
    for compiled in (True, False):
        flat, state = data.parameters.copy(), np.zeros((2, plan.n_parameters))
        common = (plan, flat, data.X, data.y, data.weight)
        if compiled:
            engine = Engine(
                *common, batch_size=batch_size, optimizer=optimizer, state=state,
                n_threads=n_threads,
            )  # fmt: skip
            assert engine.n_steps == n_steps
            with engine:
                if shuffle:
                    engine.shuffle(np.random.RandomState(seed))
                loss = engine.epoch(table)
        else:
            order = reference.shuffled(n, seed) if shuffle else np.arange(n)
            loss = reference.epoch(*common, order, batch_size, "adam", state, table)
        results.append((loss, flat))
    np.testing.assert_allclose(results[0][0], results[1][0], rtol=1e-7)
    # Adam's first steps are the signs of gradients, whose size does not matter: where
    # they are nothing but rounding, so is the step's direction.
    close = np.isclose(results[0][1], results[1][1], rtol=1e-6, atol=1e-8)
    assert close.mean() > 0.98


@given(
    st.integers(1, 40),
    sizes,
    sizes.map(lambda n: n + 1),
    st.floats(0, 1),
    st.sampled_from([np.int32, np.int64]),
)
def test_sparse_rows(n, n_features, n_outputs, density, index):
    plan = lower(
        Sequential([Dense(n_outputs)]), input_shape=(n_features,), loss=CrossEntropy()
    )
    data = draw(plan, n)
    X = np.where(np.random.default_rng(0).random(data.X.shape) < density, data.X, 0)
    rows = sparse.csr_array(X)
    rows.indices, rows.indptr = rows.indices.astype(index), rows.indptr.astype(index)
    engines = [
        Engine(plan, data.parameters, x, data.y, data.weight, batch_size=n)
        for x in (X, rows)
    ]
    losses = [engine.gradient() for engine in engines]
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-12)
    np.testing.assert_allclose(
        engines[1].gradients, engines[0].gradients, rtol=1e-10, atol=1e-12
    )
    np.testing.assert_allclose(
        predict(plan, data.parameters, rows),
        predict(plan, data.parameters, X),
        rtol=1e-11,
    )
