/* Apart from dispatch.c: a module that needs these functions alone is linked with no
   others. */
#include "ops/call.h"

#define DECLARE_MEETING(name)                  \
    void meet_##name##_f32(const meeting_t *); \
    void meet_##name##_f64(const meeting_t *);
#define DECLARE_IN_C(name)
#define DECLARE_IN_CYTHON(name)
#define DECLARE_IN_PYTHON(name)

#define FUNCTION_MEETING(name, real) meet_##name##real,
#define FUNCTION_IN_C(name, real) NULL,
#define FUNCTION_IN_CYTHON(name, real) NULL,
#define FUNCTION_IN_PYTHON(name, real) NULL,

#define ROW(NAME, name, where, flags, cost) DECLARE_##where(name)
OP_TABLE(ROW)
#undef ROW

#define ROW(NAME, name, where, flags, cost) FUNCTION_##where(name, _f32)
const meeting_function meeting_functions_f32[] = {OP_TABLE(ROW)};
#undef ROW
#define ROW(NAME, name, where, flags, cost) FUNCTION_##where(name, _f64)
const meeting_function meeting_functions_f64[] = {OP_TABLE(ROW)};
#undef ROW
