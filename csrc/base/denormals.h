/* Flush denormal numbers to zero on this thread, and put the caller's mode back.

   Optimizer moments of dead units decay into denormals, on which the processor is many
   times slower. */
#ifndef FASTNN_DENORMALS_H
#define FASTNN_DENORMALS_H

#include <stdint.h>

#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
typedef unsigned int float_mode_t;
/* Bit 15: results are flushed to zero; bit 6: denormal operands count as zero. */
static inline float_mode_t flush_denormals(void) {
    float_mode_t mode = _mm_getcsr();
    _mm_setcsr(mode | 0x8040u);
    return mode;
}
static inline void restore_float_mode(float_mode_t mode) { _mm_setcsr(mode); }
#elif defined(__aarch64__) && (defined(__GNUC__) || defined(__clang__))
typedef uint64_t float_mode_t;
static inline float_mode_t flush_denormals(void) {
    uint64_t mode;
    __asm__ __volatile__("mrs %0, fpcr" : "=r"(mode));
    __asm__ __volatile__("msr fpcr, %0" : : "r"(mode | ((uint64_t)1 << 24)));
    return mode;
}
static inline void restore_float_mode(float_mode_t mode) {
    __asm__ __volatile__("msr fpcr, %0" : : "r"(mode));
}
#else
typedef int float_mode_t;
static inline float_mode_t flush_denormals(void) { return 0; }
static inline void restore_float_mode(float_mode_t mode) { (void)mode; }
#endif

#endif
