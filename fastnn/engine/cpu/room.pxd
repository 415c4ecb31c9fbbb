cdef extern from "base/room.h":
    void *room_zeros(size_t count, size_t size) noexcept nogil
    void room_free(void *) noexcept nogil
    bint room_group(int count, const size_t *bytes, void **rooms) noexcept nogil
    void room_free_group(int count, void **rooms) noexcept nogil

cdef class Room:
    cdef void *start
    cdef Py_ssize_t n_bytes
    cdef as_array(self, dtype)

cdef void *new_room(Py_ssize_t size, Py_ssize_t itemsize, list owners) except NULL
