#ifndef REAL
#include "cuda/device.h"

#include "lanes.h"

/* Which sample is row i of this chunk: of the order that is given, in the batch of the
   present step, cursor[1], from row first on. */
HOST_DEVICE ptrdiff_t sample(const int64_t *order, const int64_t *cursor,
                             ptrdiff_t batch_size, ptrdiff_t first, ptrdiff_t i) {
    return order[cursor[1] * batch_size + first + i];
}

#define SAMPLE_ARGUMENTS \
    const int64_t *order, const int64_t *cursor, ptrdiff_t batch_size, ptrdiff_t first

#define BODY "cuda/gather.cu"
#include "each_real.h"
#else

SHARED_KERNEL(NAMED(gather), ptrdiff_t count, ptrdiff_t n, SAMPLE_ARGUMENTS,
              const REAL *from, REAL *to) {
    EACH_NUMBER(i, count * n) {
        ptrdiff_t row = quotient(i, n);
        to[i] = from[sample(order, cursor, batch_size, first, row) * n + i - row * n];
    }
}

/* Rows of a sparse table, whose column numbers are unique in a row, as dense ones. */
SHARED_KERNEL(NAMED(gather_sparse), ptrdiff_t count, ptrdiff_t n, SAMPLE_ARGUMENTS,
              const int64_t *starts, const int64_t *columns, const REAL *values,
              REAL *to) {
    EACH_ROW(i, count) {
        ptrdiff_t row = sample(order, cursor, batch_size, first, i);
        EACH_COLUMN(j, 0, n) to[i * n + j] = 0;
        __syncwarp();
        EACH_COLUMN(k, starts[row], starts[row + 1]) to[i * n + columns[k]] = values[k];
    }
}

#endif
