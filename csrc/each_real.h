/* Includes the file BODY twice: once with REAL = float, once with REAL = double; or once,
   WITHOUT_F32 or WITHOUT_F64. NAMED(sum) is sum_f32 in the first and sum_f64 in the second.
 */
#ifndef WITHOUT_F32
#define REAL float
#define REAL_IS_DOUBLE 0
#define REAL_INT int32_t
#define REAL_UINT uint32_t
#define NAMED(name) name##_f32
#include BODY
#undef REAL
#undef REAL_IS_DOUBLE
#undef REAL_INT
#undef REAL_UINT
#undef NAMED
#endif

#ifndef WITHOUT_F64
#define REAL double
#define REAL_IS_DOUBLE 1
#define REAL_INT int64_t
#define REAL_UINT uint64_t
#define NAMED(name) name##_f64
#include BODY
#undef REAL
#undef REAL_IS_DOUBLE
#undef REAL_INT
#undef REAL_UINT
#undef NAMED
#endif
#undef BODY
