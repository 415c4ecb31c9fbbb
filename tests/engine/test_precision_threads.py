"""Which products are taken in less precision does not depend on the threads.

A kernel in Python stands in for that of the processor, so that any machine will do.
"""

import ctypes
from contextlib import contextmanager

import numpy as np
import pytest
from cases import draw, shuffled_epoch
from writers import stack

from fastnn import MLPRegressor, NeuralNetRegressor, Sequential
from fastnn.engine.cpu.precision import matrix_unit, replace_matrix_unit
from fastnn.engine.engine import Engine
from fastnn.layers import BatchNorm, Dense
from fastnn.optimizers import SGD

SIZE, POINTER = ctypes.c_ssize_t, ctypes.c_void_p
MATRIX = [POINTER, SIZE, SIZE]
KERNEL = ctypes.CFUNCTYPE(
    None, *[SIZE] * 3, *MATRIX * 2, ctypes.c_float, POINTER, SIZE, POINTER
)


def matrix(address, shape, strides):
    """What lies at an address, as an array."""
    end = sum((n - 1) * step for n, step in zip(shape, strides, strict=True)) + 1
    numbers = np.ctypeslib.as_array((ctypes.c_float * end).from_address(address))
    return np.lib.stride_tricks.as_strided(numbers, shape, [4 * s for s in strides])


@contextmanager
def stand_in(precision, least):
    """A unit that multiplies as float32 does; gives the sizes that it was asked for."""
    sizes = []

    def multiply(m, n, k, a, a_row, a_column, b, b_row, b_column, beta, c, c_row, _):
        product = matrix(a, (m, k), (a_row, a_column)) @ matrix(
            b, (k, n), (b_row, b_column)
        )
        to = matrix(c, (m, n), (c_row, 1))
        np.add(product, beta * to if beta else 0, out=to)
        sizes.append((m, n, k))

    kernel = KERNEL(multiply)
    replace_matrix_unit(precision, ctypes.cast(kernel, POINTER).value, least)
    try:
        yield sizes
    finally:
        replace_matrix_unit(precision, 0)


@pytest.fixture(params=["bf16", "high"])
def precision(request):
    return request.param


@pytest.fixture
def many_shares(monkeypatch):
    monkeypatch.setattr("fastnn.engine.engine.OPERATIONS_PER_THREAD", 1)


def taken(precision, least, n_threads, batch_size, n=40):
    """Multiplications in less precision, and what the engine says of itself."""
    plan = stack([30, 20], input_shape=(25,))
    data = draw(plan, n).astype(np.float32)
    optimizer = SGD()
    with (
        stand_in(precision, least) as sizes,
        Engine(
            plan, data.parameters, data.X, data.y, batch_size=batch_size,
            optimizer=optimizer, state=np.zeros((1, plan.n_parameters), np.float32),
            n_threads=n_threads, precision=precision,
        ) as engine,
    ):  # fmt: skip
        assert engine.n_threads == n_threads
        shuffled_epoch(engine, optimizer.table(1, engine.n_steps, 1e-3), 0)
        return sum(m * n * k for m, n, k in sizes), engine.precision


@pytest.mark.usefixtures("many_shares")
@pytest.mark.parametrize("n_threads", [2, 3, 8])
@pytest.mark.parametrize(
    ("least", "batch_size"),
    [(16, 32), (8, 32), (9, 32), (20, 20), (20, 19), (16, 40), (21, 40), (8, 37)],
)
def test_the_share_of_a_thread_does_not_matter(precision, least, batch_size, n_threads):
    alone = taken(precision, least, 1, batch_size)
    assert taken(precision, least, n_threads, batch_size) == alone
    assert alone[1] == (precision if least <= min(25, batch_size) else "float32")


@pytest.mark.usefixtures("many_shares")
@pytest.mark.parametrize("n_threads", [1, 3])
def test_a_last_batch_counts_by_its_own_size(precision, n_threads):
    # Forward and two for the gradients of two layers, of which X needs none.
    of_a_sample = 2 * 25 * 30 + 3 * 30 * 20
    assert taken(precision, 16, n_threads, 16)[0] == 32 * of_a_sample
    assert taken(precision, 8, n_threads, 16)[0] == 40 * of_a_sample


@pytest.mark.usefixtures("many_shares")
@pytest.mark.parametrize("n_threads", [1, 2])
def test_chunks_do_not_matter(precision, n_threads, monkeypatch):
    whole = taken(precision, 20, n_threads, 40)
    monkeypatch.setattr("fastnn.engine.engine.CHUNK_BYTES", 1)
    assert taken(precision, 20, n_threads, 40) == whole
    assert whole[1] == precision


@pytest.mark.usefixtures("many_shares")
@pytest.mark.parametrize(
    "make",
    [
        lambda **given: MLPRegressor(
            hidden_layer_sizes=(128,), max_iter=2, tol=1e9, n_iter_no_change=1, **given
        ),
        lambda **given: NeuralNetRegressor(
            Sequential([Dense(128), BatchNorm()]), epochs=2, **given
        ),
    ],
)
@pytest.mark.parametrize("batch_size", [95, 96, 128])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_estimators_tell_the_same(make, batch_size, precision):
    X = np.random.RandomState(0).normal(size=(256, 128)).astype(np.float32)
    with stand_in(precision, 96):
        found = {
            make(
                batch_size=batch_size, precision=precision, n_jobs=n, random_state=0
            ).fit(X, X[:, :100]).precision_
            for n in (1, 2, 5, None)
        }  # fmt: skip
    assert found == {precision if batch_size >= 96 else "float32"}


def test_the_processor_is_back_afterwards(precision):
    before = matrix_unit(precision)
    with stand_in(precision, 1):
        assert matrix_unit(precision) == "stand-in"
    assert matrix_unit(precision) == before
