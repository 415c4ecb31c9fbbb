"""The CUDA kernels of csrc in the host's memory: see cuda_emulation.h.

With FASTNN_TEST_CARD set, ``make test-cuda``, tests of them run on this machine's card.
"""

import ctypes
import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
import warnings
import weakref
from concurrent.futures import ThreadPoolExecutor
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
import pytest
from pairs import WHOLE

from fastnn.engine.cuda.device import find_device, import_cupy
from fastnn.engine.cuda.gpu import GPU
from fastnn.engine.device import DeviceArray, no_memory

HERE = Path(__file__).resolve().parent
CSRC = HERE.parent / "csrc"
# Several processes of a run load them, and they are compiled by the first.
COMPILED = HERE.parent / "build" / "emulation"
FLAGS = ["-std=c++17", "-O1", "-w", "-fPIC", "-U_FORTIFY_SOURCE", f"-I{CSRC}"]

# Around every buffer: whatever is read there spreads, and nothing may be written.
GUARD_BYTES = 512
GUARD_BYTES_THERE = np.full(GUARD_BYTES // 8, np.nan).tobytes()
GUARD = np.frombuffer(GUARD_BYTES_THERE, np.uint8)


def compile_kernels(compiler, folder):
    """The name of a library of all kernels; None if one of them does not compile."""
    sources = sorted(CSRC.rglob("*.cu"))

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
    if not CSRC.exists():
        return "needs the checkout"
    with tempfile.TemporaryDirectory() as folder:
        probe = [compiler, *FLAGS, "-include", str(HERE / "cuda_emulation.h"), "-xc++"]
        probe += ["-", "-o", str(Path(folder) / "probe")]
        source = "int main() { return (int)(long)makecontext == 1; }"
        if subprocess.run(
            probe, input=source, capture_output=True, text=True
        ).returncode:
            return "the compiler or the C library has no <ucontext.h>"
    return ctypes.CDLL(compiled_once(compiler))


def compiled_once(compiler):
    """The library of these very sources, from an earlier run or compiled now."""
    version = subprocess.run([compiler, "--version"], capture_output=True, check=True)
    digest = hashlib.sha256(version.stdout + " ".join(FLAGS).encode())
    sources = [*CSRC.rglob("*.cu"), *CSRC.rglob("*.h"), HERE / "cuda_emulation.h"]
    for source in sorted(sources):
        digest.update(source.read_bytes())
    path = COMPILED / f"{digest.hexdigest()}.so"
    COMPILED.mkdir(parents=True, exist_ok=True)
    with open(COMPILED / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            for old in COMPILED.glob("*.so"):
                old.unlink()
            with tempfile.TemporaryDirectory(dir=COMPILED) as folder:
                os.replace(compile_kernels(compiler, folder), path)
    return str(path)


def emulated_device(**options):
    """An :class:`EmulatedDevice`; skips where kernels cannot be compiled."""
    library = load_library()
    if isinstance(library, str):
        pytest.skip(library)
    return EmulatedDevice(library, **options)


class Card(GPU):
    """The card of this machine, with what tests ask of the emulation."""

    n_bytes = None  # as much memory is it to seem to have free

    def free_bytes(self):
        return super().free_bytes() if self.n_bytes is None else self.n_bytes

    def check(self):
        """That no kernel has failed: errors come out late."""
        import_cupy().cuda.runtime.deviceSynchronize()


def device_under_test(**options):
    """The card of this machine where that is asked for, else an emulated device."""
    if "FASTNN_TEST_CARD" not in os.environ:
        return emulated_device(**options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what CuPy has to say when it is imported
        try:
            find_device("cuda")
        except RuntimeError as missing:
            pytest.exit(f"FASTNN_TEST_CARD is set, but {missing}", returncode=1)
    cupy = import_cupy()
    card = Card(cupy, cupy.cuda.runtime.getDevice())
    vars(card).update(options)
    return card


class Memory:
    """Numbers between two guards, at first not a number."""

    def __init__(self, raw, array, claim):
        self.raw, self.array = raw, array
        self.claim = claim  # of which the device has lent its bytes

    @property
    def address(self):
        return self.array.ctypes.data

    def after(self, first):
        return Memory(self.raw, self.array[first:], self.claim)


class Claim:
    """So many bytes of a device, for as long as it lives."""

    def __init__(self, device, n_bytes):
        if n_bytes > device.free_bytes():
            raise no_memory(n_bytes, device.free_bytes())
        device.held += n_bytes
        device.most_held = max(device.most_held, device.held)
        weakref.finalize(self, device.give_back, n_bytes)


class Transfer:
    """Copies that a device makes as late as it may."""

    def __init__(self, device, pairs):
        self._device, self._pairs = device, pairs
        self._copied = None
        for array, buffer in pairs:
            assert array.ndim == 1
            assert array.dtype == buffer.array.dtype
            assert any(np.may_share_memory(array, each) for each in device.all_pinned)
            for other in device.in_flight:
                assert not any(
                    np.may_share_memory(array, each) for each in other.arrays
                )
            # From now on they may be there or not.
            wipe(buffer.array[: array.size])
        device.in_flight.append(self)

    @property
    def arrays(self):
        return [array for array, _ in self._pairs]

    def join(self):
        self._arrive()

    def _arrive(self):
        if self._copied is None:
            self._copied = [array.copy() for array in self.arrays]
            for (array, buffer), copy in zip(self._pairs, self._copied, strict=True):
                buffer.array[: array.size] = copy

    def wait(self):
        self._arrive()
        # Whoever has only joined it does not know when they were copied.
        for array, copy in zip(self.arrays, self._copied, strict=True):
            np.testing.assert_array_equal(array, copy)
        if self in self._device.in_flight:
            self._device.in_flight.remove(self)


def wipe(array):
    array[...] = np.nan if array.dtype.kind == "f" else 85


class EmulatedDevice:
    """Runs kernels as a device does, one after another, and watches them."""

    reverse = False  # the order in which threads run
    # Small launches leave most threads of a block idle, and they take longer to emulate
    # than all that is computed. Kernels are right in blocks of any size.
    most_threads = 256 if WHOLE else 64

    def __init__(self, library, n_bytes=2**40):
        self.library, self.n_bytes = library, n_bytes
        self.held = self.most_held = 0
        self._memory = []
        self.all_pinned, self.in_flight = [], []

    def free_bytes(self):
        return self.n_bytes - self.held

    def give_back(self, n_bytes):
        self.held -= n_bytes

    def empty(self, size, dtype):
        dtype = np.dtype(dtype)
        size = max(size, 1)
        claim = Claim(self, size * dtype.itemsize)
        raw = np.empty(size * dtype.itemsize + 2 * GUARD_BYTES, np.uint8)
        raw[:GUARD_BYTES] = raw[-GUARD_BYTES:] = GUARD
        array = raw[GUARD_BYTES:-GUARD_BYTES].view(dtype)
        wipe(array)
        self._memory.append(raw)
        return Memory(raw, array, claim)

    def pinned(self, size, dtype):
        array = np.empty(max(size, 1), dtype)
        wipe(array)
        self.all_pinned.append(array)
        return array

    def send(self, pairs):
        return Transfer(self, pairs)

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

    def prepare(self, shape, dtype):
        size = int(np.prod(shape))
        return DeviceArray(self.empty(size, dtype), shape, np.dtype(dtype))

    def cast(self, array, dtype):
        if array.dtype == dtype:
            return array
        with np.errstate(over="ignore"):
            own = array.buffer.array[: array.size].astype(dtype)
        buffer = self.empty(own.size, dtype)
        buffer.array[: own.size] = own
        return DeviceArray(buffer, array.shape, own.dtype)

    def kernel(self, stem, name):
        function = getattr(self.library, name)

        def run(grid, block, arguments):
            assert grid >= 1
            assert block[0] * block[1] <= 256
            assert (block[0] * block[1]).bit_count() == 1
            _, pointers = as_in_c(*arguments)
            self._set("emulation_reversed", self.reverse)
            own = self._fewer_threads(*block)
            function((ctypes.c_int * 1)(grid), (ctypes.c_int * 2)(*own), pointers)

        return run

    def _fewer_threads(self, columns, rows):
        """As many columns, for which a grid is made, and fewer rows if it has any."""
        while columns * rows > self.most_threads and rows > 1:
            rows //= 2
        return min(columns, self.most_threads), rows

    def product(self, product):
        dtype, precision = product.dtype, product.precision
        m, n, k, beta = product.m, product.n, product.k, product.beta

        def run():
            for i in range(product.count):
                left = rounded(matrix(product.a, i, (m, k), dtype), precision)
                right = rounded(matrix(product.b, i, (k, n), dtype), precision)
                result = matrix(product.c, i, (m, n), dtype)
                found = left @ right
                result[...] = found if beta == 0 else beta * result + found

        return run

    def record(self, calls):
        calls = list(calls)

        def run():
            for call in calls:
                call()

        return run

    def check(self):
        """That no guard was written to, that all threads came to each barrier, and that
        all copies were waited for."""
        assert not self.in_flight
        for raw in self._memory:
            for guard in (raw[:GUARD_BYTES], raw[-GUARD_BYTES:]):
                assert guard.tobytes() == GUARD_BYTES_THERE
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


# Steps launch the same kernels with the same arguments again and again.
@lru_cache(4096, typed=True)
def as_in_c(*arguments):
    """Arguments as C has them, and where they lie."""
    values = [number(argument) for argument in arguments]
    return values, (ctypes.c_void_p * len(values))(*map(ctypes.addressof, values))


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
    address, lead, stride = operand.address, operand.lead, operand.stride
    transposed = operand.transposed
    if transposed:
        shape = shape[::-1]
    size = (shape[0] - 1) * lead + shape[1]
    start = address + i * stride * dtype.itemsize
    memory = (ctypes.c_char * (size * dtype.itemsize)).from_address(start)
    view = np.ndarray(shape, dtype, memory, 0, (lead * dtype.itemsize, dtype.itemsize))
    return view.T if transposed else view
