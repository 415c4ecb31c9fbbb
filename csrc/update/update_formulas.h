#include "tables/formulas.h"

HOST_DEVICE REAL NAMED(magnitude)(REAL x) { return x < 0 ? -x : x; }

/* At 0, where the slope of l1 * |w| jumps, it is 0. */
HOST_DEVICE REAL NAMED(with_lasso)(REAL g, REAL w, REAL l1) {
    return g + (w > 0 ? l1 : (w < 0 ? -l1 : w));
}

HOST_DEVICE REAL NAMED(clipped)(REAL g, REAL bound) {
    return g < -bound ? -bound : (g > bound ? bound : g);
}

HOST_DEVICE REAL NAMED(averaged)(REAL average, REAL w, REAL rate) {
    return average + rate * (w - average);
}

#ifndef STEP
#define LOAD_1 REAL s0 = a[i]
#define LOAD_2 REAL s0 = a[i], s1 = b[i]
#define LOAD_3 REAL s0 = a[i], s1 = b[i], s2 = c[i]
#define STORE_1 a[i] = s0
#define STORE_2 a[i] = s0, b[i] = s1
#define STORE_3 a[i] = s0, b[i] = s1, c[i] = s2
#define POINTERS_1 REAL *a = slots[0]
#define POINTERS_2 REAL *a = slots[0], *b = slots[1]
#define POINTERS_3 REAL *a = slots[0], *b = slots[1], *c = slots[2]

/* One step of a rule of so many slots: it changes weights[i] and its numbers in the slots
   a, b and c, by the gradient (gradient + penalty * w) * scale, and takes shrink times
   itself from w beside the step. */
#define STEP(n_slots, step, gradient)            \
    REAL w = weights[i];                         \
    REAL g = ((gradient) + penalty * w) * scale; \
    w -= shrink * w;                             \
    LOAD_##n_slots;                              \
    step STORE_##n_slots;                        \
    weights[i] = w;
#endif
