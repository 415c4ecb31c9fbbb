"""Arrays in the memory of an emulated card, as CuPy and PyTorch have them.

They are never converted to NumPy's unasked, and a card knows what was copied from it.
"""

import numpy as np
from emulation import wipe
from numpy.lib.mixins import NDArrayOperatorsMixin

# DLPack's number of CUDA's memory.
CUDA = 2


class Event:
    """How far a stream had come when it was recorded."""

    def __init__(self, disable_timing):
        assert disable_timing  # which takes time

    def record(self, stream):
        self.stream, self.mark = stream, stream.mark()

    def synchronize(self):
        self.stream.reach(self.mark)


class Stream:
    """A queue whose work is done at once, recorded, or done when it is waited for."""

    by_number = {}  # noqa: RUF012

    def __init__(self, ptr):
        self.ptr = ptr
        self.by_number[ptr] = self
        self.calls = None  # what is recorded
        self.late = []  # what is done when somebody waits for it
        self.waited_for = []  # streams
        self.n_done = 0

    def __enter__(self):
        PRESENT.append(self)
        return self

    def __exit__(self, *exception):
        assert PRESENT.pop() is self

    def do(self, call):
        if self.calls is None:
            call()
            self.n_done += 1
        else:
            self.calls.append(call)

    def record(self):
        event = Event(disable_timing=True)
        event.record(self)
        return event

    def wait_event(self, event):
        assert self.calls is None
        self.waited_for.append(event.stream)
        event.synchronize()

    def mark(self):
        assert self.calls is None
        return self.n_done

    def reach(self, mark):
        assert mark <= self.n_done
        self.synchronize()

    def synchronize(self):
        late, self.late = self.late, []
        for call in late:
            call()


class LateStream:
    """A queue whose work is done when somebody waits for it.

    It must not begin before what the other one had been given by then.
    """

    ptr = 6

    def __init__(self, other):
        self.other, self.behind = other, -1
        self.queue, self.n_done = [], 0

    def do(self, call):
        assert self.behind == self.other.mark()
        self.queue.append(call)

    def mark(self):
        return self.n_done + len(self.queue)

    def reach(self, mark):
        while self.n_done < mark:
            self.queue.pop(0)()
            self.n_done += 1

    def wait_event(self, event):
        assert event.stream is self.other
        self.behind = event.mark


# The default stream, as DLPack numbers it, and those that are entered.
DEFAULT = Stream(1)
PRESENT = [DEFAULT]


class OutOfMemoryError(MemoryError):
    pass


class Card:
    """Memory of an emulated device, and copies to the host and from it."""

    def __init__(self, device, number=0):
        self.device, self.number = device, number
        self.to_host, self.from_host = [], []  # numbers in each copy

    def empty(self, shape, dtype):
        """A CuPy array, C-contiguous."""
        size = int(np.prod(shape))
        try:
            memory = self.device.empty(size, dtype)
        except MemoryError as error:
            raise OutOfMemoryError("Out of memory allocating") from error
        return ndarray(self, memory.array[:size].reshape(shape), owner=memory)

    def array(self, values):
        """The same with these numbers."""
        values = np.asarray(values)
        array = self.empty(values.shape, values.dtype)
        array._values[...] = values
        return array


class ndarray(NDArrayOperatorsMixin):
    """What fastnn asks of a cupy.ndarray."""

    def __init__(self, card, values, stream=None, owner=None):
        self._card, self._values, self._owner = card, values, owner
        self.allocated_on = PRESENT[-1] if stream is None else stream
        self.device = type("Device", (), {"id": card.number})

    dtype = property(lambda self: self._values.dtype)
    shape = property(lambda self: self._values.shape)
    size = property(lambda self: self._values.size)
    ndim = property(lambda self: self._values.ndim)
    data = property(lambda self: Pointer(self._values))
    flags = property(lambda self: self._values.flags)

    def _view(self, values):
        return ndarray(self._card, values, self.allocated_on, self._owner)

    def __len__(self):
        return len(self._values)

    def __array__(self, *arguments, **options):
        raise TypeError("Implicit conversion to a NumPy array is not allowed.")

    def __getitem__(self, key):
        if isinstance(key, ndarray):
            return self._card.array(self._values[key._values])
        assert not isinstance(key, np.ndarray)
        return self._view(self._values[key])

    def __setitem__(self, key, value):
        self._values[key] = getattr(value, "_values", value)

    def reshape(self, *shape):
        values = self._values.reshape(*shape)
        assert np.shares_memory(values, self._values) or not values.size
        return self._view(values)

    def astype(self, dtype, copy=True):
        if not copy and self.dtype == dtype:
            return self
        with np.errstate(over="ignore"):
            return self._card.array(self._values.astype(dtype))

    def take(self, numbers, axis):
        return self._card.array(self._values.take(numbers._values, axis=axis))

    def argmax(self, axis):
        return self._card.array(self._values.argmax(axis=axis))

    def get(self, stream=None, out=None):
        stream = PRESENT[-1] if stream is None else stream
        assert stream.calls is None  # nothing is copied while steps are recorded
        stream.synchronize()
        self._card.to_host.append(self.size)
        if out is None:
            return self._values.copy()
        assert (out.dtype, out.shape) == (self.dtype, self.shape)
        assert out.flags.c_contiguous
        out[...] = self._values
        return out

    def set(self, array, stream):
        # Nothing is copied while steps are recorded.
        assert getattr(stream, "calls", None) is None
        if array.dtype != self.dtype or array.shape != self.shape:
            raise TypeError(f"{array.dtype} of shape {array.shape}")
        self._card.from_host.append(self.size)
        own = self._values
        if isinstance(stream, LateStream):
            assert isinstance(owner_of(array), bytearray)  # pinned memory
            wipe(own)
            stream.do(lambda: np.copyto(own, array))
            return
        stream.do(lambda: np.copyto(own, array))

    def __array_ufunc__(self, ufunc, method, *inputs, out=None, **options):
        assert method == "__call__"
        if any(isinstance(each, np.ndarray) for each in inputs):
            raise TypeError("Unsupported type <class 'numpy.ndarray'>")
        result = ufunc(*map(values_of, inputs), **options)
        if out is None:
            return self._card.array(result)
        out[0]._values[...] = result
        return out[0]

    def __array_function__(self, function, types, arguments, options):
        if function is np.asarray:
            (array,) = arguments
            self._card.from_host.append(array.size)
            return self._card.array(array)
        if function is np.split:
            parts = np.split(self._values, *arguments[1:], **options)
            return [self._view(part) for part in parts]
        if function is np.empty_like:
            return self._card.array(np.empty_like(self._values, **options))
        if function is np.column_stack:
            columns = [each._values for each in arguments[0]]
            return self._card.array(np.column_stack(columns))
        return NotImplemented

    def __dlpack_device__(self):
        return CUDA, self._card.number

    def __dlpack__(self, *, stream=None, max_version=None):
        consumer = Stream.by_number[1 if stream is None else stream]
        if consumer is not PRESENT[-1]:
            consumer.wait_event(PRESENT[-1].record())
        return self._card, self._values, self.allocated_on, self


class Pointer:
    """A cupy.cuda.MemoryPointer."""

    def __init__(self, values):
        self.values, self.ptr = values, values.ctypes.data

    def copy_from_device_async(self, source, n_bytes, stream):
        own, other = (each.values.reshape(-1).view(np.uint8) for each in (self, source))
        assert min(own.size, other.size) >= n_bytes
        stream.do(lambda: np.copyto(own[:n_bytes], other[:n_bytes]))


def owner_of(array):
    while isinstance(array, np.ndarray):
        array = array.base
    return array


def values_of(array):
    return array._values if isinstance(array, ndarray) else array


class Tensor:
    """A torch.Tensor on a card: it has DLPack, and names no namespace."""

    stream = Stream(9)  # PyTorch's present one

    def __init__(self, exported):
        self.card, self.values, self.allocated_on, self.owner = exported

    shape = property(lambda self: self.values.shape)

    def __array__(self, *arguments, **options):
        raise TypeError("can't convert cuda:0 device type tensor to numpy.")

    def __dlpack_device__(self):
        return CUDA, self.card.number

    def __dlpack__(self, *, stream=None, max_version=None):
        consumer = Stream.by_number[1 if stream is None else stream]
        consumer.wait_event(self.stream.record())
        return self.card, self.values, self.allocated_on, self


def from_dlpack(array):
    """torch.from_dlpack"""
    assert array.__dlpack_device__()[0] == CUDA
    return Tensor(array.__dlpack__(stream=Tensor.stream.ptr))
