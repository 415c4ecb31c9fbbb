/* A plan: a network lowered for one input shape, as flat records without pointers.

   NumPy reads its record dtypes off these structs, so that they are declared once. */
#ifndef FASTNN_PLAN_H
#define FASTNN_PLAN_H

#include <stdint.h>

/* Where a tensor's numbers live. */
enum space {
    SPACE_INPUT,      /* the rows of X */
    SPACE_TARGET,     /* the rows of y */
    SPACE_PARAMETER,  /* the flat buffer of weights */
    SPACE_GRADIENT,   /* the flat buffer of gradients, laid out as the weights */
    SPACE_ACTIVATION, /* everything that a step computes on the way, row by row */
    SPACE_STATISTIC /* what it computes of all rows: each share of a step has its own */
};

typedef struct {
    int32_t space;
    int32_t scaled; /* 1: one copy for each row of the batch; 0: one for all rows */
    int64_t size;   /* numbers in one copy */
    /* Numbers before it in its space, to be multiplied by the batch capacity when scaled.
       Training keeps activations for the backward pass; predicting reuses them sooner. */
    int64_t train_offset;
    int64_t predict_offset;
} tensor_t;

/* When an op runs: a set of these. */
enum phase { PHASE_TRAIN = 1, PHASE_PREDICT = 2, PHASE_EVALUATE = 4 };

enum op_kind {
    /* output0 = [output0 +] op(input0) @ op(input1), count times. input0 may be sparse
       when it is the input. dim: count, m, n, k. lead: the row strides of input0, input1
       and output0. stride: their strides over count. */
    OP_PRODUCT,
    /* output0 = activation(input0 + broadcast(input1)); input1 may be absent. dim: the
       shape of output0, equal axes joined, right-aligned. stride: input1's, 0 where it
       is broadcast. scalar: the activation's own option. */
    OP_ADD,
    /* The adjoint of OP_ADD. input0: gradient of its output; input1: what the slope is
       read from. output0 = input0 * slope(input1); output1 = [output1 +] the sum of
       output0 over the broadcast axes. Either output may be absent. */
    OP_ADD_GRADIENT,
    /* output0 = softmax of each row of input0, over dim[3] columns from stride[0] on.
       dim[2]: rows; lead[0]: columns of a whole row. */
    OP_SOFTMAX,
    /* The adjoint of OP_SOFTMAX over whole rows. input0: gradient of its output; input1:
       its output. */
    OP_SOFTMAX_GRADIENT,
    /* Adds the loss of the raw outputs input0 against the target input1 to the batch's
       loss; output0 = its gradient with respect to input0, if it is asked for. dim[2],
       dim[3]: rows, and columns from stride[0] on; stride[1]: the first column of the
       target. lead[0], lead[1]: columns of a whole row of input0 (and output0) and of the
       target. scalar: the loss weight, the factor from the loss to the number that is
       reported, and the loss' own options. */
    OP_LOSS,
    /* output0 = scale input0 + shift, or value where it is dropped at random. Its own
       adjoint, without shift and value: what is dropped is a function of the step's seed,
       the op's code, the row and the column. dim[2], dim[3]: rows and columns. scalar:
       rate, scale, shift, value. */
    OP_DROPOUT,
    /* output0 = input0 + scalar[0] z, where z is normal with variance 1, and a function of
       what dropout is one of. dim[2], dim[3]: rows and columns. Its adjoint is the
       identity. */
    OP_GAUSSIAN_NOISE,
    /* output0 = input0 where it is positive, input1 * input0 elsewhere, with the slope
       input1 broadcast. dim, stride: as of OP_ADD. */
    OP_PRELU,
    /* The adjoint of OP_PRELU. input0: gradient of its output; input1, input2: its inputs.
       output0: the gradient of input1, output1 = [output1 +] that of the slope. Either
       may be absent. */
    OP_PRELU_GRADIENT,
    /* output0 = input1 h + input2 with h = input0, each row by itself, less its mean
       (code: LAYER_NORM) and over its standard deviation, or (RMS_NORM) over the root of
       its mean square; scalar[0] is added to its square before. dim[2], dim[3]: rows and
       columns. input1, input2: a row each, or absent. output1: what the adjoint needs to
       know of each row. */
    OP_ROW_NORM,
    /* The adjoint of OP_ROW_NORM. input0: gradient of its output; input1, input2: its
       first two inputs; input3: its output1. output0: the gradient of input1; output1,
       output2 = [output1, output2 +] those of scale and offset. Each may be absent. */
    OP_ROW_NORM_GRADIENT,
    /* Batch normalisation, in csrc/ops/batch_norm/batch_norm.h, over dim[2] rows of dim[3] columns.
       output0: mean and sum of squared deviations of each column of input0. */
    OP_BATCH_MOMENTS,
    /* Meets. output0: the table of the whole batch, from each share's moments input0, the
       scale input2 and the offset input3, either of which may be absent. output1 and
       output2 = [(1 - momentum) times themselves +] momentum times the mean and the
       unbiased variance; of a single row, which has none, the running variance input1.
       scalar: epsilon, momentum. */
    OP_BATCH_STATISTICS,
    /* output0: the table from a running mean input0 and variance input1, scale input2 and
       offset input3. scalar: epsilon. */
    OP_RUNNING_STATISTICS,
    /* output0 = input0 normalised by the table input1. */
    OP_BATCH_NORM,
    /* The sums over the rows of the gradient input0, in output0, and of its products with
       the normalised input1, in output1. input2: the table. */
    OP_BATCH_NORM_SUMS,
    /* Meets. output0: what the adjoint corrects by, from these two sums of each share,
       input0 and input1, and the table input2. */
    OP_BATCH_CORRECTION,
    /* output0: the gradient of OP_BATCH_NORM's input, from that of its output input0, its
       input input1, the table input2 and the correction input3. */
    OP_BATCH_NORM_GRADIENT,
    /* Meets. As OP_LOSS, by a function of Python's, whose number is the code. dim[3],
       lead[0]: numbers of a sample's outputs, and of its target. */
    OP_CUSTOM_LOSS
};

/* How many tensors an op reads and writes at most. */
enum { MAX_INPUTS = 4, MAX_OUTPUTS = 3 };

typedef struct {
    int32_t kind;
    int32_t code;       /* a row of the table of activations, or of another one */
    int32_t phase;      /* when it runs */
    int32_t accumulate; /* 1: the outputs that may be added to are added to */
    int32_t transpose;  /* bit 0: input0, bit 1: input1 */
    int32_t scaled;     /* bit i: dim[i] is multiplied by the rows of the batch */
    int32_t input[MAX_INPUTS]; /* numbers of tensors, -1 where absent */
    int32_t output[MAX_OUTPUTS];
    int32_t meets; /* 1: done once for all shares of a step, when all have come to it */
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

/* Blocks start at multiples of this many numbers, so that rows are aligned. */
enum { BLOCK_ALIGNMENT = 16 };

#endif
