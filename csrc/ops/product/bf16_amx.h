#ifndef FASTNN_BF16_AMX_H
#define FASTNN_BF16_AMX_H

#include "ops/product/bf16.h"

/* gcc before 11 and clang before 12 do not know the instructions; other systems than Linux
   hand the registers out in other ways. */
#if defined(__x86_64__) && defined(__linux__) &&      \
    ((defined(__clang__) && __clang_major__ >= 12) || \
     (!defined(__clang__) && __GNUC__ >= 11))
#define HAS_AMX 1
#else
#define HAS_AMX 0
#endif

void product_amx_bf16(ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, const float *a,
                      ptrdiff_t a_row, ptrdiff_t a_column, const float *b,
                      ptrdiff_t b_row, ptrdiff_t b_column, float beta, float *c,
                      ptrdiff_t c_row, void *workspace);
void product_amx_high(ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, const float *a,
                      ptrdiff_t a_row, ptrdiff_t a_column, const float *b,
                      ptrdiff_t b_row, ptrdiff_t b_column, float beta, float *c,
                      ptrdiff_t c_row, void *workspace);

#endif
