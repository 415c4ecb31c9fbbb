/* Layers that go through the steps of a sample one after the other, with a state.

   A step is two products, of the input with its kernel and of the states with theirs, and
   a few formulas. Some samples go through time together, so that the products fill the
   registers; what belongs to a step stays in the first-level cache, and nothing is written
   to memory but what the backward pass reads. */
#ifndef FASTNN_RECURRENT_H
#define FASTNN_RECURRENT_H

#include "base/compiler.h"
#include "ops/recurrent/group.h"

/* The formulas: the code of an op. x: what the input adds to a gate, h: the state before,
   U: the gate's columns of the recurrent kernel, b: its bias; s and a: the recurrent
   activation and the activation.

   SIMPLE_RNN: h' = a(x + h U + b). Elman, "Finding structure in time", Cognitive Science
   1990.
   LSTM: gates i, f, g, o: i, f, o = s(x + h U + b), g = a(x + h U + b), c' = f c + i g,
   h' = o a(c'). Hochreiter and Schmidhuber, "Long short-term memory", Neural Computation
   1997, with the forget gate of Gers, Schmidhuber and Cummins, 2000.
   GRU: gates z, r, t: z, r = s(x + h U + b + b2), t = a(x + b + r (h U + b2)),
   h' = z h + (1 - z) t. Cho et al., "Learning phrase representations using RNN
   encoder-decoder", 2014, version 1; its bias has two rows, b and b2.
   GRU_RESET_BEFORE: the same, but t = a(x + b + (r h) U), without b2: version 3. */
enum recurrent_cell { SIMPLE_RNN, LSTM, GRU, GRU_RESET_BEFORE };

/* What comes out: the last state of each sample, or the state after each step, in the
   order of the input or in that in which steps are taken. */
enum recurrent_returns { LAST_STATE, STATES_AS_INPUT, STATES_AS_TAKEN };

/* Gates, and rows of units numbers that are kept of a step for the backward pass: the
   state before it and, of an LSTM, the cell c before it; of GRUs h U + b2, or r h. */
HOST_DEVICE ptrdiff_t gates_of(int cell) {
    return cell == LSTM ? 4 : cell == SIMPLE_RNN ? 1 : 3;
}
HOST_DEVICE ptrdiff_t kept_of(int cell) { return cell == SIMPLE_RNN ? 1 : 2; }

/* Vectors of a panel of the recurrent kernel, and numbers of a vector, at most. */
enum { MOST_VECTORS = 4, MOST_LANES = 16 };

enum { LINE = 64 }; /* bytes that are fetched together */

/* Rows of states lie so far apart. The scratch of an op has that times the gates times the
   units and the features, and rows of as many numbers for SCRATCH_ROWS groups, and some blocks of a
   vector for each sample of one: fastnn/plan/ops/recurrent.py says how many. */
HOST_DEVICE ptrdiff_t row_lead(ptrdiff_t units) {
    return (units + MOST_LANES - 1) / MOST_LANES * MOST_LANES;
}
enum { SCRATCH_ROWS = 6, SCRATCH_BLOCKS = 12 };

#define DECLARE(REAL, NAMED)                                                                                         \
    /* Numbers of a step stand in a row each: of x features numbers, of gates and dgates the \
       gates' units side by side, of kept as above, of states units numbers. */                       \
    typedef struct {                                                                                                 \
        int cell, returns;                                                                                           \
        ptrdiff_t units, features;                                                                                   \
        samples_t samples;                                                                                           \
        int activation, recurrent_activation; /* rows of the table */                                                \
        REAL option, recurrent_option;                                                                               \
        const REAL *input_kernel; /* (features, gates * units) */                                                    \
        const REAL *kernel;       /* (units, gates * units) */                                                       \
        const REAL *bias;         /* or NULL */                                                                      \
        const REAL *mask;         /* of each step, 0: it is left out; or NULL */                                     \
        const REAL *dropped; /* factors of each sample's state in products; or NULL */                               \
        REAL *scratch;                                                                                               \
    } NAMED(recurrent);                                                                                              \
    /* y: what comes out. gates and kept: NULL, or for the backward pass. */                                         \
    extern void CHOSEN(NAMED(recurrent_forward))(                                                                    \
        const NAMED(recurrent) * by, const REAL *x, REAL *gates, REAL *y, REAL *kept);                               \
    /* dgates, which may be gates: the gradient of what they are activations of. inner: of a GRU that of h U + b2, \
       a row of units numbers for each step. */ \
    extern void CHOSEN(NAMED(recurrent_backward))(                                                                   \
        const NAMED(recurrent) * by, const REAL *gates, const REAL *dy,                                              \
        const REAL *kept, REAL *dgates, REAL *inner);

#define NAMED_F32(name) name##_f32
#define NAMED_F64(name) name##_f64
DECLARE(float, NAMED_F32)
DECLARE(double, NAMED_F64)
#undef NAMED_F32
#undef NAMED_F64
#undef DECLARE

#endif
