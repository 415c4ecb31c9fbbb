#include "ops/call.h"

/* What a row of the table of ops puts into those of functions. */
#define DECLARE_IN_C(name)                \
    void op_##name##_f32(const call_t *); \
    void op_##name##_f64(const call_t *);
#define DECLARE_MEETING(name)                  \
    void meet_##name##_f32(const meeting_t *); \
    void meet_##name##_f64(const meeting_t *);
#define DECLARE_IN_CYTHON(name)
#define DECLARE_IN_PYTHON(name)

#define OP_IN_C(name, real) op_##name##real,
#define OP_IN_CYTHON(name, real) NULL,
#define OP_IN_PYTHON(name, real) NULL,
#define OP_MEETING(name, real) NULL,

#define MEET_IN_C(name, real) NULL,
#define MEET_IN_CYTHON(name, real) NULL,
#define MEET_IN_PYTHON(name, real) NULL,
#define MEET_MEETING(name, real) meet_##name##real,

#define ROW(NAME, name, where, flags, cost) DECLARE_##where(name)
OP_TABLE(ROW)
#undef ROW

#define ROW(NAME, name, where, flags, cost) OP_##where(name, _f32)
op_function op_functions_f32[] = {OP_TABLE(ROW)};
#undef ROW
#define ROW(NAME, name, where, flags, cost) OP_##where(name, _f64)
op_function op_functions_f64[] = {OP_TABLE(ROW)};
#undef ROW
#define ROW(NAME, name, where, flags, cost) MEET_##where(name, _f32)
const meeting_function meeting_functions_f32[] = {OP_TABLE(ROW)};
#undef ROW
#define ROW(NAME, name, where, flags, cost) MEET_##where(name, _f64)
const meeting_function meeting_functions_f64[] = {OP_TABLE(ROW)};
#undef ROW
