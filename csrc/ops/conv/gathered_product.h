/* Products of a matrix whose rows and columns lie anywhere: windows of an image, which
   overlap, without a copy of each. */
#ifndef FASTNN_GATHERED_PRODUCT_H
#define FASTNN_GATHERED_PRODUCT_H

#include "base/compiler.h"
#include "plan.h"

/* Columns of the matrix: so many runs of depth numbers, each step apart. Run t begins at
   run[t], counted from the first number of a row. */
typedef struct {
    ptrdiff_t count;
    const ptrdiff_t *run;
    ptrdiff_t depth, step;
} runs_t;

#define DECLARE(REAL, NAMED)                                                               \
    /* c = [c +] a b. Row i of a begins at a + a_at[i], row i of c at c + c_at[i]. Rows  \
       of b, b_row apart, have n numbers, and what lies behind these up to a multiple of \
       BLOCK_ALIGNMENT may be read. */ \
    extern void CHOSEN(NAMED(gathered_product))(                                           \
        ptrdiff_t m, ptrdiff_t n, const runs_t *runs, const REAL *a,                       \
        const ptrdiff_t *a_at, const REAL *b, ptrdiff_t b_row, int adds, REAL *c,          \
        const ptrdiff_t *c_at);
#define NAMED_F32(name) name##_f32
#define NAMED_F64(name) name##_f64
DECLARE(float, NAMED_F32)
DECLARE(double, NAMED_F64)
#undef NAMED_F32
#undef NAMED_F64
#undef DECLARE

#endif
