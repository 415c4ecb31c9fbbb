/* words[k][i] is word k of philox(seed, stream, position + i), for i < count.

   Round by round over all blocks, which stay in the first-level cache, so that the loops
   vectorise. */
static void NAMED(philox_blocks)(ptrdiff_t count, uint64_t seed, uint64_t stream,
                                 uint64_t position, uint32_t words[4][BLOCKS_AT_ONCE]) {
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
    for (ptrdiff_t i = 0; i < count; i++) {
        words[0][i] = (uint32_t)(position + (uint64_t)i);
        words[1][i] = (uint32_t)((position + (uint64_t)i) >> 32);
        words[2][i] = (uint32_t)stream;
        words[3][i] = (uint32_t)(stream >> 32);
    }
    for (int round = 0; round < PHILOX_ROUNDS; round++) {
        SIMD
        for (ptrdiff_t i = 0; i < count; i++)
            philox_round(&words[0][i], &words[1][i], &words[2][i], &words[3][i], k0,
                         k1);
        k0 += PHILOX_KEY_0;
        k1 += PHILOX_KEY_1;
    }
}
