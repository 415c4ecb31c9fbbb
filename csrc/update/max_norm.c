#ifndef REAL
#include "update/max_norm.h"
#define BODY "update/max_norm.c"
#include "base/each_level.h"
#else

#include "update/max_norm_formulas.h"

LOOP void NAMED(max_norm_loop)(ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t lead,
                               REAL max_norm, REAL *weights) {
    REAL factors[MAX_NORM_COLUMNS] = {0};
    REAL largest = max_norm * max_norm;
    int too_long = 0;
    for (ptrdiff_t i = 0; i < rows; i++) {
        const REAL *row = weights + i * lead;
        SIMD
        for (ptrdiff_t j = 0; j < columns; j++) factors[j] += row[j] * row[j];
    }
    SIMD_SUM(too_long)
    for (ptrdiff_t j = 0; j < columns; j++) {
        REAL square = factors[j];
        too_long += square > largest;
        factors[j] = NAMED(max_norm_factor)(square, max_norm);
    }
    if (!too_long) return;
    for (ptrdiff_t i = 0; i < rows; i++) {
        REAL *row = weights + i * lead;
        SIMD
        for (ptrdiff_t j = 0; j < columns; j++) row[j] *= factors[j];
    }
}
CHOOSE(max_norm_loop)

#endif
