"""What a device must be able to do, and arrays in its memory.

What executes a plan elsewhere than on the CPU knows these verbs, and no device.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

# Places and sizes: of C's ptrdiff_t and pointers. Numbers have the type that a kernel
# declares.
Argument = int | np.float32 | np.float64

# A kernel or a product with its arguments, ready to be called as often as one likes.
Call = Callable[[], None]


T = TypeVar("T")


@dataclass(frozen=True)
class Matrix:
    """Where the numbers of a matrix lie, row by row, and how they are read."""

    address: int
    lead: int  # numbers from row to row
    stride: int  # numbers from one matrix to the next, where there are several
    transposed: bool = False


@dataclass(frozen=True)
class Product:
    """``c = beta c + op(a) @ op(b)``, of m by k and k by n numbers, count times."""

    dtype: np.dtype
    count: int
    m: int
    n: int
    k: int
    a: Matrix
    b: Matrix
    c: Matrix
    beta: float = 0.0
    precision: str | None = None  # one of the device's


class Buffer(Protocol):
    """Numbers in the device's memory, for as long as this object lives."""

    @property
    def address(self) -> int: ...

    def after(self, first: int) -> "Buffer":
        """The same memory from a number on."""


class Kernel(Protocol):
    """A kernel of ``csrc``, ready to run."""

    def __call__(
        self, grid: int, block: tuple[int, int], arguments: tuple[Argument, ...]
    ) -> None: ...


class Transfer(Protocol):
    """Copies to a device's memory that go on beside its calls."""

    def join(self) -> None:
        """What is called from now on begins when they are done."""

    def wait(self) -> None:
        """Return when they are done: from then on the arrays may be changed."""


class Device(Protocol):
    """Memory, kernels and matrix products, in the order in which they are called."""

    @property
    def precisions(self) -> frozenset[str]:
        """In which less than full precisions it takes products of float32."""

    def holds(self, buffer: Any) -> bool:
        """Whether a buffer lies in this device's memory."""

    def empty(self, size: int, dtype: DTypeLike) -> Any:
        """A :class:`Buffer` of so many numbers, whatever they are; never of none.

        A MemoryError says that there is no room for it.
        """

    def free_bytes(self) -> int:
        """About how much memory there is for buffers."""

    def zeros(self, size: int, dtype: DTypeLike) -> Any:
        """The same, and all of them 0."""

    def upload(self, array: NDArray, buffer: Any) -> None:
        """Copy a C-contiguous array to the beginning of a buffer."""

    def download(self, buffer: Any, array: NDArray) -> None:
        """Copy the beginning of a buffer to an array, when all before it is done."""

    def copy(self, source: Any, target: Any, size: int) -> None:
        """Copy so many numbers of the same dtype from one buffer to another."""

    def pinned(self, size: int, dtype: DTypeLike) -> NDArray:
        """An array of the host, of so many numbers, from which one may :meth:`send`."""

    def send(self, pairs: Sequence[tuple[NDArray, Any]]) -> Transfer:
        """Copy parts of pinned arrays to the beginnings of buffers.

        The copies begin when all that has been called so far is done, and go on beside
        what is called next. Until they are joined nothing may use the buffers, and
        until they are waited for nobody may change the arrays.
        """

    def kernel(self, stem: str, name: str) -> Kernel:
        """A kernel of the file ``stem.cu`` in ``csrc``."""

    def product(self, product: "Product") -> Call:
        """Prepare a product of matrices."""

    def record(self, calls: Sequence[Call]) -> Call:
        """One call that makes all of these, which have been made before.

        None of them may ask for memory, or read anything back.
        """

    def adopt(self, array: Any) -> "DeviceArray":
        """An array of another library in this device's memory, as one of ours.

        It is copied only if it is not C-contiguous, and lives as long as it is used.
        What is called from now on waits for what its library has been asked for.

        Raises
        ------
        ValueError
            If it lies in the memory of another device.
        """

    def cast(self, array: "DeviceArray", dtype: DTypeLike) -> "DeviceArray":
        """The same numbers as another dtype; the array itself if it has that."""

    def take(self, array: "DeviceArray", rows: NDArray[np.intp]) -> "DeviceArray":
        """A copy of some rows."""

    def prepare(self, shape: tuple[int, ...], dtype: DTypeLike) -> "DeviceArray":
        """Room for an array that will be the caller's, by :meth:`give`."""

    def give(self, array: "DeviceArray") -> Any:
        """What :meth:`prepare` made, as an array of CuPy's.

        What the caller asks for from now on waits for what was called before.
        """


def for_rows_that_fit(make: Callable[[int], T], n_rows: int, unit: int = 1) -> T:
    """What ``make`` makes for so many rows, or half of them, where memory is short.

    Parameters
    ----------
    make : callable
        Takes the number of rows.
    n_rows : int
        A multiple of unit.
    unit : int, default=1
        The fewest rows, of which there are always a multiple.

    Raises
    ------
    MemoryError
        What it raises for the fewest rows.
    """
    while True:
        try:
            return make(n_rows)
        except MemoryError:
            if n_rows <= unit:
                raise
        n_rows = -(-n_rows // (2 * unit)) * unit


def no_memory(n_bytes: int, free_bytes: int) -> MemoryError:
    """What a device raises that has no room for a buffer of so many bytes."""
    return MemoryError(
        f"the device has no memory for another {describe_bytes(n_bytes)}, as "
        f'{describe_bytes(free_bytes)} are free: make room there, or pass device="cpu"'
    )


def describe_bytes(n_bytes: int) -> str:
    """A number of bytes in words.

    Examples
    --------
    >>> from fastnn.engine.device import describe_bytes
    >>> describe_bytes(3 * 2**29), describe_bytes(300)
    ('1.5 GiB', '300 bytes')
    """
    for unit, name in ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB")):
        if n_bytes >= unit:
            return f"{n_bytes / unit:.1f} {name}"
    return f"{n_bytes} bytes"


@dataclass(frozen=True)
class DeviceArray:
    """An array in a device's memory, C-contiguous.

    Parameters
    ----------
    buffer : Buffer
    shape : tuple of int
    dtype : dtype
    """

    buffer: Any
    shape: tuple[int, ...]
    dtype: np.dtype

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return int(np.prod(self.shape, dtype=np.intp))

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice) -> "DeviceArray":
        """Rows side by side, of the same memory."""
        first, last, step = rows.indices(len(self))
        if step != 1:
            raise IndexError(f"rows must be side by side, got a step of {step}")
        shape = (max(last - first, 0), *self.shape[1:])
        width = self.size // max(len(self), 1)
        return DeviceArray(self.buffer.after(first * width), shape, self.dtype)


def uploaded(device: Device, array: NDArray, dtype: DTypeLike) -> DeviceArray:
    """A copy of an array on a device."""
    array = np.ascontiguousarray(array, dtype)
    buffer = device.empty(array.size, array.dtype)
    if array.size:
        device.upload(array, buffer)
    return DeviceArray(buffer, array.shape, array.dtype)


def downloaded(device: Device, array: DeviceArray) -> NDArray:
    """A copy of an array of a device on the host."""
    copy = np.empty(array.shape, array.dtype)
    if copy.size:
        device.download(array.buffer, copy)
    return copy
