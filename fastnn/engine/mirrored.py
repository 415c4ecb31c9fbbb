"""Arrays that stay where they were last changed: on the host, or on a device."""

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from fastnn.engine.device import Device
from fastnn.utils.cache_lines import aligned_copy, aligned_zeros


class MirroredArray:
    """An array of the host that may have a newer copy on a device.

    What trains on a device leaves its parameters there, and they are copied back when
    somebody looks at them. Whoever has got :attr:`host` may change it at any time, so
    that from then on each use on a device copies it there, until the device changes it
    again.

    Parameters
    ----------
    array : ndarray, C-contiguous
        It is used, not copied.
    """

    def __init__(self, array: NDArray):
        self._host: NDArray | None = array
        self.shape, self.dtype = array.shape, array.dtype
        self._device: Device | None = None
        self._buffer: Any = None
        # Whether the buffer is what counts, and whether the host has the same numbers.
        self._is_there, self._is_stored = False, False

    @property
    def size(self) -> int:
        return int(np.prod(self.shape, dtype=np.intp))

    @property
    def host(self) -> NDArray:
        """The array as it is now; it may be changed in place."""
        if self._is_there:
            self.store()
            self._is_there = False
        assert self._host is not None
        return self._host

    def store(self) -> None:
        """Have a copy on the host as well, for whatever becomes of the device."""
        if self._is_there and not self._is_stored:
            assert self._device is not None
            array = self._new_array()
            if self.size:
                self._device.download(self._buffer, array)
            self._host, self._is_stored = array, True

    def saved(self) -> NDArray:
        """The array as it is now, on the host, to be read only."""
        self.store()
        assert self._host is not None
        return self._host

    @property
    def is_plain(self) -> bool:
        """Whether loops can read it, wherever it is."""
        flags = None if self._host is None else self._host.flags
        return flags is None or (flags.c_contiguous and flags.aligned)

    def on(self, device: Device) -> Any:
        """A buffer of the device with the array as it is now, the same every time."""
        if not (self._is_there and device.holds(self._buffer)):
            array = self.host
            self._move_to(device)
            if array.size:
                device.upload(array, self._buffer)
        return self._buffer

    def changed_on_device(self) -> None:
        """Take note that the buffer now holds newer numbers than the host."""
        self._is_there, self._is_stored = True, False

    def copy(self) -> "MirroredArray":
        """An array of its own, in the place where this one is newest."""
        if not self._is_there:
            return MirroredArray(aligned_copy(self.host))
        other = MirroredArray(np.empty(0, self.dtype))
        # There may never be anybody who looks at it.
        other.shape, other._host = self.shape, None
        other.assign(self)
        return other

    def assign(self, other: Self) -> None:
        """Become equal to another one of the same shape and dtype."""
        if other._is_there:
            assert other._device is not None
            self._move_to(other._device)
            other._device.copy(other._buffer, self._buffer, self.size)
            self.changed_on_device()
        else:
            self._host, self._is_there = self._new_array(), False
            np.copyto(self._host, other.host)

    def _new_array(self) -> NDArray:
        if self._host is None:
            return aligned_zeros(self.shape, self.dtype)
        return self._host

    def _move_to(self, device: Device) -> None:
        """Have a buffer of this device."""
        if self._buffer is None or not device.holds(self._buffer):
            self._device, self._buffer = device, device.empty(self.size, self.dtype)

    def __deepcopy__(self, memo: dict) -> "MirroredArray":
        return self.copy()

    def __reduce__(self) -> tuple:
        return MirroredArray, (self.saved(),)


def mirrored(array: NDArray | MirroredArray) -> MirroredArray:
    return array if isinstance(array, MirroredArray) else MirroredArray(array)
