/* What one core can do, in the plainest loops that reach it. */

typedef float vector __attribute__((vector_size(64)));

enum { N_ACCUMULATORS = 16, WIDTH = 16 };

static vector sum_of(const vector *all, int n) {
    vector total = all[0];
    for (int i = 1; i < n; i++) total += all[i];
    return total;
}

/* Independent accumulators in wide vectors, nothing loaded or stored: each round does
 * 2 * 16 * 16 operations. */
float fma_rounds(long n) {
    vector sum[N_ACCUMULATORS], factor;
    for (int j = 0; j < WIDTH; j++) factor[j] = 0.5f;
    for (int i = 0; i < N_ACCUMULATORS; i++) sum[i] = factor * (float)i;
    for (long round = 0; round < n; round++) {
        for (int i = 0; i < N_ACCUMULATORS; i++) sum[i] = sum[i] * factor + factor;
    }
    return sum_of(sum, N_ACCUMULATORS)[0];
}

/* Rows of 16 numbers, wherever they lie, times values, summed up. n is a multiple of 4. */
float gather_rows(long n, const int *columns, const float *values, const vector *rows) {
    vector sum[4] = {{0}};
    for (long i = 0; i < n; i += 4) {
        for (int j = 0; j < 4; j++) sum[j] += values[i + j] * rows[columns[i + j]];
    }
    return sum_of(sum, 4)[0];
}

/* One row of 16 numbers times values, added to rows wherever they lie. */
void scatter_rows(long n, const int *columns, const float *values, vector *rows) {
    vector one;
    for (int j = 0; j < WIDTH; j++) one[j] = 1e-6f;
    for (long i = 0; i < n; i++) rows[columns[i]] += values[i] * one;
}
