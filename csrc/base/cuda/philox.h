/* The random numbers that a thread draws for a row: a function of the step, of the op and of
   the place, the same as on the CPU. */
#ifndef FASTNN_CUDA_PHILOX_H
#define FASTNN_CUDA_PHILOX_H

#include "base/cuda/device.h"

#include "tables/elementwise.h"
#include "base/random.h"

/* The step's row of the optimizer's table, the number of the op, and the mini-batch's row
   that is the first one here. */
#define PHILOX_ARGUMENTS const double *scalars, ptrdiff_t number, ptrdiff_t first_row

/* A thread has what one block of random bits is enough for: every so-manyth column of a
   row, as random.h has it. */
#define PHILOX_OF_THREAD(i, blocks)                                          \
    ptrdiff_t row = quotient(i, blocks), block = i - row * (blocks);         \
    uint64_t stream = (uint64_t)scalars[MASK_STEP] << 16 | (uint64_t)number; \
    uint64_t position =                                                      \
        (uint64_t)(first_row + row) * (uint64_t)(blocks) + (uint64_t)block;  \
    philox_t bits = philox((uint64_t)scalars[MASK_SEED], stream, position);

#endif
