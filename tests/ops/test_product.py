"""Matrix products: every size at which a kernel's blocks, vectors and tails meet."""

import subprocess
import sys
from itertools import count, product

import numpy as np
import pytest
from pairs import WHOLE, in_pairs

from fastnn.engine.cpu.blas import matrix_product

SIZES = [1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 200, 257, 300, 513]
EDGES = [1, 2, 3, 7, 8, 9, 16, 17, 31, 33, 64, 65]
TRANSPOSES = list(product([False, True], repeat=2))

dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])
transposes = pytest.mark.parametrize(("transpose_a", "transpose_b"), TRANSPOSES)


def integers(shape, dtype, seed=0):
    """Whole numbers so small that their products add up without rounding."""
    return np.random.default_rng(seed).integers(-4, 5, shape).astype(dtype)


def stored(matrix, transposed):
    """A stack of one matrix that reads as this one, transposed or not."""
    return np.ascontiguousarray(matrix.T if transposed else matrix)[np.newaxis]


@pytest.fixture(scope="module")
def whole():
    """a, b and, for each k, a[:, :k] @ b[:k]."""
    largest = max(SIZES)
    a, b = (
        integers((largest, largest), float, 1),
        integers((largest, largest), float, 2),
    )
    return a, b, {k: a[:, :k] @ b[:k] for k in SIZES}


@in_pairs(k=SIZES, transpose=TRANSPOSES, dtype=[np.float32, np.float64])
def test_all_sizes(whole, k, transpose, dtype):
    # Each operand is in turn a corner of a larger matrix or lies by itself. Where sizes
    # are small all betas are tried, elsewhere one. Any two of m, n and k meet.
    a, b, results = whole
    transpose_a, transpose_b = transpose
    a, b = stored(a.astype(dtype), transpose_a), stored(b.astype(dtype), transpose_b)
    before = integers((513, 513), dtype, 3)
    after = before[np.newaxis].copy()
    betas = (0, 1, 0.5)
    tight = count()
    for i, j in np.ndindex(len(SIZES), len(SIZES)):
        m, n = SIZES[i], SIZES[j]
        if m * n * k > 3_000_000 and m != n:
            continue
        if not WHOLE and (i + j + SIZES.index(k)) % 2:
            continue
        sub_a = a[:, :k, :m] if transpose_a else a[:, :m, :k]
        sub_b = b[:, :n, :k] if transpose_b else b[:, :k, :n]
        expected = results[k][:m, :n]
        for beta in betas if m * n * k < 20_000 else betas[(m + n) % 3 :][:1]:
            which = next(tight) % 7
            one_a = np.ascontiguousarray(sub_a) if which & 1 else sub_a
            one_b = np.ascontiguousarray(sub_b) if which & 2 else sub_b
            c = before[np.newaxis, :m, :n].copy() if which & 4 else after[:, :m, :n]
            if beta == 0:
                c.fill(np.nan)  # it must not be read
            options = {"transpose_a": transpose_a, "transpose_b": transpose_b}
            matrix_product(one_a, one_b, c, beta=beta, **options)
            assert np.array_equal(c[0], expected + beta * before[:m, :n]), (m, n, beta)
            c[0] = before[:m, :n]
        assert np.array_equal(after[0], before), (m, n, "wrote outside of c")


@dtypes
@transposes
@pytest.mark.parametrize("beta", [0, 1, 0.5])
def test_stacks(beta, transpose_a, transpose_b, dtype):
    for stack, m, n, k in [(1, 4, 5, 6), (2, 1, 9, 3), (3, 17, 8, 16), (5, 33, 3, 65)]:
        a = integers((stack, *((k, m) if transpose_a else (m, k))), dtype, 1)
        b = integers((stack, *((n, k) if transpose_b else (k, n))), dtype, 2)
        before = integers((stack, m, n), dtype, 3)
        c = before.copy()
        options = {"transpose_a": transpose_a, "transpose_b": transpose_b}
        matrix_product(a, b, c, beta=beta, **options)
        expected = (a.transpose(0, 2, 1) if transpose_a else a) @ (
            b.transpose(0, 2, 1) if transpose_b else b
        )
        np.testing.assert_array_equal(c, expected + dtype(beta) * before)


@dtypes
def test_strides_of_stacks(dtype):
    stack, m, n, k = 3, 9, 17, 5
    a = integers((2 * stack, m, k + 3), dtype, 1)[::-2, :, 2 : k + 2]
    b = np.broadcast_to(integers((k, n), dtype, 2), (stack, k, n))  # one for all
    whole = np.zeros((stack, 2 * m, n + 1), dtype)
    c = whole[:, ::2, :n]
    matrix_product(a, b, c)
    np.testing.assert_array_equal(c, a @ b)
    c[...] = 0
    assert not whole.any()


@dtypes
def test_every_other_row(dtype):
    m, n, k = 8, 9, 7
    a, b = integers((1, 3 * m, k), dtype, 1)[:, ::3], integers((1, 2 * k, n), dtype)
    c = np.empty((1, m, n), dtype)
    matrix_product(a, b[:, 1::2], c)
    np.testing.assert_array_equal(c, a @ b[:, 1::2])


@dtypes
@transposes
@pytest.mark.parametrize("beta", [0, 1, 0.5])
def test_nothing_to_sum(beta, transpose_a, transpose_b, dtype):
    m, n = 3, 5
    a = np.empty((1, 0, m) if transpose_a else (1, m, 0), dtype)
    b = np.empty((1, n, 0) if transpose_b else (1, 0, n), dtype)
    before = integers((1, m, n), dtype)
    c = before.copy() if beta else np.full((1, m, n), np.nan, dtype)
    matrix_product(a, b, c, transpose_a=transpose_a, transpose_b=transpose_b, beta=beta)
    np.testing.assert_array_equal(c, beta * before)


@dtypes
@pytest.mark.parametrize(
    ("stack", "m", "n"), [(0, 2, 2), (1, 0, 2), (1, 2, 0), (0, 0, 0)]
)
def test_no_result(stack, m, n, dtype):
    c = np.empty((stack, m, n), dtype)
    matrix_product(np.ones((stack, m, 3), dtype), np.ones((stack, 3, n), dtype), c)


@dtypes
@transposes
@pytest.mark.parametrize("beta", [0, 1])
def test_nan_and_infinity_go_on(beta, transpose_a, transpose_b, dtype):
    # 0 * inf and 0 * nan are nan: no kernel may skip a zero.
    for m, n, k in product([1, 2, 9, 17, 33], [1, 3, 8, 17, 65], [1, 2, 9, 33]):
        a, b = integers((m, k), dtype, 1), integers((k, n), dtype, 2)
        row, inner, column = m // 2, k - 1, n // 2
        a[row, inner] = np.nan
        b[inner, column] = np.inf
        a[-1, inner] = 0 if m > 1 else a[-1, inner]
        c = np.ones((1, m, n), dtype)
        options = {"transpose_a": transpose_a, "transpose_b": transpose_b}
        matrix_product(
            stored(a, transpose_a), stored(b, transpose_b), c, beta=beta, **options
        )
        with np.errstate(invalid="ignore"):
            terms = a.astype(float)[:, :, np.newaxis] * b.astype(float)
        np.testing.assert_array_equal(c[0], terms.sum(axis=1) + beta)


@dtypes
@transposes
def test_rounding_errors_are_those_of_a_sum(transpose_a, transpose_b, dtype):
    rng = np.random.default_rng(0)
    for m, n, k in [
        (1, 1, 1000),
        (5, 3, 2000),
        (64, 64, 300),
        (200, 10, 100),
        (3, 70, 9),
    ]:
        a, b = (
            rng.normal(size=(m, k)).astype(dtype),
            rng.normal(size=(k, n)).astype(dtype),
        )
        c = np.empty((1, m, n), dtype)
        options = {"transpose_a": transpose_a, "transpose_b": transpose_b}
        matrix_product(stored(a, transpose_a), stored(b, transpose_b), c, **options)
        exact = a.astype(np.longdouble) @ b.astype(np.longdouble)
        terms = abs(a).astype(float) @ abs(b).astype(float)
        # Higham, "Accuracy and stability of numerical algorithms", 2002, section 3.5:
        # k units at worst; random signs make it about the square root.
        limit = 2 * np.sqrt(k) * np.finfo(dtype).eps * terms
        assert (abs(c[0] - exact) <= limit).all()


@dtypes
def test_the_same_bits_wherever_memory_starts(dtype):
    # The same seed gives the same bits: the allocator has no say in it.
    rng = np.random.default_rng(0)
    a, b = (
        rng.normal(size=(40, 30)).astype(dtype),
        rng.normal(size=(30, 20)).astype(dtype),
    )
    results = []
    for shift in range(5):
        memory = np.empty(a.size + 16, dtype)
        moved = memory[shift : shift + a.size].reshape(1, *a.shape)
        moved[...] = a
        c = np.empty(20 * 40 + 16, dtype)[shift : shift + 800].reshape(1, 40, 20)
        matrix_product(moved, b[np.newaxis], c)
        results.append(c[0].copy())
    for result in results[1:]:
        np.testing.assert_array_equal(result, results[0])


GUARDED = """
import ctypes, mmap
from itertools import product
import numpy as np
from fastnn.engine.cpu.blas import matrix_product

PAGE = mmap.PAGESIZE
LIBC = ctypes.CDLL(None, use_errno=True)
PAGES = 16

def guarded(keep):
    "Memory that ends where the next page cannot be touched."
    memory = mmap.mmap(-1, (PAGES + 1) * PAGE)
    start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    last = ctypes.c_void_p(start + PAGES * PAGE)
    assert LIBC.mprotect(last, PAGE, 0) == 0
    keep.append(memory)
    return np.frombuffer(memory, np.uint8, PAGES * PAGE)

keep = []
memory = [guarded(keep) for _ in range(3)]

def at_the_end(which, shape, dtype):
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    return memory[which][len(memory[which]) - size :].view(dtype).reshape(1, *shape)

sizes = %s
for dtype in (np.float32, np.float64):
    for m, n, k in product(sizes, sizes, sizes):
        for transpose_a, transpose_b in product([False, True], repeat=2):
            a = at_the_end(0, (k, m) if transpose_a else (m, k), dtype)
            b = at_the_end(1, (n, k) if transpose_b else (k, n), dtype)
            c = at_the_end(2, (m, n), dtype)
            a.fill(1), b.fill(1), c.fill(1)
            for beta in (0, 1):
                matrix_product(a, b, c, beta=beta, transpose_a=transpose_a,
                               transpose_b=transpose_b)
            assert (c == 2 * k).all()
print("nothing outside was touched")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="protects pages by mprotect")
def test_nothing_behind_the_matrices_is_read_or_written():
    # In a process of its own, which a touch of the guarded page would end.
    done = subprocess.run(
        [sys.executable, "-c", GUARDED % EDGES],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr or f"signal {-done.returncode}"
    assert "nothing outside" in done.stdout


@pytest.mark.parametrize(
    ("a", "b", "c"),
    [
        ((1, 2, 3), (1, 4, 5), (1, 2, 5)),
        ((1, 2, 3), (1, 3, 5), (1, 3, 5)),
        ((2, 2, 3), (1, 3, 5), (2, 2, 5)),
        ((2, 2, 3), (2, 3, 5), (1, 2, 5)),
    ],
)
def test_shapes_must_fit(a, b, c):
    with pytest.raises(ValueError, match="must have the shapes"):
        matrix_product(np.ones(a), np.ones(b), np.ones(c))


def test_last_axis_must_be_contiguous():
    a, b, c = np.ones((1, 2, 6)), np.ones((1, 3, 5)), np.ones((1, 2, 5))
    with pytest.raises(ValueError, match="last axis of a"):
        matrix_product(a[:, :, ::2], b, c)


@pytest.mark.parametrize(
    "rows", [np.broadcast_to(np.ones(3), (1, 2, 3)), np.ones((1, 2, 3))[:, ::-1]]
)
def test_rows_that_blas_cannot_step_through_are_refused(rows):
    # Rows one upon the other, or in reverse: BLAS knows neither.
    with pytest.raises(ValueError, match="rows of a"):
        matrix_product(rows, np.ones((1, 3, 5)), np.ones((1, 2, 5)))
