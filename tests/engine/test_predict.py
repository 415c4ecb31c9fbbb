"""Predictions: parts of a table, any number of rows, any number of callers."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest
import reference
from cases import draw, plan_of, predict
from scipy import sparse, special
from threadpoolctl import threadpool_info
from writers import stack

from fastnn.engine.cpu.predict import Forward
from fastnn.initializers import GlorotUniform
from fastnn.losses import SquaredError
from fastnn.plan import ops
from fastnn.plan.tape import Tape

LINKS = {
    "binary": special.expit,
    "multilabel": special.expit,
    "counts": np.exp,
    "classes": partial(special.softmax, axis=-1),
    "rank_2_classes": partial(special.softmax, axis=-1),
}

dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@dtypes
@pytest.mark.parametrize("n", [1, 2, 15, 511, 512, 513, 1024, 1300])
def test_any_number_of_rows(n, dtype):
    # They are worked on in parts of 512.
    plan = plan_of("classes")
    data = draw(plan, n=n).astype(dtype)
    actual = predict(plan, data.parameters, data.X)
    expected = reference.predict(plan, data.parameters, data.X)
    assert actual.dtype == dtype
    assert actual.shape == (n, 10)
    assert actual.flags.c_contiguous
    np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-6)
    sparse_rows = predict(plan, data.parameters, sparse.csr_array(data.X))
    np.testing.assert_allclose(sparse_rows, expected, rtol=1e-4, atol=1e-6)


@dtypes
@pytest.mark.parametrize("source", [np.float32, np.float64])
@pytest.mark.parametrize("name", LINKS)
def test_the_link_is_taken_in_the_type_of_the_predictions(name, source, dtype):
    plan, link = plan_of(name), LINKS[name]
    data = draw(plan)
    X, flat = data.X.astype(source), data.parameters.astype(dtype)
    actual = predict(plan, flat, X)
    raw = predict(plan.without_link(), flat, X.astype(dtype))
    assert raw.dtype == dtype  # the layers compute as the parameters are
    assert actual.dtype == np.result_type(source, dtype)
    expected = link(raw.astype(actual.dtype).reshape(-1, *plan.output_shape))
    rtol = 8 * np.finfo(actual.dtype).eps
    np.testing.assert_allclose(actual, expected.reshape(actual.shape), rtol=rtol)


@pytest.mark.parametrize("wrap", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("name", [*LINKS, "wide", "batch_norm", "residual"])
def test_what_leaves_float32_is_computed_in_float64(name, wrap):
    plan = plan_of(name)
    if wrap is sparse.csr_array and not plan.accepts_sparse:
        pytest.skip("reads no sparse rows")
    data = draw(plan, n=20)
    flat = data.parameters.astype(np.float32)
    for large in (1e25, 1e39, 1e300):  # the first leaves it within the network
        X = data.X.copy()
        X[[3, 17]] *= large
        with np.errstate(over="ignore"):
            expected = reference.predict(plan, flat.astype(float), X)
        assert not np.isnan(expected).any()
        actual = predict(plan, flat, wrap(X))
        assert actual.dtype == np.float64
        np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-6)


def test_what_leaves_float64_is_refused():
    plan = stack([6, 4, 2], "relu")
    data = draw(plan, n=20)
    data.X[3] = 1e308
    with pytest.raises(
        ValueError, match=r"predicts NaN for X.*1e\+308.*float32.*Scale"
    ):
        predict(plan, data.parameters * 1e3, data.X)
    data.parameters[0] = np.nan
    data.X[3] = 0
    with pytest.raises(ValueError, match="predicts NaN, because some of its weights"):
        predict(plan, data.parameters, data.X)


@dtypes
@pytest.mark.parametrize("width", [4, 4000, 40_000, 10_000_000])
def test_room_is_bounded_in_bytes(width, dtype):
    plan = stack([width, 1], input_shape=(1,))
    itemsize = np.dtype(dtype).itemsize
    rows = Forward(plan).rows_of_a_pass(itemsize)
    assert 1 <= rows <= 512
    assert rows == 1 or rows * width * itemsize <= 32 * 2**20


@dtypes
def test_no_rows(dtype):
    plan = plan_of("classes")
    flat = np.zeros(plan.n_parameters, dtype)
    for X in (np.empty((0, 5)), sparse.csr_array((0, 5))):
        assert predict(plan, flat, X).shape == (0, 10)


def test_a_row_does_not_depend_on_its_company():
    plan = plan_of("wide")
    data = draw(plan, n=600)
    together = predict(plan, data.parameters, data.X)
    for i in (0, 1, 511, 512, 599):
        alone = predict(plan, data.parameters, data.X[i : i + 1])
        np.testing.assert_allclose(alone[0], together[i], rtol=1e-12, atol=1e-14)


def test_nothing_is_changed():
    plan = plan_of("classes")
    data = draw(plan)
    for array in (data.X, data.parameters):
        array.setflags(write=False)
    first = predict(plan, data.parameters, data.X)
    np.testing.assert_array_equal(predict(plan, data.parameters, data.X), first)


@pytest.mark.parametrize(
    "name", ["classes", "two_branches", "softmax_inside", "residual"]
)
def test_callers_do_not_disturb_one_another(name):
    plan = plan_of(name)
    data = [draw(plan, n=700, seed=seed) for seed in range(4)]
    alone = [predict(plan, one.parameters, one.X) for one in data]

    def work(i):
        one = data[i % 4]
        return i % 4, predict(plan, one.parameters, one.X)

    with ThreadPoolExecutor(4) as pool:
        for i, together in pool.map(work, range(80)):
            np.testing.assert_array_equal(together, alone[i])


def test_blas_threads_are_left_alone():
    plan = stack([64, 3], input_shape=(32,))
    data = draw(plan, n=600)
    before = threadpool_info()
    predict(plan, data.parameters, data.X)
    assert threadpool_info() == before


def test_missing_values_stay_in_their_row():
    plan = plan_of("classes")
    data = draw(plan, n=20)
    expected = predict(plan, data.parameters, data.X)
    data.X[3, 2] = np.nan
    actual = predict(plan, data.parameters, data.X)
    assert np.isnan(actual[3]).all()
    np.testing.assert_allclose(
        np.delete(actual, 3, 0), np.delete(expected, 3, 0), rtol=1e-13
    )


def test_output_may_be_the_input():
    # A network that does nothing: nothing is computed, yet the rows must come back.
    tape = Tape()
    z = tape.input((3,))
    plan = tape.finish(SquaredError().lower(tape, z))
    X = np.random.default_rng(0).normal(size=(600, 3))
    np.testing.assert_array_equal(predict(plan, np.zeros(0), X), X)


def test_output_may_be_used_further():
    # Here the output is also read by a later op, which must not write in its place.
    tape = Tape()
    x = tape.input((3,))
    w = tape.parameter("w", (3, 3), GlorotUniform(), fan_in=3, fan_out=3)
    z = ops.add(tape, ops.product(tape, x, w), None, "tanh")
    tape.target((3,))
    ops.add(tape, z, None, "exponential")
    plan = tape.finish(z)
    data_w = np.random.default_rng(0).normal(size=(3, 3))
    flat = np.zeros(plan.n_parameters)
    plan.views(flat)[0][...] = data_w
    X = np.random.default_rng(1).normal(size=(9, 3))
    np.testing.assert_allclose(predict(plan, flat, X), np.tanh(X @ data_w), rtol=1e-12)
