/* The most floating-point operations that one core does: 16 independent accumulators,
 * wide vectors, nothing loaded or stored. */

typedef float vector __attribute__((vector_size(64)));

enum { N_ACCUMULATORS = 16 };

/* n rounds; each does 2 * 16 * 16 operations. */
float fma_rounds(long n) {
    vector sum[N_ACCUMULATORS], factor;
    for (int j = 0; j < 16; j++) factor[j] = 0.5f;
    for (int i = 0; i < N_ACCUMULATORS; i++) sum[i] = factor * (float)i;
    for (long round = 0; round < n; round++) {
        for (int i = 0; i < N_ACCUMULATORS; i++) sum[i] = sum[i] * factor + factor;
    }
    vector total = sum[0];
    for (int i = 1; i < N_ACCUMULATORS; i++) total += sum[i];
    return total[0];
}
