/* Products of what windows read: rows of a matrix are places of images, or windows, and
   its columns are runs of numbers. */
#ifndef FASTNN_GATHER_H
#define FASTNN_GATHER_H

#include "base/compiler.h"
#include "ops/conv/conv.h"
#include "plan.h"

/* Places whose offsets are computed together, a multiple of what a tile has of them. */
enum { PLACES = 192 };

/* A product whose rows are places of rectangles and whose columns are runs of numbers,
   for which there is a rectangle too. */
typedef struct {
    ptrdiff_t samples, rows, columns;
    /* Numbers from one to the next. */
    ptrdiff_t a_sample, a_row, a_column, c_sample, c_row, c_column;
    ptrdiff_t run_rows, run_columns, run_row, run_column;
    ptrdiff_t depth, step;
    int adds;
} gather_t;

/* Where the image, or what is summed over, has a place for each of what is read. */
typedef struct {
    ptrdiff_t row, column; /* numbers from one place to the next */
    ptrdiff_t sample;
} pitch_t;

/* Windows along the last axis are one run where neighbours are read, of all channels. */
static inline int is_joined(const conv_t *conv) {
    return conv->column.dilation == 1 && conv->groups == 1;
}

static inline ptrdiff_t at_most(ptrdiff_t most, ptrdiff_t n) {
    return n < most ? n : most;
}

static inline ptrdiff_t aligned(ptrdiff_t n) {
    return (n + BLOCK_ALIGNMENT - 1) / BLOCK_ALIGNMENT * BLOCK_ALIGNMENT;
}

#define DECLARE(REAL, NAMED)                                                               \
    /* Columns of b are n, whose rows lie b_row apart as in gathered_product.h. */         \
    void NAMED(gather)(const gather_t *by, ptrdiff_t n, const REAL *a, const REAL *b,      \
                       ptrdiff_t b_row, REAL *c);                                          \
    /* Some places of so many samples, zeros where there are none; x where that will do. \
       rows, columns: places that a sample has. */ \
    const REAL *NAMED(cut)(const conv_t *conv, ptrdiff_t samples, ptrdiff_t rows,          \
                           ptrdiff_t columns, ptrdiff_t channels, const REAL *x,           \
                           REAL *scratch, pitch_t *pitch);
#define NAMED_F32(name) name##_f32
#define NAMED_F64(name) name##_f64
DECLARE(float, NAMED_F32)
DECLARE(double, NAMED_F64)
#undef NAMED_F32
#undef NAMED_F64
#undef DECLARE

#endif
