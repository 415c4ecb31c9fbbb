"""What one core of this machine can do: operations, products, updates, bytes."""

import ctypes
import subprocess
import sysconfig
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import as_strided

from benchmarks.timing import seconds_per_call
from fastnn.engine.cpu.blas import matrix_product
from fastnn.engine.engine import Engine
from fastnn.initializers import Zeros
from fastnn.losses import SquaredError
from fastnn.optimizers import Adam
from fastnn.plan import ops
from fastnn.plan.tape import Tape
from fastnn.regularizers import SklearnL2

SECONDS = 0.05


@cache
def probes():
    """The loops of probes.c; needs a C compiler."""
    compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
    source = Path(__file__).with_name("probes.c")
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "probes.so"
        flags = ["-O3", "-march=native", "-funroll-loops", "-shared", "-fPIC"]
        subprocess.run([compiler, *flags, source, "-o", library], check=True)
        found = ctypes.CDLL(library)
    pointers = [ctypes.c_void_p] * 3
    found.fma_rounds.argtypes = [ctypes.c_long]
    found.gather_rows.argtypes = found.scatter_rows.argtypes = [
        ctypes.c_long,
        *pointers,
    ]
    found.fma_rounds.restype = found.gather_rows.restype = ctypes.c_float
    return found


def peak_operations():
    """Fused multiply-adds per second, times two."""
    rounds = 100_000
    seconds = seconds_per_call(lambda: probes().fma_rounds(rounds), SECONDS)
    return rounds * 16 * 16 * 2 / seconds


@cache
def seconds_per_sparse_number(n_columns):
    """Of one number of a random sparse X that meets a row of 16 numbers in a kernel of
    so many rows, and then in its gradient."""
    n = 2**16
    rng = np.random.default_rng(0)
    columns = rng.integers(0, n_columns, n, dtype=np.int32)
    values = np.ones(n, np.float32)
    total = 0.0
    for probe in (probes().gather_rows, probes().scatter_rows):
        rows = aligned((n_columns, 16))
        arguments = [array.ctypes.data for array in (columns, values, rows)]
        total += seconds_per_call(lambda p=probe, a=arguments: p(n, *a), SECONDS) / n
    return total


def aligned(shape):
    """Ones that start on a cache line, as the buffers of a fit do."""
    size = int(np.prod(shape))
    memory = np.ones(size + 16, np.float32)
    first = -memory.ctypes.data % 64 // 4
    return memory[first : first + size].reshape(shape)


@cache
def product_seconds(m, k, n, transpose_a=False, transpose_b=False):
    """Of a product of this shape, its operands warm.

    The door takes stacks of matrices; here all of a stack are the same one, so that
    the call from Python does not count.
    """
    count = max(1, min(1_000, 10_000_000 // (m * k * n)))
    shapes = (
        (k, m) if transpose_a else (m, k),
        (n, k) if transpose_b else (k, n),
        (m, n),
    )
    a, b, c = (
        as_strided(one, (count, *one.shape), (0, *one.strides))
        for one in map(aligned, shapes)
    )
    seconds = seconds_per_call(
        lambda: matrix_product(
            a, b, c, transpose_a=transpose_a, transpose_b=transpose_b
        ),
        SECONDS,
    )
    return seconds / count


@cache
def bandwidth(n_bytes):
    """Bytes read and written per second within ``n_bytes``: a copy, or in place."""
    n = max(2_048, min(n_bytes, 2**28) // 8)
    both = np.ones(2 * n, np.float32)
    source, target = both[:n], both[n:]
    few = np.ones(1, np.float32)
    least = seconds_per_call(lambda: np.copyto(few, few), SECONDS)
    copy = seconds_per_call(lambda: np.copyto(target, source), SECONDS)
    scale = seconds_per_call(lambda: np.multiply(both, 1, out=both), SECONDS)
    return max(both.nbytes / (copy - least), 2 * both.nbytes / (scale - least))


def idle_step(n_parameters):
    """Seconds of a step that does little but update so many parameters."""
    optimizer = Adam()
    tape = Tape()
    x = tape.input((1,))
    bias = tape.parameter("bias", (1,), Zeros(), fan_in=1, fan_out=1)
    shape, penalty = (n_parameters,), SklearnL2(1e-4)
    tape.parameter("idle", shape, Zeros(), fan_in=1, fan_out=1, regularizer=penalty)
    plan = tape.finish(SquaredError().lower(tape, ops.add(tape, x, bias)))
    n_steps = 20
    one = np.ones((n_steps, 1), np.float32)
    engine = Engine(
        plan,
        np.ones(plan.n_parameters, np.float32),
        one,
        one,
        batch_size=1,
        optimizer=optimizer,
        state=np.ones((optimizer.n_slots, plan.n_parameters), np.float32),
    )
    table = optimizer.table(1, n_steps, 1e-3)
    with engine:
        return seconds_per_call(lambda: engine.epoch(table), SECONDS) / n_steps


@cache
def step_overhead():
    """Seconds of a step that has next to nothing to compute."""
    return idle_step(1)


@cache
def seconds_per_update():
    """Of one parameter by Adam, with all of them in a near cache."""
    return (idle_step(8_192) - idle_step(1)) / 8_191
