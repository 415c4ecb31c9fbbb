"""The kernels of csrc/cuda in the host's memory: see cuda_emulation.h.

With FASTNN_TEST_CARD set, ``make test-cuda``, tests of them run on this machine's card.
"""

import ctypes
import os
import shutil
import subprocess
import tempfile
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from fastnn.cuda.device import find_device, import_cupy
from fastnn.cuda.gpu import GPU
from fastnn.cuda.row_blocks import can_share_rows

HERE = Path(__file__).resolve().parent
CSRC = HERE.parent / "csrc"
FLAGS = ["-std=c++17", "-O1", "-w", "-fPIC", "-U_FORTIFY_SOURCE", f"-I{CSRC}"]

# Around every buffer: whatever is read there spreads, and nothing may be written.
GUARD_BYTES = 512
GUARD = np.frombuffer(np.full(GUARD_BYTES // 8, np.nan).tobytes(), np.uint8)


def compile_kernels(compiler, folder):
    """The name of a library of all kernels; None if one of them does not compile."""
    sources = sorted((CSRC / "cuda").glob("*.cu"))

    def compile_one(source):
        target = Path(folder) / f"{source.stem}.o"
        command = [compiler, *FLAGS, "-include", str(HERE / "cuda_emulation.h")]
        command += ["-x", "c++", "-c", str(source), "-o", str(target)]
        done = subprocess.run(command, capture_output=True, text=True)
        assert not done.returncode, done.stderr
        return str(target)

    with ThreadPoolExecutor(2) as pool:
        objects = list(pool.map(compile_one, sources))
    path = str(Path(folder) / "kernels.so")
    subprocess.run([compiler, "-shared", *objects, "-o", path], check=True)
    return path


@cache
def load_library():
    compiler = shutil.which("g++") or shutil.which("c++")
    if compiler is None:
        return "there is no C++ compiler"
    if not (CSRC / "cuda").exists():
        return "needs the checkout"
    with tempfile.TemporaryDirectory() as folder:
        probe = [compiler, *FLAGS, "-include", str(HERE / "cuda_emulation.h"), "-xc++"]
        probe += ["-", "-o", str(Path(folder) / "probe")]
        source = "int main() { return (int)(long)makecontext == 1; }"
        if subprocess.run(
            probe, input=source, capture_output=True, text=True
        ).returncode:
            return "the compiler or the C library has no <ucontext.h>"
        return ctypes.CDLL(compile_kernels(compiler, folder))


def emulated_device():
    """An :class:`EmulatedDevice`; skips where kernels cannot be compiled."""
    library = load_library()
    if isinstance(library, str):
        pytest.skip(library)
    return EmulatedDevice(library)


class Card(GPU):
    """The card of this machine, with what tests ask of the emulation."""

    def check(self):
        """That no kernel has failed: errors come out late."""
        import_cupy().cuda.runtime.deviceSynchronize()


def device_under_test():
    """The card of this machine where that is asked for, else an emulated device."""
    if "FASTNN_TEST_CARD" not in os.environ:
        return emulated_device()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what CuPy has to say when it is imported
        try:
            find_device("cuda")
        except RuntimeError as missing:
            pytest.exit(f"FASTNN_TEST_CARD is set, but {missing}", returncode=1)
    cupy = import_cupy()
    return Card(cupy, cupy.cuda.runtime.getDevice())


# How a device takes the ops of a step: as a chain of kernels, or with the rows of the
# mini-batch in blocks of threads. Which one is predicted to take less time decides.
WAYS = {"chain": 0, "row_blocks": np.inf}


def take_way(monkeypatch, way):
    monkeypatch.setattr("fastnn.cuda.row_blocks.LAUNCH_CLOCKS", WAYS[way])


def ways_of(plan):
    return WAYS if can_share_rows(plan) else ["chain"]


class Memory:
    """Numbers between two guards, at first not a number."""

    def __init__(self, raw, array):
        self.raw, self.array = raw, array

    @property
    def address(self):
        return self.array.ctypes.data

    def after(self, first):
        return Memory(self.raw, self.array[first:])


class EmulatedDevice:
    """Runs kernels as a device does, one after another, and watches them."""

    reverse = False  # the order in which threads run

    def __init__(self, library):
        self.library = library
        self._memory = []

    def empty(self, size, dtype):
        dtype = np.dtype(dtype)
        size = max(size, 1)
        raw = np.empty(size * dtype.itemsize + 2 * GUARD_BYTES, np.uint8)
        raw[:GUARD_BYTES] = raw[-GUARD_BYTES:] = GUARD
        array = raw[GUARD_BYTES:-GUARD_BYTES].view(dtype)
        array[...] = np.nan if dtype.kind == "f" else 85
        self._memory.append(raw)
        return Memory(raw, array)

    def zeros(self, size, dtype):
        memory = self.empty(size, dtype)
        memory.array[...] = 0
        return memory

    def upload(self, array, buffer):
        assert array.flags.c_contiguous
        assert array.dtype == buffer.array.dtype
        buffer.array[: array.size] = array.ravel()

    def download(self, buffer, array):
        assert array.flags.c_contiguous
        assert array.dtype == buffer.array.dtype
        array.reshape(-1)[...] = buffer.array[: array.size]

    precisions = frozenset({"tf32", "bf16"})

    def holds(self, buffer):
        return any(raw is buffer.raw for raw in self._memory)

    def copy(self, source, target, size):
        assert source.array.dtype == target.array.dtype
        assert target.array.size >= size
        target.array[:size] = source.array[:size]

    def kernel(self, stem, name):
        function = getattr(self.library, name)

        def run(grid, block, arguments):
            assert grid >= 1
            assert block[0] * block[1] <= 256
            assert (block[0] * block[1]).bit_count() == 1
            values = [number(argument) for argument in arguments]
            pointers = (ctypes.c_void_p * len(values))(*map(ctypes.addressof, values))
            self._set("emulation_reversed", self.reverse)
            function((ctypes.c_int * 1)(grid), (ctypes.c_int * 2)(*block), pointers)

        return run

    def product(self, dtype, size, a, b, c, beta, precision):
        count, m, n, k = size

        def run():
            for i in range(count):
                left = rounded(matrix(a, i, (m, k), dtype), precision)
                right = rounded(matrix(b, i, (k, n), dtype), precision)
                result = matrix((*c, False), i, (m, n), dtype)
                product = left @ right
                result[...] = product if beta == 0 else beta * result + product

        return run

    def record(self, calls):
        calls = list(calls)

        def run():
            for call in calls:
                call()

        return run

    def check(self):
        """That no guard was written to, and that all threads came to each barrier."""
        for raw in self._memory:
            for guard in (raw[:GUARD_BYTES], raw[-GUARD_BYTES:]):
                np.testing.assert_array_equal(guard, GUARD)
        mistakes = ctypes.c_int.in_dll(self.library, "emulation_mistakes")
        assert mistakes.value == 0

    def _set(self, name, value):
        ctypes.c_int.in_dll(self.library, name).value = int(value)


# Bits of the fraction of float32 that are left.
FRACTION_BITS = {"tf32": 10, "bf16": 7}


def rounded(array, precision):
    """Numbers as a matrix unit takes them, to the nearest, ties away from zero."""
    if precision is None:
        return array
    assert array.dtype == np.float32
    dropped = 23 - FRACTION_BITS[precision]
    bits = array.copy().view(np.uint32) + np.uint32(1 << dropped - 1)
    return (bits & np.uint32(0xFFFFFFFF << dropped & 0xFFFFFFFF)).view(np.float32)


def number(argument):
    """An argument as C has it: ptrdiff_t or a pointer, float or double."""
    if isinstance(argument, np.float32):
        return ctypes.c_float(argument)
    if isinstance(argument, np.float64):
        return ctypes.c_double(argument)
    assert isinstance(argument, int), type(argument)
    return ctypes.c_int64(argument)


def matrix(operand, i, shape, dtype):
    """A view of a matrix, number i of those that an operand describes."""
    address, lead, stride, transposed = operand
    if transposed:
        shape = shape[::-1]
    size = (shape[0] - 1) * lead + shape[1]
    start = address + i * stride * dtype.itemsize
    memory = (ctypes.c_char * (size * dtype.itemsize)).from_address(start)
    flat = np.frombuffer(memory, dtype)
    steps = (lead * dtype.itemsize, dtype.itemsize)
    view = np.lib.stride_tricks.as_strided(flat, shape, steps)
    return view.T if transposed else view
