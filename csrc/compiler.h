/* What the compilers call the few things that standard C has no word for. */
#ifndef FASTNN_COMPILER_H
#define FASTNN_COMPILER_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h> /* makes glibc name itself */
#include <string.h>

/* A function marked CLONES is compiled for AVX-512, AVX2 and the baseline, and the loader
   picks one for the processor at hand: one wheel serves all. It needs ELF indirect
   functions, which glibc has and musl, macOS and Windows have not. Features are named, not
   architectures: "arch=haswell" would be taken on that very processor only. */
#if defined(__x86_64__) && defined(__GLIBC__) && \
    (defined(__GNUC__) || defined(__clang__))
#define HAS_CLONES 1
#define CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define HAS_CLONES 0
#define CLONES
#endif

/* The iterations of the next loop do not depend on one another (in-place updates of the
   same element are fine), and its sum may be taken in any order. */
#if defined(_MSC_VER) && !defined(__clang__)
#define SIMD
#define SIMD_SUM(variable)
#define SIMD_MAX(variable)
#else
#define PRAGMA(text) _Pragma(#text)
#define SIMD PRAGMA(omp simd)
#define SIMD_SUM(variable) PRAGMA(omp simd reduction(+ : variable))
#if defined(__clang__) /* it refuses: the maximum of NaN would depend on the order */
#define SIMD_MAX(variable)
#else
#define SIMD_MAX(variable) PRAGMA(omp simd reduction(max : variable))
#endif
#endif

#ifndef HOST_DEVICE
#define HOST_DEVICE static inline
#endif

#endif
