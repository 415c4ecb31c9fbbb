"""Matrix products by cuBLAS, by a handle of our own.

CuPy calls cuBLAS as well, but refuses to while a CUDA graph is recorded:
https://github.com/cupy/cupy/issues/6290.
"""

import ctypes
import importlib
import weakref
from functools import cache
from typing import Any

import numpy as np

from fastnn.engine.device import Product

# Bytes that products may take for parts of their sums: what cuBLAS advises for Hopper.
# A graph keeps the address, so that cuBLAS must not choose it.
WORKSPACE_BYTES = 32 * 2**20

# Numbers of enumerations: cublas_api.h and library_types.h of CUDA 11 to 13.
_TRANSPOSED = {False: 0, True: 1}
_TYPE = {"float32": 0, "float64": 1}
_COMPUTE = {"float32": 68, "float64": 70, "bf16": 75, "tf32": 77}
_DEFAULT_ALGORITHM = -1

_INT: Any = ctypes.c_int
_LONG: Any = ctypes.c_longlong
_POINTER: Any = ctypes.c_void_p


@cache
def load_library() -> Any:
    """The library that CuPy has loaded, or would load."""
    pathfinder = importlib.import_module("cuda.pathfinder")
    library = ctypes.CDLL(pathfinder.load_nvidia_dynamic_lib("cublas").abs_path)
    matrix = [_POINTER, _INT, _INT]
    strided = [*matrix, _LONG]
    start, end = [_POINTER, *[_INT] * 5, _POINTER], [_INT, _INT]
    library.cublasGemmEx.argtypes = [*start, *matrix * 2, _POINTER, *matrix, *end]
    library.cublasGemmStridedBatchedEx.argtypes = [
        *start, *strided * 2, _POINTER, *strided, _INT, *end
    ]  # fmt: skip
    library.cublasSetStream_v2.argtypes = [_POINTER, _POINTER]
    library.cublasSetWorkspace_v2.argtypes = [_POINTER, _POINTER, ctypes.c_size_t]
    library.cublasGetStatusString.argtypes = [_INT]
    library.cublasGetStatusString.restype = ctypes.c_char_p
    return library


class Cublas:
    """cuBLAS on one stream.

    Parameters
    ----------
    cupy : module
    stream : cupy.cuda.Stream
        The card is the present one.
    workspace : cupy.ndarray of ``WORKSPACE_BYTES`` bytes
    """

    def __init__(self, cupy: Any, stream: Any, workspace: Any):
        self.workspace = workspace
        self._library = load_library()
        self._handle = cupy.cuda.cublas.create()
        weakref.finalize(self, cupy.cuda.cublas.destroy, self._handle).atexit = False
        # In this order: a stream comes with a workspace.
        self._check(self._library.cublasSetStream_v2(self._handle, stream.ptr))
        self._check(
            self._library.cublasSetWorkspace_v2(
                self._handle, self.workspace.data.ptr, WORKSPACE_BYTES
            )
        )

    def multiply(self, batched: bool, arguments: tuple[Any, ...]) -> None:
        """A product as :func:`arguments_of` describes it."""
        library = self._library
        multiply = (
            library.cublasGemmStridedBatchedEx if batched else library.cublasGemmEx
        )
        self._check(multiply(self._handle, *arguments))

    def _check(self, status: int) -> None:
        if status:
            name = self._library.cublasGetStatusString(status).decode()
            raise RuntimeError(f"cuBLAS failed: {name}")


def arguments_of(product: Product) -> tuple[bool, tuple[Any, ...]]:
    """Whether a product is one of many, and what cuBLAS is told of it.

    In cuBLAS' order of columns, c is its own transpose: op(b)' @ op(a)'.
    """
    dtype, a, b = product.dtype, product.a, product.b
    one, kept = np.array(1, dtype), np.array(product.beta, dtype)
    kind, compute = _TYPE[dtype.name], _COMPUTE[product.precision or dtype.name]
    batched = product.count > 1
    first, second, result = (
        (each.address, kind, each.lead, *([each.stride] if batched else []))
        for each in (b, a, product.c)
    )
    return batched, (
        _TRANSPOSED[b.transposed], _TRANSPOSED[a.transposed],
        product.n, product.m, product.k, one.ctypes.data_as(_POINTER), *first, *second,
        kept.ctypes.data_as(_POINTER), *result,
        *([product.count] if batched else []), compute, _DEFAULT_ALGORITHM,
    )  # fmt: skip
