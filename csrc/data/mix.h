/* Rows mixed with others: Zhang, Cisse, Dauphin and Lopez-Paz, "mixup: beyond empirical
   risk minimization", ICLR 2018; Yun et al., "CutMix: regularization strategy to train
   strong classifiers with localizable features", ICCV 2019. */
#ifndef FASTNN_MIX_H
#define FASTNN_MIX_H

#include "base/compiler.h"

#define DECLARE(REAL, NAMED)                                                     \
    /* own = (1 - share) own + share other, of n numbers. */                     \
    extern void CHOSEN(NAMED(blend))(ptrdiff_t n, REAL share, const REAL *other, \
                                     REAL *own);
#define NAMED_F32(name) name##_f32
#define NAMED_F64(name) name##_f64
DECLARE(float, NAMED_F32)
DECLARE(double, NAMED_F64)
#undef NAMED_F32
#undef NAMED_F64
#undef DECLARE

#endif
