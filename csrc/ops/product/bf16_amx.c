/* Products in bfloat16 by AMX, whose registers are tiles: 16 x 32 numbers of a times
   32 x 16 of b into 16 x 16 sums. */
#include "ops/product/bf16_amx.h"

#if HAS_AMX

#define TARGET                                                           \
    __attribute__((target("amx-tile,amx-bf16,avx512f,avx512vl,avx512bw," \
                          "avx512dq,avx512bf16,fma")))
#include "ops/product/bf16_blocks.h"

/* Some compilers do not know that these instructions read and write memory. */
#define MEMORY_BARRIER() __asm__ volatile("" : : : "memory")

/* Registers 0 to 3 are sums, of the first strip of a and then of the second; 4 and 5 are
   of a, 6 and 7 of b. The functions take as many strips as there are. */
ALWAYS_INLINE void load_a(const int strips, const char *a, ptrdiff_t strip) {
    _tile_loadd(4, a, 64);
    if (strips == 2) _tile_loadd(5, a + strip, 64);
}

ALWAYS_INLINE void load_b(const int strips, const char *b, ptrdiff_t strip) {
    _tile_loadd(6, b, 64);
    if (strips == 2) _tile_loadd(7, b + strip, 64);
}

ALWAYS_INLINE void multiply_tiles(const int a_strips, const int b_strips) {
    _tile_dpbf16ps(0, 4, 6);
    if (b_strips == 2) _tile_dpbf16ps(1, 4, 7);
    if (a_strips == 2) _tile_dpbf16ps(2, 5, 6);
    if (a_strips == 2 && b_strips == 2) _tile_dpbf16ps(3, 5, 7);
}

ALWAYS_INLINE void multiply_strips(const int terms, const int a_strips,
                                   const int b_strips, ptrdiff_t depth, const char *a,
                                   ptrdiff_t a_strip, const char *b, ptrdiff_t b_strip,
                                   float *sums) {
    MEMORY_BARRIER();
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (; depth > 0; depth -= TILE_DEPTH) {
        if (terms == 1) {
            load_a(a_strips, a, a_strip);
            load_b(b_strips, b, b_strip);
            multiply_tiles(a_strips, b_strips);
        } else {
            /* Small products before large ones. What is left out is below 2^-24 of the
               largest, and from one to the next only one operand changes. */
            load_a(a_strips, a + 2 * TILE_BYTES, a_strip);
            load_b(b_strips, b, b_strip);
            multiply_tiles(a_strips, b_strips); /* third of a, first of b */
            load_a(a_strips, a + TILE_BYTES, a_strip);
            multiply_tiles(a_strips, b_strips); /* second, first */
            load_b(b_strips, b + TILE_BYTES, b_strip);
            multiply_tiles(a_strips, b_strips); /* second, second */
            load_a(a_strips, a, a_strip);
            multiply_tiles(a_strips, b_strips); /* first, second */
            load_b(b_strips, b + 2 * TILE_BYTES, b_strip);
            multiply_tiles(a_strips, b_strips); /* first, third */
            load_b(b_strips, b, b_strip);
            multiply_tiles(a_strips, b_strips); /* first, first */
        }
        a += terms * TILE_BYTES;
        b += terms * TILE_BYTES;
    }
    _tile_stored(0, sums, 32 * sizeof(float));
    if (b_strips == 2) _tile_stored(1, sums + 16, 32 * sizeof(float));
    if (a_strips == 2) _tile_stored(2, sums + 16 * 32, 32 * sizeof(float));
    if (a_strips == 2 && b_strips == 2)
        _tile_stored(3, sums + 16 * 32 + 16, 32 * sizeof(float));
    MEMORY_BARRIER();
}

#define MULTIPLY(name, terms)                                                  \
    TARGET static __attribute__((noinline)) void name(                         \
        ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t depth, const char *a,     \
        ptrdiff_t a_strip, const char *b, ptrdiff_t b_strip, float *sums) {    \
        if (rows > STRIP && columns > STRIP)                                   \
            multiply_strips(terms, 2, 2, depth, a, a_strip, b, b_strip, sums); \
        else if (rows > STRIP)                                                 \
            multiply_strips(terms, 2, 1, depth, a, a_strip, b, b_strip, sums); \
        else if (columns > STRIP)                                              \
            multiply_strips(terms, 1, 2, depth, a, a_strip, b, b_strip, sums); \
        else                                                                   \
            multiply_strips(terms, 1, 1, depth, a, a_strip, b, b_strip, sums); \
    }
MULTIPLY(multiply_bf16, 1)
MULTIPLY(multiply_high, 3)

/* What LDTILECFG reads: eight registers of 16 rows of 64 bytes. */
typedef struct {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} tile_config_t;

static const tile_config_t full_tiles = {
    .palette = 1,
    .row_bytes = {64, 64, 64, 64, 64, 64, 64, 64},
    .rows = {16, 16, 16, 16, 16, 16, 16, 16},
};

/* The registers are given back after each product: while a thread holds them, every
   switch to another one saves 8 KB, and its core runs slower. */
#define PRODUCT(name, terms, multiply)                                          \
    TARGET void name(ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, const float *a,     \
                     ptrdiff_t a_row, ptrdiff_t a_column, const float *b,       \
                     ptrdiff_t b_row, ptrdiff_t b_column, float beta, float *c, \
                     ptrdiff_t c_row, void *workspace) {                        \
        product_t whole = {m, n,     k,        a,    a_row, a_column,           \
                           b, b_row, b_column, beta, c,     c_row};             \
        _tile_loadconfig(&full_tiles);                                          \
        multiply_blocks(terms, multiply, &whole, workspace);                    \
        _tile_release();                                                        \
    }
PRODUCT(product_amx_bf16, 1, multiply_bf16)
PRODUCT(product_amx_high, 3, multiply_high)

#endif
