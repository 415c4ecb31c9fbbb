/* Includes the file BODY twice: once with REAL = float, once with REAL = double; or once,
   WITHOUT_F32 or WITHOUT_F64. NAMED(sum) is sum_f32 in the first and sum_f64 in the second.
   What each_level.h includes for several instruction sets has the name of the set in
   addition, and OF_REAL(sum) is the name without it. */
#ifndef LEVEL
#define LEVEL(name) name
#define ONE_LEVEL
#endif

#ifndef WITHOUT_F32
#define REAL float
#define REAL_IS_DOUBLE 0
#define REAL_INT int32_t
#define REAL_UINT uint32_t
#define OF_REAL(name) name##_f32
#define NAMED(name) LEVEL(name##_f32)
#include BODY
#undef REAL
#undef REAL_IS_DOUBLE
#undef REAL_INT
#undef REAL_UINT
#undef OF_REAL
#undef NAMED
#endif

#ifndef WITHOUT_F64
#define REAL double
#define REAL_IS_DOUBLE 1
#define REAL_INT int64_t
#define REAL_UINT uint64_t
#define OF_REAL(name) name##_f64
#define NAMED(name) LEVEL(name##_f64)
#include BODY
#undef REAL
#undef REAL_IS_DOUBLE
#undef REAL_INT
#undef REAL_UINT
#undef OF_REAL
#undef NAMED
#endif

#undef LEVEL
#ifdef ONE_LEVEL
#undef ONE_LEVEL
#undef BODY
#else /* the next one has formulas of its own */
#undef FASTNN_SCALAR_F32
#undef FASTNN_SCALAR_F64
#undef FASTNN_FORMULAS_F32
#undef FASTNN_FORMULAS_F64
#endif
