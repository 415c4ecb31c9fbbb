"""The constraint on the norms of columns: what becomes of the weights after a step."""

from cython cimport floating

from fastnn.plan.structs cimport BLOCK_ALIGNMENT, block_t

cdef extern from "update/max_norm.h":
    enum:
        MAX_NORM_COLUMNS
    void max_norm_loop_f32(
        Py_ssize_t, Py_ssize_t, Py_ssize_t, float, float *) noexcept nogil
    void max_norm_loop_f64(
        Py_ssize_t, Py_ssize_t, Py_ssize_t, double, double *) noexcept nogil


cdef void limit_norms(
    const block_t *blocks, Py_ssize_t n_blocks, int share, int n_shares,
    floating *parameters,
) noexcept nogil:
    """Scales the columns of trained blocks down to their largest norm.

    A share is a range of the columns of each block. A norm does not depend on who takes
    its column.
    """
    cdef Py_ssize_t i, rows, columns, lines, at, end, count
    cdef floating *block
    for i in range(n_blocks):
        if blocks[i].max_norm == 0 or not blocks[i].trainable:
            continue
        block = parameters + blocks[i].offset
        columns = blocks[i].columns
        rows = blocks[i].size // columns
        lines = (columns + BLOCK_ALIGNMENT - 1) // BLOCK_ALIGNMENT
        at = lines * share // n_shares * BLOCK_ALIGNMENT
        end = min(lines * (share + 1) // n_shares * BLOCK_ALIGNMENT, columns)
        while at < end:
            count = min(end - at, <Py_ssize_t> MAX_NORM_COLUMNS)
            if floating is float:
                max_norm_loop_f32(
                    rows, count, columns, <float> blocks[i].max_norm, block + at)
            else:
                max_norm_loop_f64(rows, count, columns, blocks[i].max_norm, block + at)
            at += count
