cdef extern from "base/memory.h":
    void *buffer_zeros(size_t count, size_t size) noexcept nogil
    void buffer_free(void *) noexcept nogil
    bint buffer_group(int count, const size_t *bytes, void **buffers) noexcept nogil
    void buffer_free_group(int count, void **buffers) noexcept nogil

cdef class Buffer:
    cdef void *start
    cdef Py_ssize_t n_bytes
    cdef as_array(self, dtype)

cdef void *owned_zeros(Py_ssize_t size, Py_ssize_t itemsize, list owners) except NULL
