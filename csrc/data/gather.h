/* Rows of a table, in any layout, copied side by side as float, double or tokens. */
#ifndef FASTNN_GATHER_H
#define FASTNN_GATHER_H

#include "base/compiler.h"

/* What the numbers of a table may be; a bool is a byte that is 0 or 1. */
#define INTEGER_TYPES(TYPE) \
    TYPE(int8_t, I8)        \
    TYPE(uint8_t, U8)       \
    TYPE(int16_t, I16)      \
    TYPE(uint16_t, U16)     \
    TYPE(int32_t, I32)      \
    TYPE(uint32_t, U32)     \
    TYPE(int64_t, I64)      \
    TYPE(uint64_t, U64)
#define TABLE_TYPES(TYPE) INTEGER_TYPES(TYPE) TYPE(float, F32) TYPE(double, F64)

#define ROW(SOURCE, NAME) TABLE_##NAME,
enum table_type { TABLE_TYPES(ROW) N_TABLE_TYPES };
#undef ROW

/* to[i, j] = (REAL)from[rows[i] * row_stride + j * column_stride] for i < m, j < n.
   Strides count elements. */
typedef void (*gather_loop_f32)(ptrdiff_t m, ptrdiff_t n, const void *from,
                                ptrdiff_t row_stride, ptrdiff_t column_stride,
                                const ptrdiff_t *rows, float *to);
typedef void (*gather_loop_f64)(ptrdiff_t m, ptrdiff_t n, const void *from,
                                ptrdiff_t row_stride, ptrdiff_t column_stride,
                                const ptrdiff_t *rows, double *to);

/* By the type of the table. */
extern const gather_loop_f32 CHOSEN_TABLE(gather_loops_f32);
extern const gather_loop_f64 CHOSEN_TABLE(gather_loops_f64);

/* The same of tokens, by the type of the table, which is one of integers. What is not one
   from 0 to n_tokens - 1 becomes 0: whoever changes a table that was looked at does not
   lead out of what its tokens are the numbers of. */
typedef void (*gather_tokens_loop)(ptrdiff_t m, ptrdiff_t n, const void *from,
                                   ptrdiff_t row_stride, ptrdiff_t column_stride,
                                   const ptrdiff_t *rows, ptrdiff_t n_tokens,
                                   int32_t *to);
extern const gather_tokens_loop gather_tokens_loops[];

#endif
