"""Tables of rows in any memory layout and precision, dense and sparse."""

import re

import numpy as np
import pytest
from cases import draw, predict, shuffled_epoch
from scipy import sparse
from writers import by_hand, dense, stack

from fastnn.engine.cpu.gather import Table
from fastnn.engine.engine import Engine
from fastnn.optimizers import SGD
from fastnn.plan import ops

N, WIDTH = 41, 7


def misaligned(X):
    """A copy whose numbers start between the places that suit the processor."""
    memory = np.zeros(X.nbytes + 1, np.uint8)
    view = memory[1:].view(X.dtype).reshape(X.shape)
    view[...] = X
    assert not view.flags.aligned
    return view


def padded(X):
    """A field of records: rows and numbers lie oddly far apart."""
    records = np.zeros(X.shape, np.dtype([("value", X.dtype), ("flag", "u1")]))
    records["value"] = X
    return records["value"]


LAYOUTS = {
    "c": np.ascontiguousarray,
    "fortran": np.asfortranarray,
    "rows apart": lambda X: np.repeat(X, 3, axis=0)[::3],
    "columns apart": lambda X: np.repeat(X, 2, axis=1)[:, ::2],
    "both apart": lambda X: np.repeat(np.repeat(X, 2, axis=0), 3, axis=1)[::2, ::3],
    "corner": lambda X: np.pad(X, ((1, 2), (3, 4)))[1:-2, 3:-4],
    "fortran corner": lambda X: np.asfortranarray(np.pad(X, 2))[2:-2, 2:-2],
    "rows reversed": lambda X: X[::-1].copy()[::-1],
    "columns reversed": lambda X: X[:, ::-1].copy()[:, ::-1],
    "fortran reversed": lambda X: np.asfortranarray(X[::-1, ::-1])[::-1, ::-1],
    "misaligned": misaligned,
    "padded": padded,
    "read-only": lambda X: np.frombuffer(X.tobytes(), X.dtype).reshape(X.shape),
}


def csr(X, index=np.int32):
    matrix = sparse.csr_array(X)
    matrix.indices, matrix.indptr = (
        matrix.indices.astype(index),
        matrix.indptr.astype(index),
    )
    return matrix


def with_explicit_zeros(X):
    matrix = csr(X)
    matrix.data[::5] = 0
    return matrix


def unsorted(X):
    matrix = csr(X)
    for first, last in zip(matrix.indptr, matrix.indptr[1:], strict=False):
        matrix.indices[first:last] = matrix.indices[first:last][::-1].copy()
        matrix.data[first:last] = matrix.data[first:last][::-1].copy()
    matrix.has_sorted_indices = False
    return matrix


def with_duplicates(X):
    matrix = csr(X)
    return sparse.csr_array(
        (
            np.repeat(matrix.data / 2, 2),
            np.repeat(matrix.indices, 2),
            2 * matrix.indptr,
        ),
        shape=X.shape,
    )


def with_room_to_spare(X):
    matrix = csr(X)
    matrix.data = np.append(matrix.data, [7, 7]).astype(X.dtype)
    matrix.indices = np.append(matrix.indices, [99, 99]).astype(np.int32)
    return matrix


SPARSE = {
    "csr array": csr,
    "csr matrix": sparse.csr_matrix,
    "64-bit indices": lambda X: csr(X, np.int64),
    "explicit zeros": with_explicit_zeros,
    "unsorted": unsorted,
    "duplicates": with_duplicates,
    "room to spare": with_room_to_spare,
    "empty": lambda X: sparse.csr_array(X.shape, dtype=X.dtype),
}

precisions = pytest.mark.parametrize("dtype", [np.float32, np.float64])
sources = pytest.mark.parametrize("source", [np.float32, np.float64])


def train(plan, data, X, dtype):
    """Weights after two shuffled epochs of small batches, and predictions."""
    flat = data.parameters.astype(dtype)
    optimizer, state = SGD(), np.zeros((1, plan.n_parameters), dtype)
    engine = Engine(
        plan,
        flat,
        X,
        data.y.astype(dtype),
        batch_size=9,
        optimizer=optimizer,
        state=state,
    )
    table = optimizer.table(1, engine.n_steps, 0.02)
    losses = [shuffled_epoch(engine, table, seed) for seed in (1, 2)]
    return losses, flat, predict(plan, flat, X)


@precisions
@sources
@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_do_not_matter(layout, source, dtype):
    plan = stack([5, 2], input_shape=(WIDTH,))
    data = draw(plan, N)
    X = LAYOUTS[layout](data.X.astype(source))
    np.testing.assert_array_equal(X, data.X.astype(source))
    # float64 is rounded as it is gathered, float32 is widened: a copy shows the same.
    expected = train(plan, data, np.ascontiguousarray(X).astype(dtype), dtype)
    actual = train(plan, data, X, dtype)
    assert actual[0] == expected[0]
    np.testing.assert_array_equal(actual[1], expected[1])
    np.testing.assert_array_equal(actual[2], expected[2])


@pytest.mark.parametrize("shape", [(1, WIDTH), (N, 1), (1, 1)])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_axes_of_length_one(layout, shape):
    # NumPy gives such an axis any stride.
    plan = stack([3, 2], input_shape=shape[1:])
    data = draw(plan, shape[0])
    X = LAYOUTS[layout](data.X)
    np.testing.assert_array_equal(
        predict(plan, data.parameters, X), predict(plan, data.parameters, data.X)
    )


def test_rows_that_are_one_and_the_same():
    plan = stack([3, 2], input_shape=(WIDTH,))
    data = draw(plan, 1)
    X = np.broadcast_to(data.X, (N, WIDTH))
    expected = np.repeat(predict(plan, data.parameters, data.X), N, axis=0)
    np.testing.assert_allclose(predict(plan, data.parameters, X), expected, rtol=1e-13)


@precisions
@sources
@pytest.mark.parametrize("kind", SPARSE)
def test_sparse_rows_are_dense_rows(kind, source, dtype):
    # 37 columns of the dense matrix are two wide strips, a narrow one and a number.
    plan = stack([37, 2], input_shape=(WIDTH,))
    data = draw(plan, N)
    rng = np.random.default_rng(0)
    X = np.where(rng.random(data.X.shape) < 0.3, data.X, 0).astype(source)
    X[3] = X[-1] = 0
    X = SPARSE[kind](X)
    eps = np.finfo(dtype).eps
    expected, actual = (train(plan, data, x, dtype) for x in (X.toarray(), X))
    for one, other in zip(actual, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=200 * eps, atol=50 * eps)


@pytest.mark.parametrize("n_threads", [1, 2, 3])
def test_sparse_gradient(n_threads, monkeypatch):
    monkeypatch.setattr("fastnn.engine.engine.OPERATIONS_PER_THREAD", 1)
    monkeypatch.setattr("fastnn.engine.engine.CHUNK_BYTES", 1)
    # Two products read the input, of which one comes second and adds.
    plan = by_hand(
        lambda tape, x: ops.add(
            tape, dense(tape, x, "a", 3, "tanh"), dense(tape, x, "b", 3)
        ),
        (WIDTH,),
    )
    data = draw(plan, N)
    data.X[abs(data.X) < 1] = 0
    results = []
    for X in (data.X, csr(data.X)):
        options = {"batch_size": N, "n_threads": n_threads}
        with Engine(plan, data.parameters, X, data.y, data.weight, **options) as engine:
            results.append((engine.gradient(), engine.gradients.copy()))
    np.testing.assert_allclose(results[1][0], results[0][0], rtol=1e-13)
    np.testing.assert_allclose(results[1][1], results[0][1], rtol=1e-11, atol=1e-13)


def test_sparse_rows_need_a_product():
    plan = by_hand(
        lambda tape, x: ops.add(
            tape,
            x,
            ops.product(
                tape, x, tape.parameter("w", (5, 5), None, fan_in=5, fan_out=5)
            ),
        )
    )
    assert not plan.accepts_sparse
    with pytest.raises(ValueError, match=re.escape("X.toarray()")):
        predict(plan, np.zeros(plan.n_parameters), sparse.csr_array((3, 5)))


def test_sparse_rows_need_a_product_over_whole_rows():
    # Over the last of several axes a product reads parts of a row, sparse ones cannot.
    plan = stack([2], input_shape=(3, 4))
    assert not plan.accepts_sparse
    with pytest.raises(ValueError, match=re.escape("X.toarray()")):
        predict(plan, np.zeros(plan.n_parameters), sparse.csr_array((3, 12)))


DAMAGES = {
    "starts late": lambda X: X.indptr.__setitem__(0, 1),
    "falls": lambda X: X.indptr.__setitem__(1, X.indptr[2] + 1),
    "ends late": lambda X: X.indptr.__setitem__(-1, X.nnz + 1),
    "is too short": lambda X: setattr(X, "indptr", X.indptr[:-1]),
    "is too long": lambda X: setattr(X, "indptr", np.append(X.indptr, X.indptr[-1])),
    "wraps": lambda X: X.indptr.__setitem__(slice(1, 4), [2**31 - 1, -(2**31), -1]),
    "is of fractions": lambda X: setattr(X, "indptr", X.indptr + 0.5),
    "has columns of objects": lambda X: setattr(X, "indices", X.indices.astype(object)),
    "has too few values": lambda X: setattr(X, "data", X.data[:-1]),
    "has too few indices": lambda X: setattr(X, "indices", X.indices[:-1]),
    "has a negative column": lambda X: X.indices.__setitem__(4, -1),
    "has a column too many": lambda X: X.indices.__setitem__(4, WIDTH),
}


@pytest.mark.parametrize("index", [np.int32, np.int64])
@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_structure(damage, index):
    X = csr(np.random.default_rng(0).normal(size=(6, WIDTH)), index)
    DAMAGES[damage](X)
    with pytest.raises(ValueError, match=r"(damaged|column indices|index pointer)"):
        Table(X)


@pytest.mark.parametrize(
    "dtype", [np.float16, np.complex128, object, ">f8", ">i4", "M8[s]"]
)
def test_other_numbers_are_refused(dtype):
    with pytest.raises(ValueError, match="float32 or float64"):
        Table(np.zeros((3, 2), dtype))


@pytest.mark.parametrize("shape", [(3,), (3, 2, 1)])
def test_other_ranks_are_refused(shape):
    with pytest.raises(ValueError, match="two-dimensional"):
        Table(np.zeros(shape))


def test_other_sparse_formats_are_refused():
    with pytest.raises(ValueError, match="CSR format"):
        Table(sparse.csc_array((3, 2)))


@pytest.mark.parametrize("X", [np.zeros((3, 2)), sparse.csr_array((3, 2))])
def test_table_knows_its_size(X):
    table = Table(X)
    assert (table.n_rows, table.n_columns) == (3, 2)
    assert table.sparse == sparse.issparse(X)
