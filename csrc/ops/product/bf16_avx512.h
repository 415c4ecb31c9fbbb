#ifndef FASTNN_BF16_AVX512_H
#define FASTNN_BF16_AVX512_H

#include "ops/product/bf16.h"

/* gcc before 10 and clang before 9 do not know the instructions; clang 16 crashes on a
   pair of numbers that is spread over a vector, and 17 has not been tried. */
#if defined(__x86_64__) && ((defined(__clang__) && __clang_major__ >= 9 &&      \
                             __clang_major__ != 16 && __clang_major__ != 17) || \
                            (!defined(__clang__) && __GNUC__ >= 10))
#define HAS_AVX512_BF16 1
#else
#define HAS_AVX512_BF16 0
#endif

void product_avx512_bf16(ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, const float *a,
                         ptrdiff_t a_row, ptrdiff_t a_column, const float *b,
                         ptrdiff_t b_row, ptrdiff_t b_column, float beta, float *c,
                         ptrdiff_t c_row, void *workspace);

#endif
