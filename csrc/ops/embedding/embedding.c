#ifndef REAL
#include "ops/embedding/embedding.h"

/* How many rows before their turn they are asked for: they lie anywhere. */
enum { AHEAD = 8, CACHE_LINE = 64 };

#define BODY "ops/embedding/embedding.c"
#include "base/each_level.h"
#else

LOOP void NAMED(embedding_loop)(ptrdiff_t m, ptrdiff_t n, const int32_t *tokens,
                                const REAL *table, REAL *y) {
    for (ptrdiff_t i = 0; i < m; i++) {
        if (i + AHEAD < m) {
            const REAL *later = table + (ptrdiff_t)tokens[i + AHEAD] * n;
            for (ptrdiff_t j = 0; j < n; j += CACHE_LINE / (ptrdiff_t)sizeof(REAL))
                PREFETCH(later + j);
        }
        const REAL *row = table + (ptrdiff_t)tokens[i] * n;
        SIMD
        for (ptrdiff_t j = 0; j < n; j++) y[i * n + j] = row[j];
    }
}
CHOOSE(embedding_loop)

LOOP void NAMED(embedding_gradient_loop)(ptrdiff_t m, ptrdiff_t n,
                                         const int32_t *tokens, const REAL *dy,
                                         REAL *dtable) {
    for (ptrdiff_t i = 0; i < m; i++) {
        REAL *row = dtable + (ptrdiff_t)tokens[i] * n;
        SIMD
        for (ptrdiff_t j = 0; j < n; j++) row[j] += dy[i * n + j];
    }
}
CHOOSE(embedding_gradient_loop)

#endif
