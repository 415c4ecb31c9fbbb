/* What the compilers call the few things that standard C has no word for. */
#ifndef FASTNN_COMPILER_H
#define FASTNN_COMPILER_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Whether loops are compiled for AVX-512, AVX2 and the baseline (each_level.h), by compilers
   that know these levels and can ask the processor for them. */
#if defined(__x86_64__) && !defined(_WIN32) && !defined(FASTNN_CUDA) && \
    ((defined(__clang__) && __clang_major__ >= 19) ||                   \
     (!defined(__clang__) && defined(__GNUC__) && __GNUC__ >= 12))
#define HAS_LEVELS 1
/* Declares what is chosen when the module is loaded: the name of a loop or a table. */
#define CHOSEN(name) (*name)
#define CHOSEN_TABLE(name) *name
#if defined(__clang__)
#define BEGIN_TARGET(text) \
    PRAGMA(clang attribute push(__attribute__((target(text))), apply_to = function))
#define END_TARGET PRAGMA(clang attribute pop)
#else
#define BEGIN_TARGET(text) PRAGMA(GCC push_options) PRAGMA(GCC target(text))
#define END_TARGET PRAGMA(GCC pop_options)
#endif
#else
#define HAS_LEVELS 0
#define CHOSEN(name) name
#define CHOSEN_TABLE(name) name[]
#endif

/* The iterations of the next loop do not depend on one another (in-place updates of the
   same element are fine), and its sums may be taken in any order. */
#if defined(FASTNN_CUDA) || (defined(_MSC_VER) && !defined(__clang__))
#define SIMD
#define SIMD_SUM(...)
#define SIMD_MAX(variable)
#else
#define PRAGMA(text) _Pragma(#text)
#define SIMD PRAGMA(omp simd)
#define SIMD_SUM(...) PRAGMA(omp simd reduction(+ : __VA_ARGS__))
#if defined(__clang__) /* it refuses: the maximum of NaN would depend on the order */
#define SIMD_MAX(variable)
#else
#define SIMD_MAX(variable) PRAGMA(omp simd reduction(max : variable))
#endif
#endif

/* A few numbers that one instruction works on, or several: a vector where the compiler
   has them, and one number elsewhere. They may lie anywhere. STRIP_NUMBERS says how many
   they are then. */
#if !defined(FASTNN_CUDA) && (defined(__GNUC__) || defined(__clang__))
#define STRIP_OF(REAL, N)                                                       \
    REAL __attribute__((vector_size((N) * sizeof(REAL)), aligned(sizeof(REAL)), \
                        may_alias))
#define STRIP_NUMBERS(N) ((ptrdiff_t)(N))
#else
#define STRIP_OF(REAL, N) REAL
#define STRIP_NUMBERS(N) ((ptrdiff_t)1)
#endif
#define STRIP_AT(STRIP, address) (*(STRIP *)(address))

/* Asks for memory that will be read soon. */
#if !defined(FASTNN_CUDA) && (defined(__GNUC__) || defined(__clang__))
#define PREFETCH(address) __builtin_prefetch(address)
#else
#define PREFETCH(address)
#endif

/* Kept apart: with less around them, loops have more registers. */
#if defined(_MSC_VER) && !defined(__clang__)
#define NOT_INLINED __declspec(noinline)
#else
#define NOT_INLINED __attribute__((noinline))
#endif

/* Functions of one number. Always inlined: a call would keep the loop around it scalar. */
#ifndef HOST_DEVICE
#if defined(_MSC_VER) && !defined(__clang__)
#define HOST_DEVICE static __forceinline
#else
#define HOST_DEVICE static inline __attribute__((always_inline))
#endif
#endif

#endif
