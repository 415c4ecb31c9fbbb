"""Memory of which Python keeps count: it goes with its last owner."""

cimport numpy as cnp

from libc.stdint cimport uintptr_t

cnp.import_array()

cdef extern from "Python.h":
    int PyTraceMalloc_Track(unsigned int domain, uintptr_t address, size_t size)
    int PyTraceMalloc_Untrack(unsigned int domain, uintptr_t address)

cdef enum:
    TRACE_DOMAIN = 0xFA577


cdef class Buffer:
    """Zeros on a cache line boundary."""

    def __cinit__(self, Py_ssize_t size, Py_ssize_t itemsize):
        if size < 0:
            raise MemoryError("no memory holds so many numbers")
        self.start = buffer_zeros(size, itemsize)
        self.n_bytes = size * itemsize
        if self.start == NULL:
            raise MemoryError(f"no memory for {size} numbers of {itemsize} bytes")
        PyTraceMalloc_Track(TRACE_DOMAIN, <uintptr_t> self.start, self.n_bytes)

    def __dealloc__(self):
        if self.start != NULL:
            PyTraceMalloc_Untrack(TRACE_DOMAIN, <uintptr_t> self.start)
            buffer_free(self.start)

    cdef as_array(self, dtype):
        """All of it, for as long as there is the array."""
        cdef cnp.npy_intp n_bytes = self.n_bytes
        cdef cnp.ndarray array = cnp.PyArray_SimpleNewFromData(
            1, &n_bytes, cnp.NPY_UINT8, self.start)
        cnp.set_array_base(array, self)
        return array.view(dtype)


cdef void *owned_zeros(Py_ssize_t size, Py_ssize_t itemsize, list owners) except NULL:
    """Where zeros for so many numbers begin, kept alive by owners."""
    cdef Buffer buffer = Buffer(size, itemsize)
    owners.append(buffer)
    return buffer.start
