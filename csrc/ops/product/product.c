#include "ops/product/product.h"

#include "base/compiler.h"
#include "base/instructions.h"
#include "base/memory.h"

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__)) && !defined(_WIN32)

#include <immintrin.h>
#include <pthread.h>

#if defined(__clang__)
#define UNROLL PRAGMA(unroll)
#else
#define UNROLL PRAGMA(GCC unroll 16)
#endif
#define ALWAYS_INLINE TARGET static inline __attribute__((always_inline))

enum {
    FAR_APART = 512,          /* numbers from one row to the next */
    PANEL_BYTES = 32 * 1024,  /* what the first-level cache holds */
    BLOCK_BYTES = 128 * 1024, /* second level */
    BLOCK_START = PANEL_BYTES + BUFFER_GAP
};

/* Memory for copies of operands, which the calling thread has until it ends: more than
   the stacks of some threads hold, and too much to ask for in every product. NULL where
   there is none, and products then do with less. */
static pthread_key_t buffer_key;
static pthread_once_t asked = PTHREAD_ONCE_INIT;
static int has_key;

static void make_key(void) {
    has_key = pthread_key_create(&buffer_key, buffer_free) == 0;
}

static void *new_buffer_of_thread(void) {
    void *buffer = has_key ? buffer_new(BLOCK_START + BLOCK_BYTES + BUFFER_GAP) : NULL;
    if (buffer && pthread_setspecific(buffer_key, buffer)) {
        buffer_free(buffer);
        return NULL;
    }
    return buffer;
}

static inline void *buffer_of_thread(void) {
    void *buffer = has_key ? pthread_getspecific(buffer_key) : NULL;
    return buffer ? buffer : new_buffer_of_thread();
}

/* to[j, i] = from[i, j] for 4 x 4 numbers; rows lie from_row and to_row apart. */
#define TRANSPOSE_F32(NAME)                                                   \
    ALWAYS_INLINE void NAME(const float *from, ptrdiff_t from_row, float *to, \
                            ptrdiff_t to_row) {                               \
        __m128 r0 = _mm_loadu_ps(from), r1 = _mm_loadu_ps(from + from_row);   \
        __m128 r2 = _mm_loadu_ps(from + 2 * from_row);                        \
        __m128 r3 = _mm_loadu_ps(from + 3 * from_row);                        \
        _MM_TRANSPOSE4_PS(r0, r1, r2, r3);                                    \
        _mm_storeu_ps(to, r0);                                                \
        _mm_storeu_ps(to + to_row, r1);                                       \
        _mm_storeu_ps(to + 2 * to_row, r2);                                   \
        _mm_storeu_ps(to + 3 * to_row, r3);                                   \
    }
#define TRANSPOSE_F64(NAME)                                                          \
    ALWAYS_INLINE void NAME(const double *from, ptrdiff_t from_row, double *to,      \
                            ptrdiff_t to_row) {                                      \
        for (int i = 0; i < 4; i++)                                                  \
            for (int j = 0; j < 4; j++) to[j * to_row + i] = from[i * from_row + j]; \
    }

#define TARGET __attribute__((target("avx512f,avx512vl,avx512bw,avx512dq,fma")))
#define VECTOR_BYTES 64
#define TILE_ROWS 8
#define REAL float
#define ISA(name) name##_avx512_f32
TRANSPOSE_F32(ISA(transpose_4))
ALWAYS_INLINE __m512 ISA(load_some)(const float *from, ptrdiff_t count) {
    return _mm512_maskz_loadu_ps((__mmask16)((1u << count) - 1), from);
}
ALWAYS_INLINE void ISA(store_some)(float *to, __m512 x, ptrdiff_t count) {
    _mm512_mask_storeu_ps(to, (__mmask16)((1u << count) - 1), x);
}
ALWAYS_INLINE float ISA(total)(__m512 x) { return _mm512_reduce_add_ps(x); }
#include "ops/product/product_tile.h"
#undef REAL
#undef ISA
#define REAL double
#define ISA(name) name##_avx512_f64
TRANSPOSE_F64(ISA(transpose_4))
ALWAYS_INLINE __m512d ISA(load_some)(const double *from, ptrdiff_t count) {
    return _mm512_maskz_loadu_pd((__mmask8)((1u << count) - 1), from);
}
ALWAYS_INLINE void ISA(store_some)(double *to, __m512d x, ptrdiff_t count) {
    _mm512_mask_storeu_pd(to, (__mmask8)((1u << count) - 1), x);
}
ALWAYS_INLINE double ISA(total)(__m512d x) { return _mm512_reduce_add_pd(x); }
#include "ops/product/product_tile.h"
#undef REAL
#undef ISA
#undef TARGET
#undef VECTOR_BYTES
#undef TILE_ROWS

#define TARGET __attribute__((target("avx2,fma")))
#define VECTOR_BYTES 32
#define TILE_ROWS 6
#define REAL float
#define ISA(name) name##_avx2_f32
TRANSPOSE_F32(ISA(transpose_4))
ALWAYS_INLINE __m256i ISA(mask)(ptrdiff_t count) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)count),
                              _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
ALWAYS_INLINE __m256 ISA(load_some)(const float *from, ptrdiff_t count) {
    return _mm256_maskload_ps(from, ISA(mask)(count));
}
ALWAYS_INLINE void ISA(store_some)(float *to, __m256 x, ptrdiff_t count) {
    _mm256_maskstore_ps(to, ISA(mask)(count), x);
}
ALWAYS_INLINE float ISA(total)(__m256 x) {
    __m128 half = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    half = _mm_add_ps(half, _mm_movehl_ps(half, half));
    return _mm_cvtss_f32(_mm_add_ss(half, _mm_movehdup_ps(half)));
}
#include "ops/product/product_tile.h"
#undef REAL
#undef ISA
#define REAL double
#define ISA(name) name##_avx2_f64
TRANSPOSE_F64(ISA(transpose_4))
ALWAYS_INLINE __m256i ISA(mask)(ptrdiff_t count) {
    return _mm256_cmpgt_epi64(_mm256_set1_epi64x(count),
                              _mm256_setr_epi64x(0, 1, 2, 3));
}
ALWAYS_INLINE __m256d ISA(load_some)(const double *from, ptrdiff_t count) {
    return _mm256_maskload_pd(from, ISA(mask)(count));
}
ALWAYS_INLINE void ISA(store_some)(double *to, __m256d x, ptrdiff_t count) {
    _mm256_maskstore_pd(to, ISA(mask)(count), x);
}
ALWAYS_INLINE double ISA(total)(__m256d x) {
    __m128d half = _mm_add_pd(_mm256_castpd256_pd128(x), _mm256_extractf128_pd(x, 1));
    return _mm_cvtsd_f64(_mm_add_sd(half, _mm_unpackhi_pd(half, half)));
}
#include "ops/product/product_tile.h"
#undef REAL
#undef ISA

#define FIND(REAL_NAME)                                                          \
    product_kernel_##REAL_NAME find_product_kernel_##REAL_NAME(void) {           \
        int limit = instruction_limit();                                         \
        __builtin_cpu_init();                                                    \
        pthread_once(&asked, make_key);                                          \
        if (limit >= AVX512 && __builtin_cpu_supports("avx512f") &&              \
            __builtin_cpu_supports("avx512vl") &&                                \
            __builtin_cpu_supports("avx512bw") &&                                \
            __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("fma")) \
            return product_avx512_##REAL_NAME;                                   \
        if (limit >= AVX2 && __builtin_cpu_supports("avx2") &&                   \
            __builtin_cpu_supports("fma"))                                       \
            return product_avx2_##REAL_NAME;                                     \
        return NULL;                                                             \
    }
FIND(f32)
FIND(f64)

#else

product_kernel_f32 find_product_kernel_f32(void) { return NULL; }
product_kernel_f64 find_product_kernel_f64(void) { return NULL; }

#endif
