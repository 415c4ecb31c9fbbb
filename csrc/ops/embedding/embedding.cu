#ifndef REAL
#include "base/cuda/device.h"

#define BODY "ops/embedding/embedding.cu"
#include "base/each_real.h"
#else

/* Rows of n numbers of a table, one for each token. */
KERNEL(NAMED(embedding), ptrdiff_t size, ptrdiff_t n, const int32_t *tokens,
       const REAL *table, REAL *y) {
    EACH_NUMBER(i, size) {
        ptrdiff_t row = quotient(i, n);
        y[i] = table[(ptrdiff_t)tokens[row] * n + i - row * n];
    }
}

/* Makes the gradient of a table zero, which the sums are then added to. */
KERNEL(NAMED(embedding_zeros), ptrdiff_t size, REAL *dtable) {
    EACH_NUMBER(i, size) dtable[i] = 0;
}

/* The gradients of the m tokens, added up in their order: a row of threads has a token
   that does not stand earlier, and adds to its row whatever stands there or later. */
KERNEL(NAMED(embedding_gradient), ptrdiff_t m, ptrdiff_t n, const int32_t *tokens,
       const REAL *dy, REAL *dtable) {
    EACH_ROW(first, m) {
        int32_t token = tokens[first];
        bool is_first = true;
        for (ptrdiff_t i = 0; i < first && is_first; i++) is_first = tokens[i] != token;
        if (!is_first) continue;
        for (ptrdiff_t j = threadIdx.x; j < n; j += blockDim.x) {
            REAL sum = dtable[(ptrdiff_t)token * n + j];
            for (ptrdiff_t i = first; i < m; i++)
                if (tokens[i] == token) sum += dy[i * n + j];
            dtable[(ptrdiff_t)token * n + j] = sum;
        }
    }
}

#endif
