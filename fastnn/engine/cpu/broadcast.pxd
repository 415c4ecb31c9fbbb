from cython cimport floating

from fastnn.plan.structs cimport int64_t

cdef void add(
    int activation, double option, const Py_ssize_t *dim, const int64_t *stride,
    const floating *a, const floating *b, floating *y,
) noexcept nogil

cdef void add_gradient(
    int activation, double option, const Py_ssize_t *dim, const int64_t *stride,
    const floating *dy, const floating *saved, floating *da,
    floating *db, Py_ssize_t db_size, bint accumulate,
) noexcept nogil
