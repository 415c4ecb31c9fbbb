#ifndef REAL

#include "ops/product/sparse.h"

#include "base/compiler.h"

/* Where the stored values of a row begin. */
static inline ptrdiff_t start_of(const sparse_rows_t *a, ptrdiff_t row) {
    return a->long_starts ? (ptrdiff_t)((const int64_t *)a->starts)[row]
                          : (ptrdiff_t)((const int32_t *)a->starts)[row];
}

/* Strips of a dense row: numbers that one instruction or a few work on together. */
#define LANES(STRIP) (ptrdiff_t)(sizeof(STRIP) / sizeof(REAL))

/* How many rows before their turn they are asked for, and how much comes at once. */
enum { AHEAD = 2, CACHE_LINE = 64 };

#define BODY "ops/product/sparse.c"
#include "base/each_level.h"

#else

typedef STRIP_OF(REAL, 64 / sizeof(REAL)) NAMED(wide);
typedef STRIP_OF(REAL, 16 / sizeof(REAL)) NAMED(narrow);

#define WIDE NAMED(wide)
#define NARROW NAMED(narrow)
#define INDEX int32_t
#define VALUE float
#define TYPED(name) NAMED(name##_i32_f32)
#include "data/sparse_rows.h"
#undef INDEX
#undef TYPED
#define INDEX int64_t
#define TYPED(name) NAMED(name##_i64_f32)
#include "data/sparse_rows.h"
#undef INDEX
#undef VALUE
#undef TYPED
#define INDEX int32_t
#define VALUE double
#define TYPED(name) NAMED(name##_i32_f64)
#include "data/sparse_rows.h"
#undef INDEX
#undef TYPED
#define INDEX int64_t
#define TYPED(name) NAMED(name##_i64_f64)
#include "data/sparse_rows.h"
#undef INDEX
#undef VALUE
#undef TYPED

#undef WIDE
#undef NARROW

LOOP void NAMED(sparse_product)(ptrdiff_t m, ptrdiff_t n, const sparse_rows_t *a,
                                const REAL *b, int accumulate, REAL *c) {
    if (!accumulate) memset(c, 0, (size_t)(m * n) * sizeof(REAL));
    if (a->wide && a->long_columns)
        NAMED(product_i64_f64)(m, n, a, b, c);
    else if (a->wide)
        NAMED(product_i32_f64)(m, n, a, b, c);
    else if (a->long_columns)
        NAMED(product_i64_f32)(m, n, a, b, c);
    else
        NAMED(product_i32_f32)(m, n, a, b, c);
}
CHOOSE(sparse_product)

LOOP void NAMED(sparse_transposed_product)(ptrdiff_t k, ptrdiff_t n,
                                           const sparse_rows_t *a, const REAL *b,
                                           REAL *c) {
    if (a->wide && a->long_columns)
        NAMED(transposed_i64_f64)(k, n, a, b, c);
    else if (a->wide)
        NAMED(transposed_i32_f64)(k, n, a, b, c);
    else if (a->long_columns)
        NAMED(transposed_i64_f32)(k, n, a, b, c);
    else
        NAMED(transposed_i32_f32)(k, n, a, b, c);
}
CHOOSE(sparse_transposed_product)

#endif
