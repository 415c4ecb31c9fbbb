"""What a device must be able to do, and arrays in its memory.

What executes a plan elsewhere than on the CPU knows these verbs, and no device.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

# Places and sizes: of C's ptrdiff_t and pointers. Numbers have the type that a kernel
# declares.
Argument = int | np.float32 | np.float64

# A kernel or a product with its arguments, ready to be called as often as one likes.
Call = Callable[[], None]


class Buffer(Protocol):
    """Numbers in the device's memory, for as long as this object lives."""

    @property
    def address(self) -> int: ...

    def after(self, first: int) -> "Buffer":
        """The same memory from a number on."""


class Kernel(Protocol):
    """A function of ``csrc/cuda``, ready to run."""

    def __call__(
        self, grid: int, block: tuple[int, int], arguments: tuple[Argument, ...]
    ) -> None: ...


class Device(Protocol):
    """Memory, kernels and matrix products, in the order in which they are called."""

    @property
    def precisions(self) -> frozenset[str]:
        """In which less than full precisions it takes products of float32."""

    def holds(self, buffer: Any) -> bool:
        """Whether a buffer lies in this device's memory."""

    def empty(self, size: int, dtype: DTypeLike) -> Any:
        """A :class:`Buffer` of so many numbers, whatever they are; never of none."""

    def zeros(self, size: int, dtype: DTypeLike) -> Any:
        """The same, and all of them 0."""

    def upload(self, array: NDArray, buffer: Any) -> None:
        """Copy a C-contiguous array to the beginning of a buffer."""

    def download(self, buffer: Any, array: NDArray) -> None:
        """Copy the beginning of a buffer to an array, when all before it is done."""

    def copy(self, source: Any, target: Any, size: int) -> None:
        """Copy so many numbers of the same dtype from one buffer to another."""

    def kernel(self, stem: str, name: str) -> Kernel:
        """A kernel of the file ``csrc/cuda/stem.cu``."""

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
        """Prepare ``c = beta c + op(a) @ op(b)``, count times.

        size: count, m, n, k. a, b: address, row stride, stride over the count, and
        whether it is transposed; c: the same but for that. precision: None or one of
        :attr:`precisions`.
        """

    def record(self, calls: Sequence[Call]) -> Call:
        """One call that makes all of these, which have been made before.

        None of them may ask for memory, or read anything back.
        """


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
