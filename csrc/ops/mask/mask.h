/* Masks, 1 for each row that counts and 0 for the others, and rows without those that a
   mask keeps out. */
#ifndef FASTNN_MASK_H
#define FASTNN_MASK_H

#include "base/compiler.h"

/* Whether a number is another one than a value, which may be NaN. */
#define IS_OTHER(x, value) (((x) != (value)) & (((x) == (x)) | ((value) == (value))))

#define DECLARE(REAL, NAMED)                                                           \
    /* mask[i] = 1 where tokens[i] is not 0, else 0. */                                \
    extern void CHOSEN(NAMED(token_mask_loop))(ptrdiff_t m, const int32_t *tokens,     \
                                               REAL *mask);                            \
    /* mask[i] = 1 where any of the n numbers of row i is another, else 0. */          \
    extern void CHOSEN(NAMED(value_mask_loop))(ptrdiff_t m, ptrdiff_t n,               \
                                               const REAL *x, REAL value, REAL *mask); \
    /* y = x, m rows of n numbers, and 0 where the mask is, whatever stands there. */  \
    extern void CHOSEN(NAMED(masked_loop))(ptrdiff_t m, ptrdiff_t n, const REAL *x,    \
                                           const REAL *mask, REAL *y);
#define NAMED_F32(name) name##_f32
#define NAMED_F64(name) name##_f64
DECLARE(float, NAMED_F32)
DECLARE(double, NAMED_F64)
#undef NAMED_F32
#undef NAMED_F64
#undef DECLARE

#endif
