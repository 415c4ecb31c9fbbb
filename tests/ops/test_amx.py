"""AMX: its registers are asked for, configured and given back; all of it emulated."""

import ctypes
import multiprocessing
import os
import threading

import numpy as np
import pytest
from amx import counters, emulated_product, emulation

from fastnn.engine.cpu.precision import matrix_unit
from fastnn.plan.tables import INSTRUCTION_LIMIT

OSXSAVE, AMX_BF16, AMX_TILE, TILE_STATES = 1 << 27, 1 << 22, 1 << 24, 3 << 17
AMX_BITS = AMX_BF16 | AMX_TILE

precisions = pytest.mark.parametrize("precision", ["bf16", "high"])


def matrices(m=50, n=40, k=70):
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(m, k)), rng.normal(size=(k, n))
    return a.astype(np.float32), b.astype(np.float32), np.empty((m, n), np.float32)


@precisions
@pytest.mark.parametrize("special", [0, np.nan])
def test_tiles_are_released(precision, special):
    multiply = emulated_product(precision)
    loads, releases, mistakes = counters()
    assert loads == releases
    a, b, c = matrices()
    a[0, 0] += special
    for _ in range(3):
        multiply(a, b, c)
    assert counters() == [loads + 3, releases + 3, mistakes]
    assert mistakes == 0


@precisions
def test_nothing_to_sum(precision):
    c = np.full((20, 20), np.nan, np.float32)
    multiply = emulated_product(precision)
    empty = np.empty((20, 20), np.float32)
    multiply(empty[:, :0], empty[:0], c)
    assert not c.any()
    multiply(empty[:, :0], empty[:0], np.add(c, 1, out=c), beta=1)
    assert (c == 1).all()


@precisions
def test_threads_that_start_later(precision):
    multiply = emulated_product(precision)
    a, b, expected = matrices()
    multiply(a, b, expected)
    results = [np.zeros_like(expected) for _ in range(4)]

    def work(c):
        for _ in range(5):
            multiply(a, b, c)

    threads = [threading.Thread(target=work, args=(c,)) for c in results]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for c in results:
        np.testing.assert_array_equal(c, expected)
    assert counters()[2] == 0


def multiply_in_child(connection, precision):
    a, b, c = matrices()
    emulated_product(precision)(a, b, c)
    connection.send((c, counters()[2]))
    connection.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="has no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@precisions
def test_a_forked_child(precision):
    a, b, expected = matrices()
    emulated_product(precision)(a, b, expected)
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=multiply_in_child, args=(sender, precision))
    child.start()
    sender.close()
    try:
        assert receiver.poll(20), "the child hangs"
        c, mistakes = receiver.recv()
    finally:
        child.kill()
        child.join()
    np.testing.assert_array_equal(c, expected)
    assert mistakes == 0


# --------------------------------------------------------------------------- the choice


@pytest.fixture
def processor():
    """Set what the processor and the system answer; and count the requests."""
    library = emulation()

    def answer(leaf_1=OSXSAVE, leaf_7=AMX_BITS, xcr0=TILE_STATES | 0xE7, permission=0):
        ctypes.c_uint.in_dll(library, "fake_leaf_1_ecx").value = leaf_1
        ctypes.c_uint.in_dll(library, "fake_leaf_7_edx").value = leaf_7
        ctypes.c_ulonglong.in_dll(library, "fake_xcr0").value = xcr0
        ctypes.c_long.in_dll(library, "fake_permission").value = permission
        requests = ctypes.c_int.in_dll(library, "fake_requests")
        requests.value = 0
        units = library.find_matrix_unit_bf16(), library.find_matrix_unit_high()
        return *(unit.name for unit in units), requests.value

    return answer


@pytest.fixture
def without_amx():
    """What serves bf16 where there is no AMX. The choice asks the real processor."""
    if matrix_unit("bf16") is None or INSTRUCTION_LIMIT != "amx":
        pytest.skip("the processor does not convert to bfloat16, or must not")
    return b"AVX512-BF16"


def test_amx_is_taken_where_it_may_be_used(processor, without_amx):
    assert processor() == (b"AMX", b"AMX", 2)
    library = emulation()
    for unit, kernel in (
        (library.find_matrix_unit_bf16(), library.product_amx_bf16),
        (library.find_matrix_unit_high(), library.product_amx_high),
    ):
        assert unit.kernel == ctypes.cast(kernel, ctypes.c_void_p).value


@pytest.mark.parametrize(
    "lacking",
    [
        {"leaf_1": 0},
        {"leaf_7": AMX_TILE},
        {"leaf_7": AMX_BF16},
        {"leaf_7": 0},
        {"xcr0": 0xE7},
        {"xcr0": 0xE7 | 1 << 17},
        {"xcr0": 0xE7 | 1 << 18},
    ],
)
def test_nothing_is_asked_for_that_is_not_there(lacking, processor, without_amx):
    assert processor(**lacking) == (without_amx, None, 0)


def test_a_refusal_is_silent(processor, without_amx):
    # The kernel refuses, for example, where a thread has a small stack for signals.
    assert processor(permission=-1) == (without_amx, None, 2)
