"""As much of CuPy as fastnn.cuda uses, over emulated kernels and NumPy's products."""

import re
from types import SimpleNamespace

import numpy as np
from emulation import EmulatedDevice, matrix, rounded

HANDLE = 7


class CUDARuntimeError(RuntimeError):
    pass


class Stream:
    """A queue whose work is done at once, or recorded while it is captured."""

    ptr = 5

    def __init__(self, non_blocking):
        assert non_blocking  # the default stream cannot be captured
        self.calls = None

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        return None

    def do(self, call):
        if self.calls is None:
            call()
        else:
            self.calls.append(call)

    def begin_capture(self):
        assert self.calls is None
        self.calls = []

    def end_capture(self):
        calls, self.calls = self.calls, None

        def launch(stream):
            for call in calls:
                stream.do(call)

        return SimpleNamespace(launch=launch)


class Array:
    """A flat cupy.ndarray."""

    device = SimpleNamespace(id=0)

    def __init__(self, memory):
        self._memory = memory
        self.dtype, self.size = memory.array.dtype, memory.array.size
        self.data = SimpleNamespace(
            ptr=memory.address,
            array=memory.array,
            copy_from_device_async=self._copy_from_device_async,
        )

    def __getitem__(self, key):
        start, stop, step = key.indices(self.size)
        assert step == 1
        part = self._memory.after(start)
        part.array = part.array[: stop - start]
        return Array(part)

    def set(self, array, stream):
        if array.dtype != self._memory.array.dtype or array.shape != (self.size,):
            raise TypeError(f"{array.dtype} of shape {array.shape}")
        assert stream.calls is None  # nothing is copied while steps are recorded
        self._memory.array[...] = array

    def get(self, stream, out):
        assert stream.calls is None
        assert out.dtype == self.dtype
        out[...] = self._memory.array

    def _copy_from_device_async(self, source, n_bytes, stream):
        own = self._memory.array.view(np.uint8)
        stream.do(
            lambda: np.copyto(own[:n_bytes], source.array.view(np.uint8)[:n_bytes])
        )


class Cublas:
    """The library of cuBLAS, with the one stream that its handle is given."""

    TYPES = {0: np.float32, 1: np.float64}  # noqa: RUF012
    COMPUTES = {68: None, 70: None, 75: "bf16", 77: "tf32"}  # noqa: RUF012

    def __init__(self, stream):
        self._stream = stream

    def cublasSetStream_v2(self, handle, stream):
        assert (handle, stream) == (HANDLE, self._stream.ptr)
        self.workspace = None
        return 0

    def cublasSetWorkspace_v2(self, handle, address, size):
        self.workspace = address
        return 0 if size >= 2**20 else 7

    def cublasGetStatusString(self, status):
        return b"CUBLAS_STATUS_INVALID_VALUE"

    def cublasGemmEx(self, handle, *arguments):
        *start, compute, algorithm = arguments
        return self.multiply(handle, *start, 1, compute, algorithm, strided=False)

    def cublasGemmStridedBatchedEx(self, handle, *arguments):
        return self.multiply(handle, *arguments, strided=True)

    def multiply(self, handle, ta, tb, m, n, k, alpha, *rest, strided):
        """c = alpha op(a) @ op(b) + beta c, column by column, as BLAS has it."""
        assert handle == HANDLE
        assert self.workspace is not None
        assert min(m, n, k) > 0
        width = 4 if strided else 3
        a, b = rest[:width], rest[width : 2 * width]
        beta, c = rest[2 * width], rest[2 * width + 1 : -3]
        count, compute, algorithm = rest[-3:]
        assert algorithm == -1
        if a[2] < (k if ta else m) or b[2] < (n if tb else k) or c[2] < m:
            return 7
        dtype = np.dtype(self.TYPES[a[1]])
        assert a[1] == b[1] == c[1]
        precision = self.COMPUTES[compute]
        scale, kept = (scalar(each, dtype) for each in (alpha, beta))

        def run():
            for i in range(count):
                parts = (a, ta, (m, k)), (b, tb, (k, n)), (c, 0, (m, n))
                left, right, result = (
                    matrix((at, lead, *(stride or [0]), not turned), i, shape, dtype)
                    for (at, _, lead, *stride), turned, shape in parts
                )
                product = scale * (rounded(left, precision) @ rounded(right, precision))
                result[...] = product if kept == 0 else kept * result + product

        self._stream.do(run)
        return 0


def scalar(address, dtype):
    # As it is now: a graph keeps what it was.
    return float(matrix((address.value, 1, 0, False), 0, (1, 1), dtype)[0, 0])


def fake_cupy(device: EmulatedDevice, n_cards=1, capability="90"):
    """The module, whose one card is an emulated device, and its library of cuBLAS."""
    stream = Stream(non_blocking=True)

    class RawModule:
        def __init__(self, code, options):
            (self.stem,) = re.findall(r'#include "cuda/(\w+)\.cu"', code)
            assert options[0] == "-std=c++17"

        def get_function(self, name):
            run = device.kernel(self.stem, name)

            def function(grid, block, arguments, stream):
                stream.do(lambda: run(*grid, block, arguments))

            return SimpleNamespace(kernel=function)

    def make_stream(non_blocking):
        assert non_blocking
        return stream

    runtime = SimpleNamespace(
        CUDARuntimeError=CUDARuntimeError,
        getDeviceCount=lambda: n_cards,
        runtimeGetVersion=lambda: 13020,
        driverGetVersion=lambda: 13000,
        getDevice=lambda: 0,
        getDeviceProperties=lambda number: {
            "name": b"Emulated card",
            "totalGlobalMem": 80 * 2**30,
        },
    )
    cupy = SimpleNamespace(
        __version__="14.0.fake",
        cuda=SimpleNamespace(
            runtime=runtime,
            cublas=SimpleNamespace(create=lambda: HANDLE, destroy=lambda handle: None),
            nvrtc=SimpleNamespace(getVersion=lambda: (13, 0)),
            Device=lambda number: SimpleNamespace(compute_capability=capability),
            Stream=make_stream,
        ),
        empty=lambda size, dtype: Array(device.empty(size, dtype)),
        zeros=lambda size, dtype: Array(device.zeros(size, dtype)),
        RawModule=RawModule,
    )
    return cupy, Cublas(stream)
