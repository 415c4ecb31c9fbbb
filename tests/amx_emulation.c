/* The state that tests/amx_emulation.h speaks of, and what only a test wants to know. */
#include "amx_emulation.h"

#include "ops/product/product.h"

__thread amx_config_t amx_config;
__thread unsigned char amx_tile[8][16][64];
int amx_loads, amx_releases, amx_mistakes;

unsigned fake_leaf_1_ecx, fake_leaf_7_edx;
unsigned long long fake_xcr0;
long fake_permission;
int fake_requests;

int runs_here(void) {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("fma") && find_product_kernel_f32() != NULL;
}
