"""As much of CuPy as the CUDA engine uses, over emulated kernels and NumPy products."""

import re
from itertools import cycle
from types import SimpleNamespace

import numpy as np
from emulation import EmulatedDevice, matrix, rounded
from fake_arrays import CUDA, PRESENT, Card, Event, LateStream, Stream, ndarray

from fastnn.engine.device import Matrix

HANDLE = 7

# Of what CuPy's pool has taken of the card, and lends nobody.
CACHED_BYTES = 512


class CUDARuntimeError(RuntimeError):
    pass


class CapturableStream(Stream):
    """Not the default one, which cannot be captured."""

    def begin_capture(self):
        assert self.calls is None
        self.calls = []

    def end_capture(self):
        calls, self.calls = self.calls, None

        def launch(stream):
            for call in calls:
                stream.do(call)

        return SimpleNamespace(launch=launch)


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
                    matrix(
                        Matrix(at, lead, *(stride or [0]), not turned), i, shape, dtype
                    )
                    for (at, _, lead, *stride), turned, shape in parts
                )
                product = scale * (rounded(left, precision) @ rounded(right, precision))
                result[...] = product if kept == 0 else kept * result + product

        self._stream.do(run)
        return 0


class Bare:
    """An array of which only ``__cuda_array_interface__`` is known."""

    def __init__(self, array):
        self.array = array

    shape = property(lambda self: self.array.shape)

    @property
    def __cuda_array_interface__(self):
        return {
            "shape": self.array.shape,
            "typestr": self.array.dtype.str,
            "data": (self.array.data.ptr, False),
            "version": 3,
            "stream": 1,
        }


def scalar(address, dtype):
    # As it is now: a graph keeps what it was.
    return float(matrix(Matrix(address.value, 1, 0), 0, (1, 1), dtype)[0, 0])


def fake_cupy(device: EmulatedDevice, n_cards=1, capability="90"):
    """The module, whose one card is an emulated device, and its library of cuBLAS."""
    stream = CapturableStream(5)
    streams = cycle((stream, LateStream(stream)))
    card = Card(device)

    class RawModule:
        def __init__(self, code, options):
            (self.stem,) = re.findall(r'#include "[\w/]+/(\w+)\.cu"', code)
            assert options[0] == "-std=c++17"

        def get_function(self, name):
            run = device.kernel(self.stem, name)

            def function(grid, block, arguments, stream):
                stream.do(lambda: run(*grid, block, arguments))

            return SimpleNamespace(kernel=function)

    def make_stream(non_blocking):
        assert non_blocking  # the default stream cannot be captured
        return next(streams)

    def zeros(shape, dtype):
        array = card.empty(shape, dtype)
        array._values[...] = 0
        return array

    pool = SimpleNamespace(
        get_limit=lambda: device.n_bytes,
        total_bytes=lambda: device.held + CACHED_BYTES,
        free_bytes=lambda: CACHED_BYTES,
    )

    def asarray(array, order=None):
        if isinstance(array, Bare):
            Stream.by_number[array.__cuda_array_interface__["stream"]].synchronize()
            return array.array
        if isinstance(array, np.ndarray):
            card.from_host.append(array.size)
            if array.flags.f_contiguous and not array.flags.c_contiguous:
                return ndarray(card, card.array(array.T)._values.T)
            return card.array(array)
        if order == "C" and not array._values.flags.c_contiguous:
            return card.array(array._values)
        return array

    def from_dlpack(array):
        kind, number = array.__dlpack_device__()
        assert (kind, number) == (CUDA, card.number)
        return ndarray(*array.__dlpack__(stream=PRESENT[-1].ptr, max_version=(1, 3)))

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
            Device=lambda number: SimpleNamespace(
                compute_capability=capability, mem_info=(2**41, 2**42)
            ),
            Stream=make_stream,
            Event=Event,
            alloc_pinned_memory=bytearray,
            get_current_stream=lambda: PRESENT[-1],
        ),
        ndarray=ndarray,
        empty=card.empty,
        zeros=zeros,
        asarray=asarray,
        from_dlpack=from_dlpack,
        get_default_memory_pool=lambda: pool,
        RawModule=RawModule,
        card=card,
    )
    return cupy, Cublas(stream)
