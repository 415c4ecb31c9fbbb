#include "base/instructions.h"

#include "base/compiler.h"

const char *const instruction_sets[] = {"baseline", "avx2", "avx512", "avx512_bf16",
                                        "amx"};

static int read_limit(void) {
    const char *name = getenv("FASTNN_INSTRUCTIONS");
    if (!name || !*name) return N_INSTRUCTION_SETS - 1;
    for (int i = 0; i < N_INSTRUCTION_SETS; i++)
        if (strcmp(name, instruction_sets[i]) == 0) return i;
    return -1;
}

/* The first call comes when the module is loaded, before it has threads. */
int instruction_limit(void) {
    static int limit, is_known;
    if (!is_known) {
        limit = read_limit();
        is_known = 1;
    }
    return limit;
}

int instruction_level(void) {
#if HAS_LEVELS
    __builtin_cpu_init();
    if (instruction_limit() >= AVX512 && __builtin_cpu_supports("x86-64-v4"))
        return AVX512;
    if (instruction_limit() >= AVX2 && __builtin_cpu_supports("x86-64-v3")) return AVX2;
#endif
    return BASELINE;
}
