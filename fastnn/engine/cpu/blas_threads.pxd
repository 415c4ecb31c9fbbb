cdef void hold_blas() noexcept
cdef void release_blas() noexcept
