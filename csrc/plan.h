/* A plan: a network lowered for one input shape, as flat records without pointers.

   NumPy reads its record dtypes off these structs, so that they are declared once. */
#ifndef FASTNN_PLAN_H
#define FASTNN_PLAN_H

#include <stdint.h>

#include "ops/table.h"

/* Where a tensor's numbers live. */
enum space {
    SPACE_INPUT,      /* the rows of an input, numbers or tokens */
    SPACE_TARGET,     /* the rows of y */
    SPACE_PARAMETER,  /* the flat buffer of weights */
    SPACE_GRADIENT,   /* the flat buffer of gradients, laid out as the weights */
    SPACE_ACTIVATION, /* everything that a step computes on the way, row by row */
    SPACE_STATISTIC /* what it computes of all rows: each share of a step has its own */
};

typedef struct {
    int32_t space;
    int32_t per_sample; /* 1: one copy for each row of the batch; 0: one for all rows */
    int32_t base; /* the tensor that it is a range of columns of, a view; -1 for none */
    int32_t index; /* of an input: which of the plan's */
    /* 0, or, where there is one copy for each step of every row, whose steps: 1 and up. */
    int32_t axis;
    int32_t reserved;
    int64_t size;  /* numbers in one copy */
    int64_t first; /* numbers before it in a copy of its base, or in a row of y */
    /* Numbers from one row of the last axis to the next; 0: the rows lie side by side, as
       wide as whoever reads them says. Of a target among others, from one sample to the
       next: columns of y, of which each sample's lie side by side. */
    int64_t lead;
    /* Numbers before it in its space, to be multiplied by the batch capacity when there is
       one copy for each. A view has those of its base.
       Training keeps activations for the backward pass; predicting reuses them sooner. */
    int64_t train_offset;
    int64_t predict_offset;
} tensor_t;

/* When an op runs: a set of these. */
enum phase { PHASE_TRAIN = 1, PHASE_PREDICT = 2, PHASE_EVALUATE = 4 };

/* How many tensors an op reads and writes at most. */
enum { MAX_INPUTS = 6, MAX_OUTPUTS = 4 };

typedef struct {
    int32_t kind;
    int32_t code;       /* a row of the table of activations, or of another one */
    int32_t phase;      /* when it runs */
    int32_t accumulate; /* 1: the outputs that may be added to are added to */
    int32_t transpose;  /* bit 0: input0, bit 1: input1 */
    int32_t per_sample; /* bit i: dim[i] is multiplied by the rows of the batch */
    int32_t input[MAX_INPUTS]; /* numbers of tensors, -1 where absent */
    int32_t output[MAX_OUTPUTS];
    int32_t params; /* where integers of its own begin in the plan's row of them */
    int32_t loss;   /* of what adds to a loss: number of the plan's loss */
    /* So many numbers of tensors are to be looked at: behind them all are absent. */
    int32_t n_inputs;
    int32_t n_outputs;
    int32_t axis;   /* above 0: what it works on are steps, not rows of the batch; */
    int32_t across; /* the steps that it looks across, row by row */
    int64_t dim[4];
    int64_t lead[3];
    int64_t stride[4];
    double scalar[4];
} op_t;

/* A range of the flat parameter buffer that is updated alike. */
typedef struct {
    int64_t offset;
    int64_t size;
    double penalty; /* alpha of the loss term alpha / 2 * sum(w^2) / sum(weights) */
    double l1, l2;  /* factors of the loss terms sum(|w|) and sum(w^2) */
    double learning_rate; /* a factor on the optimizer's */
    double weight_decay;  /* the same */
    double max_norm;      /* the largest norm of a column after a step; 0: any */
    int64_t columns;      /* numbers in a row: the last axis */
    /* Above 0: running statistics, w = (1 - running) w + gradient in each step, and no
       optimizer's business. */
    double running;
    int32_t trainable;
    int32_t reserved;
} block_t;

/* A use of a table whose gradient is rows: numbers of tensors. */
typedef struct {
    int32_t block;    /* of the table */
    int32_t tokens;   /* which of its rows were read, */
    int32_t gradient; /* and what they add to the gradient, a row for each */
    int32_t reserved;
} row_gradient_t;

/* Blocks start at multiples of this many numbers, so that rows are aligned. */
enum { BLOCK_ALIGNMENT = 16 };

#endif
