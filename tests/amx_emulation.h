/* AMX for processors without it, to be included before csrc/ops/product/bf16_amx.c and csrc/ops/product/bf16.c.

   TDPBF16PS as Intel's "Software developer's manual" describes it, volume 2: even and odd
   numbers of k are summed by themselves, each addition is fused and rounded to the nearest
   even, and denormals count as zero on the way in and out. The conversion to bfloat16 is
   written out too, so that AVX-512 without BF16 is enough. */
#ifndef AMX_EMULATION_H
#define AMX_EMULATION_H

#include <cpuid.h>
#include <immintrin.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef struct {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} amx_config_t;

/* Shared by the files of one library; each thread has registers of its own. */
extern __thread amx_config_t amx_config;
extern __thread unsigned char amx_tile[8][16][64];
extern int amx_loads, amx_releases, amx_mistakes;

#define EMULATED static inline __attribute__((unused))
#define MISTAKE() __atomic_add_fetch(&amx_mistakes, 1, __ATOMIC_RELAXED)

EMULATED void amx_load_config(const void *from) {
    memcpy(&amx_config, from, sizeof amx_config);
    memset(amx_tile, 0, sizeof amx_tile);
    if (amx_config.palette != 1 || amx_config.start_row) MISTAKE();
    for (int i = 0; i < 16; i++)
        if (amx_config.rows[i] > (i < 8 ? 16 : 0) ||
            amx_config.row_bytes[i] > (i < 8 ? 64 : 0) ||
            !amx_config.rows[i] != !amx_config.row_bytes[i])
            MISTAKE();
    __atomic_add_fetch(&amx_loads, 1, __ATOMIC_RELAXED);
}

EMULATED void amx_release(void) {
    memset(&amx_config, 0, sizeof amx_config);
    memset(amx_tile, 0xff, sizeof amx_tile);
    __atomic_add_fetch(&amx_releases, 1, __ATOMIC_RELAXED);
}

EMULATED int amx_rows(int tile) {
    if (!amx_config.rows[tile]) MISTAKE();
    return amx_config.rows[tile];
}

EMULATED void amx_zero(int tile) {
    if (amx_rows(tile)) memset(amx_tile[tile], 0, sizeof amx_tile[tile]);
}

EMULATED void amx_load(int tile, const char *from, ptrdiff_t stride) {
    memset(amx_tile[tile], 0, sizeof amx_tile[tile]);
    for (int i = 0; i < amx_rows(tile); i++)
        memcpy(amx_tile[tile][i], from + i * stride, amx_config.row_bytes[tile]);
}

EMULATED void amx_store(int tile, char *to, ptrdiff_t stride) {
    for (int i = 0; i < amx_rows(tile); i++)
        memcpy(to + i * stride, amx_tile[tile][i], amx_config.row_bytes[tile]);
}

EMULATED float amx_flushed(float x) {
    uint32_t bits;
    memcpy(&bits, &x, 4);
    if (!(bits & 0x7f800000)) bits &= 0x80000000;
    memcpy(&x, &bits, 4);
    return x;
}

EMULATED float amx_widened(uint16_t x) {
    uint32_t bits = (uint32_t)x << 16;
    float wide;
    memcpy(&wide, &bits, 4);
    return amx_flushed(wide);
}

EMULATED void amx_multiply(int c, int a, int b) {
    int pairs = amx_config.row_bytes[a] / 4, columns = amx_config.row_bytes[c] / 4;
    if (amx_rows(c) != amx_rows(a) || amx_rows(b) != pairs ||
        amx_config.row_bytes[b] != amx_config.row_bytes[c])
        MISTAKE();
    for (int m = 0; m < amx_rows(c); m++) {
        float sum[32] = {0}, of_c[16];
        uint16_t of_a[32], of_b[32];
        memcpy(of_a, amx_tile[a][m], 64);
        memcpy(of_c, amx_tile[c][m], 64);
        for (int k = 0; k < pairs; k++) {
            memcpy(of_b, amx_tile[b][k], 64);
            for (int i = 0; i < 2 * columns; i++)
                sum[i] = amx_flushed(fmaf(amx_widened(of_a[2 * k + i % 2]),
                                          amx_widened(of_b[i]), sum[i]));
        }
        for (int n = 0; n < columns; n++) {
            float both = amx_flushed(sum[2 * n] + sum[2 * n + 1]);
            of_c[n] = amx_flushed(amx_flushed(of_c[n]) + both);
        }
        memcpy(amx_tile[c][m], of_c, 64);
    }
}

/* VCVTNE2PS2BF16: to the nearest even, NaN stays NaN, denormals become zero. */
EMULATED uint16_t amx_rounded(float x) {
    uint32_t bits;
    memcpy(&bits, &x, 4);
    if ((bits & 0x7fffffff) > 0x7f800000) return (uint16_t)(bits >> 16 | 0x40);
    if (!(bits & 0x7f800000)) return (uint16_t)(bits >> 16 & 0x8000);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

__attribute__((target("avx512f"))) EMULATED __m512i amx_convert(__m512 high,
                                                                __m512 low) {
    float from[32];
    uint16_t to[32];
    memcpy(from, &low, 64);
    memcpy(from + 16, &high, 64);
    for (int i = 0; i < 32; i++) to[i] = amx_rounded(from[i]);
    __m512i converted;
    memcpy(&converted, to, 64);
    return converted;
}

#undef _tile_loadconfig
#undef _tile_release
#undef _tile_zero
#undef _tile_loadd
#undef _tile_stored
#undef _tile_dpbf16ps
#undef _mm512_cvtne2ps_pbh
#define _tile_loadconfig(from) amx_load_config(from)
#define _tile_release() amx_release()
#define _tile_zero(tile) amx_zero(tile)
#define _tile_loadd(tile, from, stride) \
    amx_load(tile, (const char *)(from), (ptrdiff_t)(stride))
#define _tile_stored(tile, to, stride) \
    amx_store(tile, (char *)(to), (ptrdiff_t)(stride))
#define _tile_dpbf16ps(c, a, b) amx_multiply(c, a, b)
#define _mm512_cvtne2ps_pbh(high, low) amx_convert(high, low)

/* What the choice of a unit asks the processor and the system, for tests to answer. */
extern unsigned fake_leaf_1_ecx, fake_leaf_7_edx;
extern unsigned long long fake_xcr0;
extern long fake_permission;
extern int fake_requests;

EMULATED int fake_cpuid(unsigned leaf, unsigned *c, unsigned *d) {
    if (leaf == 1) *c = fake_leaf_1_ecx;
    if (leaf == 7) *d = fake_leaf_7_edx;
    return 1;
}

EMULATED long fake_syscall(long number, long request, long state) {
    if (number != SYS_arch_prctl || request != 0x1023 || state != 18) return -1;
    fake_requests++;
    return fake_permission;
}

#undef _xgetbv
#define __get_cpuid(leaf, a, b, c, d) (*(a) = *(b) = *(d) = 0, fake_cpuid(leaf, c, d))
#define __get_cpuid_count(leaf, part, a, b, c, d) \
    (*(a) = *(b) = *(c) = 0, fake_cpuid(leaf, c, d))
#define _xgetbv(number) fake_xcr0
#define syscall(number, request, state) fake_syscall(number, request, state)

#endif
