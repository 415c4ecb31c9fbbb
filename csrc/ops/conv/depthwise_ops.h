/* Convolutions in which each channel is a group by itself: one walk for all three ops. */
#ifndef FASTNN_DEPTHWISE_OPS_H
#define FASTNN_DEPTHWISE_OPS_H

#include "ops/call.h"
#include "ops/conv/conv.h"
#include "ops/conv/depthwise.h"

/* Where a group is one channel there is nothing to sum over but the places of a window:
   products would be of single columns. */
static inline int is_depthwise(const conv_t *conv) {
    return conv->groups > 1 && conv->groups == conv->channels;
}

/* The loop over all taps of all windows of the images, whichever it adds to: maps, images
   or the kernel. */
#define DECLARE(REAL, NAMED)                                                          \
    void NAMED(depthwise_each_tap)(const call_t *call, const conv_t *conv,            \
                                   NAMED(depthwise_loop) loop, REAL *x, REAL *kernel, \
                                   REAL *y);
#define NAMED_F32(name) name##_f32
#define NAMED_F64(name) name##_f64
DECLARE(float, NAMED_F32)
DECLARE(double, NAMED_F64)
#undef NAMED_F32
#undef NAMED_F64
#undef DECLARE

#endif
