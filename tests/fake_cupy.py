"""As much of CuPy as fastnn.cuda uses, over emulated kernels and NumPy's products."""

import re
from types import SimpleNamespace

import numpy as np
from emulation import EmulatedDevice, matrix


class CUDARuntimeError(RuntimeError):
    pass


class Array:
    """A flat cupy.ndarray."""

    def __init__(self, memory):
        self._memory = memory
        self.size = memory.array.size
        self.data = SimpleNamespace(ptr=memory.address)

    def __getitem__(self, key):
        start, stop, step = key.indices(self.size)
        assert step == 1
        part = self._memory.after(start)
        part.array = part.array[: stop - start]
        return Array(part)

    def set(self, array):
        if array.dtype != self._memory.array.dtype or array.shape != (self.size,):
            raise TypeError(f"{array.dtype} of shape {array.shape}")
        self._memory.array[...] = array

    def get(self):
        return self._memory.array.copy()


def gemm(dtype, handle, ta, tb, m, n, k, alpha, A, lda, B, ldb, beta, C, ldc):
    """c = alpha op(a) @ op(b) + beta c, column by column, as BLAS has it."""
    assert handle == 7
    assert min(m, n, k) > 0
    assert lda >= (k if ta else m)
    assert ldb >= (n if tb else k)
    assert ldc >= m
    a = matrix((A, lda, 0, not ta), 0, (m, k), dtype)
    b = matrix((B, ldb, 0, not tb), 0, (k, n), dtype)
    c = matrix((C, ldc, 0, True), 0, (m, n), dtype)
    one, kept = (scalar(address, dtype) for address in (alpha, beta))
    product = one * (a @ b)
    c[...] = product if kept == 0 else kept * c + product


def gemm_batched(
    dtype, handle, ta, tb, m, n, k, alpha, A, lda, strideA, B, ldb, strideB, beta, C,
    ldc, strideC, count,
):  # fmt: skip
    for i in range(count):
        a, b, c = (
            start + i * stride * dtype.itemsize
            for start, stride in ((A, strideA), (B, strideB), (C, strideC))
        )
        gemm(dtype, handle, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)


def scalar(address, dtype):
    return matrix((address, 1, 0, False), 0, (1, 1), dtype)[0, 0]


def fake_cupy(device: EmulatedDevice, n_cards=1):
    """The module, whose one card is an emulated device."""

    class RawModule:
        def __init__(self, code, options):
            (self.stem,) = re.findall(r'#include "cuda/(\w+)\.cu"', code)
            assert options[0] == "-std=c++17"

        def get_function(self, name):
            run = device.kernel(self.stem, name)
            return lambda grid, block, arguments: run(*grid, block, arguments)

    def of(dtype, function):
        return lambda *arguments: function(np.dtype(dtype), *arguments)

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
    cublas = SimpleNamespace(
        CUBLAS_OP_N=0,
        CUBLAS_OP_T=1,
        sgemm=of(np.float32, gemm),
        dgemm=of(np.float64, gemm),
        sgemmStridedBatched=of(np.float32, gemm_batched),
        dgemmStridedBatched=of(np.float64, gemm_batched),
    )
    return SimpleNamespace(
        __version__="14.0.fake",
        cuda=SimpleNamespace(
            runtime=runtime,
            cublas=cublas,
            nvrtc=SimpleNamespace(getVersion=lambda: (13, 0)),
            device=SimpleNamespace(get_cublas_handle=lambda: 7),
        ),
        empty=lambda size, dtype: Array(device.empty(size, dtype)),
        RawModule=RawModule,
    )
