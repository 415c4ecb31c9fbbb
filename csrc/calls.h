/* Calls of kernels as records, which blocks of threads read and do one after another: see
   csrc/cuda/row_blocks.h. NumPy reads the record dtypes off these structs. */
#ifndef FASTNN_CALLS_H
#define FASTNN_CALLS_H

#include <stdint.h>

#include "elementwise.h"

enum { MAX_ARGUMENTS = 20 };

/* Argument i is base[i] + number of the block of rows * per_block[i]
   - rows that the last block lacks * per_row[i], or the bits of a REAL or double. */
typedef struct {
    int64_t name; /* its place in call_names */
    int64_t base[MAX_ARGUMENTS], per_block[MAX_ARGUMENTS], per_row[MAX_ARGUMENTS];
} call_t;

/* What a block of threads does of sums over rows: some calls, of which it has a share. */
typedef struct {
    int64_t first_call, n_calls, share, shares;
} task_t;

/* The functions that work on a few rows by themselves, beside those of the tables of
   activations and losses. */
#define ROW_CALL_TABLE(ROW)   \
    ROW(gather)               \
    ROW(gather_sparse)        \
    ROW(product_of_rows)      \
    ROW(reduce)               \
    ROW(softmax)              \
    ROW(softmax_gradient)     \
    ROW(dropout_forward)      \
    ROW(gaussian_noise)       \
    ROW(prelu_forward)        \
    ROW(prelu_input_gradient) \
    ROW(prelu_slope_gradient) \
    ROW(row_norm)             \
    ROW(row_norm_gradient)
/* Those that add up over rows, beside the two that do both. */
#define SUM_CALL_TABLE(ROW) \
    ROW(product_over_rows)  \
    ROW(row_norm_sums)      \
    ROW(finish_loss)

#define EVERY_CALL(ROW, ACTIVATION, LOSS) \
    ROW_CALL_TABLE(ROW)                   \
    SUM_CALL_TABLE(ROW)                   \
    ACTIVATION_TABLE(ACTIVATION)          \
    LOSS_TABLE(LOSS)                      \
    ROW_LOSS_TABLE(LOSS)

enum {
#define ROW(name) CALL_##name,
#define ACTIVATION(name, ...) CALL_add_##name, CALL_slope_##name,
#define LOSS(name, ...) CALL_loss_##name,
    EVERY_CALL(ROW, ACTIVATION, LOSS)
#undef ROW
#undef ACTIVATION
#undef LOSS
        N_CALLS
};

#endif
