"""A GPU: what fastnn.device asks of one, through CuPy."""

import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from fastnn.cuda.cublas import Cublas, arguments_of
from fastnn.cuda.sources import compile_options, source_of
from fastnn.device import Argument, Call, Kernel

# Of the first card whose matrix units take float32.
LEAST_CAPABILITY = 80


class _Memory:
    """A :class:`fastnn.device.Buffer` of CuPy's."""

    def __init__(self, array: Any):
        self.array = array

    @property
    def address(self) -> int:
        return int(self.array.data.ptr)

    def after(self, first: int) -> "_Memory":
        return _Memory(self.array[first:])


class GPU:
    """A CUDA device, with a stream and a handle of cuBLAS for each thread that uses it.

    Kernels are compiled for the card by NVRTC when they are first used; CuPy keeps them
    in its cache on disk.

    Parameters
    ----------
    cupy : module
    number : int
        Number of the present card.
    """

    def __init__(self, cupy: Any, number: int):
        self._cupy, self._number = cupy, number
        self._modules: dict[str, Any] = {}
        self._own = threading.local()
        capability = int(cupy.cuda.Device(number).compute_capability)
        able = capability >= LEAST_CAPABILITY
        self.precisions = frozenset(("tf32", "bf16") if able else ())

    @property
    def _stream(self) -> Any:
        # Not the default one, on which nothing can be recorded, and which others use.
        if not hasattr(self._own, "stream"):
            self._own.stream = self._cupy.cuda.Stream(non_blocking=True)
        return self._own.stream

    @property
    def _cublas(self) -> Cublas:
        if not hasattr(self._own, "cublas"):
            self._own.cublas = Cublas(self._cupy, self._stream)
        return self._own.cublas

    def holds(self, buffer: _Memory) -> bool:
        return buffer.array.device.id == self._number

    def empty(self, size: int, dtype: DTypeLike) -> _Memory:
        with self._stream:
            return _Memory(self._cupy.empty(max(size, 1), dtype))

    def zeros(self, size: int, dtype: DTypeLike) -> _Memory:
        with self._stream:
            return _Memory(self._cupy.zeros(max(size, 1), dtype))

    def upload(self, array: NDArray, buffer: _Memory) -> None:
        flat = array.reshape(-1)
        buffer.array[: flat.size].set(flat, stream=self._stream)

    def download(self, buffer: _Memory, array: NDArray) -> None:
        flat = array.reshape(-1)
        buffer.array[: flat.size].get(stream=self._stream, out=flat)

    def copy(self, source: _Memory, target: _Memory, size: int) -> None:
        n_bytes = size * source.array.dtype.itemsize
        target.array.data.copy_from_device_async(
            source.array.data, n_bytes, self._stream
        )

    def kernel(self, stem: str, name: str) -> Kernel:
        if stem not in self._modules:
            self._modules[stem] = self._cupy.RawModule(
                code=source_of(stem), options=compile_options()
            )
        function = self._modules[stem].get_function(name).kernel

        def run(
            grid: int, block: tuple[int, int], arguments: tuple[Argument, ...]
        ) -> None:
            function((grid,), block, arguments, stream=self._stream)

        return run

    def product(
        self,
        dtype: np.dtype,
        size: tuple[int, int, int, int],
        a: tuple[int, int, int, bool],
        b: tuple[int, int, int, bool],
        c: tuple[int, int, int],
        beta: float,
        precision: str | None,
    ) -> Call:
        description = arguments_of(dtype, size, a, b, c, beta, precision)
        return lambda: self._cublas.multiply(*description)

    def record(self, calls: Sequence[Call]) -> Call:
        """A CUDA graph of these calls."""
        stream = self._stream
        stream.begin_capture()
        try:
            for call in calls:
                call()
        except BaseException:
            # Nothing could be done on the stream before that.
            with suppress(Exception):
                stream.end_capture()
            raise
        # The graph has the address of the workspace.
        recorded = stream.end_capture(), self._cublas.workspace
        return lambda: recorded[0].launch(stream=self._stream)
