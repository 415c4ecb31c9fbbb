#include "ops/call.h"

/* What a row of the table of ops puts into the tables of functions. */
#define DECLARE_IN_C(name)                \
    void op_##name##_f32(const call_t *); \
    void op_##name##_f64(const call_t *);
#define DECLARE_IN_CYTHON(name)
#define DECLARE_IN_PYTHON(name)
#define DECLARE_MEETING(name)

#define FUNCTION_IN_C(name, real) op_##name##real,
#define FUNCTION_IN_CYTHON(name, real) NULL,
#define FUNCTION_IN_PYTHON(name, real) NULL,
#define FUNCTION_MEETING(name, real) NULL,

#define ROW(NAME, name, where, flags, cost) DECLARE_##where(name)
OP_TABLE(ROW)
#undef ROW

#define ROW(NAME, name, where, flags, cost) FUNCTION_##where(name, _f32)
op_function op_functions_f32[] = {OP_TABLE(ROW)};
#undef ROW
#define ROW(NAME, name, where, flags, cost) FUNCTION_##where(name, _f64)
op_function op_functions_f64[] = {OP_TABLE(ROW)};
#undef ROW

#define IS_PYTHON_IN_C 0
#define IS_PYTHON_IN_CYTHON 0
#define IS_PYTHON_IN_PYTHON 1
#define IS_PYTHON_MEETING 0
#define ROW(NAME, name, where, flags, cost) IS_PYTHON_##where,
const int op_is_in_python[] = {OP_TABLE(ROW)};
#undef ROW
