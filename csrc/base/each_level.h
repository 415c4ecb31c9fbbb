/* Includes the file BODY for float and double, as each_real.h does, and that for AVX-512,
   AVX2 and the baseline: one wheel serves all processors.

   In BODY, CHOOSE(name) follows every LOOP and TABLE that other files use. These know it
   as a pointer, which is set when the module is loaded: see CHOSEN in compiler.h. Where
   code is compiled for one instruction set only, it is an ordinary function or table.
   LEVEL_BYTES are what a register holds. */
#include "base/compiler.h"
#include "base/instructions.h"

#include <math.h>

#if HAS_LEVELS

#define LOOP static
#define TABLE(type, name) static const OF_REAL(type) NAMED(name)[]

#define CHOOSE(name)
#define LEVEL(name) name##_avx512
#define LEVEL_BYTES 64
BEGIN_TARGET("arch=x86-64-v4")
#include "base/each_real.h"
END_TARGET
#undef LEVEL_BYTES
#define LEVEL(name) name##_avx2
#define LEVEL_BYTES 32
BEGIN_TARGET("arch=x86-64-v3")
#include "base/each_real.h"
END_TARGET
#undef CHOOSE

/* &*name is a pointer, to a function or to the first row of a table. */
#define CHOOSE(name) CHOOSE_OF_REAL(OF_REAL(name))
#define CHOOSE_OF_REAL(name) CHOOSE_FORM(name)
#define CHOOSE_FORM(name)                                          \
    __typeof__(&*name##_baseline) name = name##_baseline;          \
    __attribute__((constructor)) static void choose_##name(void) { \
        int level = instruction_level();                           \
        if (level == AVX512) name = name##_avx512;                 \
        if (level == AVX2) name = name##_avx2;                     \
    }
#undef LEVEL_BYTES
#define LEVEL(name) name##_baseline
#define LEVEL_BYTES 16
#include "base/each_real.h"
#undef CHOOSE
#undef CHOOSE_OF_REAL
#undef CHOOSE_FORM

#else

#define LOOP
#define TABLE(type, name) const OF_REAL(type) NAMED(name)[]
#define CHOOSE(name)
#define LEVEL_BYTES 16
#include "base/each_real.h"
#undef CHOOSE

#endif

#undef LEVEL_BYTES
#undef LOOP
#undef TABLE
#undef BODY
