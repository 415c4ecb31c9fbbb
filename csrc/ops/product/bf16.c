/* The choice among the products in bfloat16, by what the processor and the system have. */
#include "ops/product/bf16.h"

#include "ops/product/bf16_amx.h"
#include "ops/product/bf16_avx512.h"
#include "base/instructions.h"

static const matrix_unit_t none = {NULL, NULL, 0, 0};

#if HAS_AVX512_BF16 || HAS_AMX
static int has_avx512_bf16(void) {
    __builtin_cpu_init();
    return instruction_limit() >= AVX512_BF16 && __builtin_cpu_supports("avx512f") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bf16") &&
           __builtin_cpu_supports("fma");
}
#endif

#if HAS_AMX
#include <cpuid.h>
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

__attribute__((target("xsave"))) static unsigned long long enabled_states(void) {
    return _xgetbv(0);
}

/* Whether this process may use AMX. The kernel saves its registers for processes that ask,
   once for all their threads and children; asking again does no harm. It refuses where a
   thread's stack for signals is too small to hold them. */
static int has_amx(void) {
    enum {
        OS_SAVES_STATES = 1 << 27,       /* leaf 1, ecx */
        AMX_BF16 = 1 << 22,              /* leaf 7, edx */
        AMX_TILE = 1 << 24,              /* leaf 7, edx */
        TILE_STATES = 1 << 17 | 1 << 18, /* XCR0: configuration and data */
        TILE_DATA = 18,
        ARCH_REQ_XCOMP_PERM = 0x1023
    };
    unsigned a, b, c, d;
    if (instruction_limit() < AMX) return 0;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & OS_SAVES_STATES)) return 0;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return 0;
    if (!(d & AMX_BF16) || !(d & AMX_TILE)) return 0;
    if ((enabled_states() & TILE_STATES) != TILE_STATES) return 0;
    return syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, TILE_DATA) == 0;
}
#endif

matrix_unit_t find_matrix_unit_bf16(void) {
#if HAS_AMX
    /* Its operands are converted by AVX512-BF16, which all processors with AMX have. */
    if (has_avx512_bf16() && has_amx())
        return (matrix_unit_t){"AMX", product_amx_bf16, 8, BF16_WORKSPACE_BYTES(1)};
#endif
#if HAS_AVX512_BF16
    if (has_avx512_bf16())
        return (matrix_unit_t){"AVX512-BF16", product_avx512_bf16, 24,
                               BF16_WORKSPACE_BYTES(1)};
#endif
    return none;
}

matrix_unit_t find_matrix_unit_high(void) {
    /* Six products of AVX512-BF16, at twice the rate of float32, would take three times as
       long as float32 itself. */
#if HAS_AMX
    if (has_avx512_bf16() && has_amx())
        return (matrix_unit_t){"AMX", product_amx_high, 96, BF16_WORKSPACE_BYTES(3)};
#endif
    return none;
}
