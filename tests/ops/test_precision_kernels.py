"""Products in bfloat16, by the processor's instructions and by emulated ones."""

from itertools import product

import numpy as np
import pytest
from amx import emulated_product

from fastnn.engine.cpu.blas import matrix_product
from fastnn.engine.cpu.precision import matrix_unit

TINY = np.finfo(np.float32).tiny
LARGEST = np.finfo(np.float32).max
TRANSPOSES = list(product([False, True], repeat=2))

transposes = pytest.mark.parametrize(("transpose_a", "transpose_b"), TRANSPOSES)


def native_product(a, b, c, **options):
    done = matrix_product(a[None], b[None], c[None], precision="bf16", **options)
    assert done, "it was taken in float32"


@pytest.fixture(params=["native bf16", "emulated bf16", "emulated high"])
def unit(request):
    """Name, kind of rounding and product of a unit; the smallest size that it takes."""
    how, precision = request.param.split()
    if how == "emulated":
        return precision, emulated_product(precision), 1
    if matrix_unit("bf16") is None:
        pytest.skip("the processor does not compute in bfloat16")
    return precision, native_product, 24


def rounded(x):
    """To the nearest bfloat16, of two equally near to the one whose last bit is 0."""
    bits = np.ascontiguousarray(x, np.float32).view(np.uint32).astype(np.uint64)
    bits = (bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000
    return bits.astype(np.uint32).view(np.float32)


def stored(matrix, transposed):
    return np.ascontiguousarray(matrix.T if transposed else matrix)


def multiply(unit, a, b, c, transpose_a, transpose_b, beta=0):
    options = {"transpose_a": transpose_a, "transpose_b": transpose_b, "beta": beta}
    unit[1](stored(a, transpose_a), stored(b, transpose_b), c, **options)
    return c


def sizes(unit):
    """Where strips of 16, pairs, tiles of 32 and blocks begin and end."""
    least = unit[2]
    small = [s for s in (1, 2, 15, 16, 17, 24, 31, 32, 33, 47, 65) if s >= least]
    cases = [
        case
        for i, case in enumerate(product(small, small, small))
        if least > 1 or i % 7 == 0
    ]
    return [*cases, (257, 33, 40), (30, 1025, 40), (30, 33, 513)]


@transposes
def test_whole_numbers_are_exact(unit, transpose_a, transpose_b):
    # So small that bfloat16 holds them, and float32 their sums.
    rng = np.random.default_rng(0)
    for i, (m, n, k) in enumerate(sizes(unit)):
        a = rng.integers(-9, 10, (m, k)).astype(np.float32)
        b = rng.integers(-9, 10, (k, n)).astype(np.float32)
        around = rng.integers(-9, 10, (m + 1, n + 2)).astype(np.float32)
        before = around.copy()
        c, beta = around[:m, :n], (0, 1, 0.5)[i % 3]
        if not beta:
            c.fill(np.nan)  # it must not be read
        multiply(unit, a, b, c, transpose_a, transpose_b, beta)
        assert np.array_equal(c, a @ b + beta * before[:m, :n]), (m, n, k)
        c[...] = before[:m, :n]
        assert np.array_equal(around, before), (m, n, k, "wrote outside of c")


@transposes
def test_rounding(unit, transpose_a, transpose_b):
    precision = unit[0]
    rng = np.random.default_rng(0)
    for m, n, k in [(40, 30, 64), (33, 47, 130), (25, 70, 600)]:
        a = rng.normal(size=(m, k)).astype(np.float32)
        b = rng.normal(size=(k, n)).astype(np.float32)
        c = multiply(unit, a, b, np.empty((m, n), np.float32), transpose_a, transpose_b)
        if precision == "bf16":
            a, b = rounded(a), rounded(b)
        exact = a.astype(float) @ b.astype(float)
        terms = abs(a).astype(float) @ abs(b).astype(float)
        # As of a sum in float32: Higham, "Accuracy and stability of numerical
        # algorithms", 2002, section 3.5, with random signs.
        assert (abs(c - exact) <= 2 * np.sqrt(k) * 2.0**-24 * terms).all()


def test_high_is_as_exact_as_float32():
    rng = np.random.default_rng(0)
    a = rng.normal(size=(128, 512)).astype(np.float32)
    b = rng.normal(size=(512, 128)).astype(np.float32)
    exact = a.astype(float) @ b.astype(float)
    c, d = np.empty((2, 128, 128), np.float32)
    emulated_product("high")(a, b, c)
    matrix_product(a[None], b[None], d[None])
    scale = np.sqrt(512)
    assert abs(c - exact).mean() <= abs(d - exact).mean()
    assert abs(c - exact).max() / scale < 2e-6


def test_halves_round_to_even(unit):
    # 1 + 2^-8 lies between two bfloat16, and so does 1 + 3 * 2^-8.
    if unit[0] == "high":
        pytest.skip("it loses no bits")
    a, b = np.zeros((32, 32), np.float32), np.eye(32, dtype=np.float32)
    a[0, :4] = [1 + 2**-8, 1 + 3 * 2**-8, -1 - 2**-8, 1 + 2**-8 + 2**-20]
    c = multiply(unit, a, b, np.empty_like(a), False, False)
    assert c[0, :4].tolist() == [1, 1 + 2**-6, -1, 1 + 2**-7]


# ------------------------------------------------------------ what splitting breaks


def in_float32(a, b, c, beta):
    """c = beta c + a b, with float32's own NaN and infinities."""
    before = c.copy()
    matrix_product(a[None], b[None], before[None], beta=beta)
    return before


@transposes
@pytest.mark.parametrize("beta", [0, 1])
@pytest.mark.parametrize(
    "special", [np.nan, np.inf, -np.inf, LARGEST, -LARGEST, np.float32(3.4e38)]
)
def test_infinities_and_nan_are_those_of_float32(
    unit, special, beta, transpose_a, transpose_b
):
    # inf - bfloat16(inf) is NaN, inf * 0 too, and the largest numbers round to inf.
    rng = np.random.default_rng(0)
    m, n, k = 50, 70, 40
    a = rng.normal(size=(m, k)).astype(np.float32)
    b = rng.integers(-3, 4, (k, n)).astype(np.float32) / 4
    a[3, 5] = a[40, 0] = special
    b[k - 1, 66] = special
    b[5, :9] = 0
    a[45:48, k - 1] = 0
    c = np.ones((m, n), np.float32)
    expected = in_float32(a, b, c, beta)
    with np.errstate(over="ignore", invalid="ignore"):
        multiply(unit, a, b, c, transpose_a, transpose_b, beta)
    touched = ~np.isfinite(expected) | (abs(expected) > 1e30)
    assert touched[3].any()
    assert touched[:, 66].any()
    np.testing.assert_array_equal(np.isnan(c), np.isnan(expected))
    np.testing.assert_allclose(c[touched], expected[touched], rtol=1e-5)
    np.testing.assert_allclose(c[~touched], expected[~touched], atol=0.1)


def test_sums_that_overflow_are_those_of_float32(unit):
    # Sums overflow and products do not: infinite products of both signs are infinite
    # together where the compiler adds them up in one instruction, and NaN elsewhere.
    a = np.full((32, 32), 1e19, np.float32)
    a[16:, ::3] *= -1
    b, c = abs(a), np.zeros((32, 32), np.float32)
    expected = in_float32(a, b, c, 0)
    assert np.isinf(expected).all()
    np.testing.assert_array_equal(multiply(unit, a, b, c, False, False), expected)


def test_denormals_count_as_zero(unit):
    a = np.full((32, 32), TINY / 2, np.float32)
    b = np.full((32, 32), 2.0**20, np.float32)
    c = np.full((32, 32), np.nan, np.float32)
    assert (multiply(unit, a, b, c, False, False) == 0).all()
    assert (multiply(unit, b, a, c, False, False) == 0).all()
    # As do products that are too small.
    a = np.full((32, 32), 2.0**-80, np.float32)
    assert (multiply(unit, a, a, c, False, False) == 0).all()


def test_low_parts_of_numbers_near_the_smallest_are_lost(unit):
    # "high" holds 24 bits of numbers above 2^24 times the smallest; below, what is left
    # of a number after 8 or 16 bits is denormal, or becomes so.
    rng = np.random.default_rng(0)
    b = np.diag(np.full(32, 2.0**60)).astype(np.float32)
    c = np.empty((32, 32), np.float32)
    mantissa = rng.uniform(1, 2, (32, 32)).astype(np.float32)
    for power, high in [(0, 2.0**-8), (8, 2.0**-8), (12, 2.0**-12), (26, 2.0**-24)]:
        a = mantissa * TINY * np.float32(2.0**power)
        exact = a.astype(float) * 2.0**60
        error = abs(multiply(unit, a, b, c, False, False) - exact) / exact
        assert error.max() <= (high if unit[0] == "high" else 2.0**-8), power
        assert error.max() <= 2.0**-8


@transposes
def test_the_same_bits_wherever_memory_starts(unit, transpose_a, transpose_b):
    rng = np.random.default_rng(0)
    a = rng.normal(size=(40, 33)).astype(np.float32)
    b = rng.normal(size=(33, 50)).astype(np.float32)
    results = []
    for shift in range(5):
        memory = np.empty(40 * 33 + 16, np.float32)
        moved = memory[shift : shift + a.size].reshape(stored(a, transpose_a).shape)
        moved[...] = stored(a, transpose_a)
        c = np.empty(40 * 50 + 16, np.float32)[shift : shift + 2000].reshape(40, 50)
        options = {"transpose_a": transpose_a, "transpose_b": transpose_b}
        unit[1](moved, stored(b, transpose_b), c, **options)
        results.append(c.copy())
    for result in results[1:]:
        np.testing.assert_array_equal(result, results[0])


def test_nothing_behind_the_matrices_is_read_or_written(unit):
    # Operands are corners of matrices full of NaN, which c must not show.
    rng = np.random.default_rng(0)
    for m, n, k in [(25, 27, 29), (31, 33, 35), (49, 24, 65)]:
        for transpose_a, transpose_b in TRANSPOSES:
            wide = np.full((3, 80, 80), np.nan, np.float32)
            a = wide[0, : k if transpose_a else m, : m if transpose_a else k]
            b = wide[1, : n if transpose_b else k, : k if transpose_b else n]
            c = wide[2, :m, :n]
            a[...], b[...] = rng.normal(size=a.shape), rng.normal(size=b.shape)
            options = {"transpose_a": transpose_a, "transpose_b": transpose_b}
            unit[1](a, b, c, **options)
            exact = (a.T if transpose_a else a) @ (b.T if transpose_b else b)
            np.testing.assert_allclose(c, exact, atol=0.2)
            c.fill(np.nan)
            assert np.isnan(wide[2]).all()


def test_small_products_stay_in_float32():
    rng = np.random.default_rng(0)
    for m, n, k in [(2, 500, 500), (500, 2, 500), (500, 500, 2), (7, 7, 7)]:
        a = rng.normal(size=(1, m, k)).astype(np.float32)
        b = rng.normal(size=(1, k, n)).astype(np.float32)
        c, d = np.empty((2, 1, m, n), np.float32)
        assert not matrix_product(a, b, c, precision="bf16")
        assert not matrix_product(a, b, d)
        np.testing.assert_array_equal(c, d)


def test_float64_knows_no_precision():
    a = np.ones((1, 64, 64))
    assert not matrix_product(a, a, np.empty_like(a), precision="bf16")


def test_unknown_precision():
    a = np.ones((1, 2, 2), np.float32)
    with pytest.raises(ValueError, match=r"'high', 'tf32'\), got 'half'"):
        matrix_product(a, a, np.empty_like(a), precision="half")
