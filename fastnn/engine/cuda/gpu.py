"""A GPU: what fastnn.engine.device asks of one, through CuPy."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from fastnn.engine.cuda.cublas import WORKSPACE_BYTES, Cublas, arguments_of
from fastnn.engine.cuda.sources import compile_options, source_of
from fastnn.engine.device import (
    Argument,
    Call,
    DeviceArray,
    Kernel,
    Product,
    describe_bytes,
    no_memory,
)

# Of the first card whose matrix units take float32.
LEAST_CAPABILITY = 80


class _Memory:
    """A :class:`fastnn.engine.device.Buffer` of CuPy's."""

    def __init__(self, array: Any):
        self.array = array

    @property
    def address(self) -> int:
        return int(self.array.data.ptr)

    def after(self, first: int) -> "_Memory":
        return _Memory(self.array[first:])


class _Transfer:
    """A :class:`fastnn.engine.device.Transfer` of CuPy's."""

    def __init__(self, done: Any, stream: Any):
        self._done, self._stream = done, stream

    def join(self) -> None:
        self._stream.wait_event(self._done)

    def wait(self) -> None:
        self._done.synchronize()


class GPU:
    """A CUDA device, with a stream and a handle of cuBLAS for each thread that uses it.

    A second stream of each thread has the copies that go on beside what is called.

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
    def _streams(self) -> tuple[Any, Any]:
        # Not the default one, on which nothing can be recorded, and which others use.
        if not hasattr(self._own, "streams"):
            make = self._cupy.cuda.Stream
            self._own.streams = make(non_blocking=True), make(non_blocking=True)
        return self._own.streams

    @property
    def _stream(self) -> Any:
        return self._streams[0]

    @property
    def _cublas(self) -> Cublas:
        if not hasattr(self._own, "cublas"):
            workspace = self.empty(WORKSPACE_BYTES, np.uint8).array
            self._own.cublas = Cublas(self._cupy, self._stream, workspace)
        return self._own.cublas

    def holds(self, buffer: _Memory) -> bool:
        return buffer.array.device.id == self._number

    def empty(self, size: int, dtype: DTypeLike) -> _Memory:
        size = max(size, 1)
        with self._stream, self._memory_for(size, dtype):
            return _Memory(self._cupy.empty(size, dtype))

    def zeros(self, size: int, dtype: DTypeLike) -> _Memory:
        size = max(size, 1)
        with self._stream, self._memory_for(size, dtype):
            return _Memory(self._cupy.zeros(size, dtype))

    @contextmanager
    def _memory_for(self, size: int, dtype: DTypeLike) -> Iterator[None]:
        """Tell what CuPy finds no memory for, and what to do."""
        try:
            yield
        except MemoryError as error:
            n_bytes = size * np.dtype(dtype).itemsize
            raise no_memory(n_bytes, self._free_bytes()) from error

    def free_bytes(self) -> int:
        _ = self._cublas  # has what products will need
        return self._free_bytes()

    def _free_bytes(self) -> int:
        free, _ = self._cupy.cuda.Device(self._number).mem_info
        pool = self._cupy.get_default_memory_pool()
        limit = pool.get_limit()
        if limit:
            free = min(free, max(limit - pool.total_bytes(), 0))
        return int(free + pool.free_bytes())

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

    def pinned(self, size: int, dtype: DTypeLike) -> NDArray:
        size, dtype = max(size, 1), np.dtype(dtype)
        n_bytes = size * dtype.itemsize
        try:
            memory = self._cupy.cuda.alloc_pinned_memory(n_bytes)
        except self._cupy.cuda.runtime.CUDARuntimeError as error:
            raise MemoryError(
                f"the host gives no page-locked memory for another "
                f'{describe_bytes(n_bytes)}: make room there, or pass device="cpu"'
            ) from error
        return np.ndarray(size, dtype, memory)

    def send(self, pairs: Sequence[tuple[NDArray, _Memory]]) -> _Transfer:
        calls, copies = self._streams
        before, done = (self._cupy.cuda.Event(disable_timing=True) for _ in range(2))
        before.record(calls)
        copies.wait_event(before)
        for array, buffer in pairs:
            buffer.array[: array.size].set(array, stream=copies)
        done.record(copies)
        return _Transfer(done, calls)

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

    def product(self, product: Product) -> Call:
        description = arguments_of(product)
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

    # ------------------------------------------------------------------ callers' arrays

    def adopt(self, array: Any) -> DeviceArray:
        cupy = self._cupy
        if not hasattr(array, "__dlpack__"):
            # By __cuda_array_interface__; it waits for the stream that this may name.
            array = cupy.asarray(array)
        _, number = array.__dlpack_device__()
        if number != self._number:
            raise ValueError(
                f"the array is on card {number}, and the present one, which computes, "
                f"is card {self._number}: copy the array there, or call under "
                f"`with cupy.cuda.Device({number}):`"
            )
        # CuPy's own arrays belong to its present stream. Other libraries know theirs,
        # and let the stream wait that is present when they are asked.
        self._follow_caller()
        with self._stream:
            if not isinstance(array, cupy.ndarray):
                array = cupy.from_dlpack(array)
            return _adopted(cupy.asarray(array, order="C"))

    def cast(self, array: DeviceArray, dtype: DTypeLike) -> DeviceArray:
        if array.dtype == dtype:
            return array
        with self._stream, self._memory_for(array.size, dtype):
            return _adopted(_shaped(array).astype(dtype))

    def take(self, array: DeviceArray, rows: NDArray[np.intp]) -> DeviceArray:
        size = array.size // max(len(array), 1) * len(rows)
        with self._stream, self._memory_for(size, array.dtype):
            numbers = self._cupy.asarray(rows)
            return _adopted(_shaped(array).take(numbers, axis=0))

    def prepare(self, shape: tuple[int, ...], dtype: DTypeLike) -> DeviceArray:
        # CuPy gives memory back to the stream on which it was asked for. Whoever gets
        # the array uses it on that one, and so does what comes after.
        with self._memory_for(int(np.prod(shape)), dtype):
            array = self._cupy.empty(shape, dtype)
        self._follow_caller()
        return _adopted(array)

    def give(self, array: DeviceArray) -> Any:
        self._cupy.cuda.get_current_stream().wait_event(self._stream.record())
        return _shaped(array)

    def _follow_caller(self) -> None:
        """Wait, on our stream, for what is to be done on CuPy's present one."""
        self._stream.wait_event(self._cupy.cuda.get_current_stream().record())


def _adopted(array: Any) -> DeviceArray:
    return DeviceArray(_Memory(array.reshape(-1)), array.shape, np.dtype(array.dtype))


def _shaped(array: DeviceArray) -> Any:
    """As CuPy has it."""
    return array.buffer.array[: array.size].reshape(array.shape)
