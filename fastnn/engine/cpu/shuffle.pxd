cdef shuffle_rows(Py_ssize_t n, Py_ssize_t *order, bit_generator)
