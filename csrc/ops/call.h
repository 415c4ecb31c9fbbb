/* What an op is called with on the CPU: its record, and the rows that one walk over the
   plan works on. */
#ifndef FASTNN_OPS_CALL_H
#define FASTNN_OPS_CALL_H

#include "base/compiler.h"
#include "ops/product/bf16.h"
#include "ops/product/sparse.h"
#include "plan.h"

/* Some rows of an input. */
typedef struct {
    const void *rows; /* side by side, tokens as int32; NULL when they are sparse */
    sparse_rows_t sparse;
} input_t;

/* The steps of some rows, which are sequences: one row's after another's. */
typedef struct {
    ptrdiff_t count;       /* how many steps, of all rows */
    ptrdiff_t capacity;    /* steps for which the activations have room */
    ptrdiff_t batch_first; /* the first one's number within the mini-batch */
    const ptrdiff_t
        *starts;        /* where those of each row begin, and behind the last, end */
    ptrdiff_t *numbers; /* their numbers in the table that they are gathered from */
    void *activations;
} steps_t;

/* Some rows of a batch, which one thread owns, and its buffers. */
typedef struct {
    int phase;
    ptrdiff_t count;      /* how many rows */
    ptrdiff_t capacity;   /* rows for which the activations have room */
    ptrdiff_t batch_row;  /* the first row's number within the mini-batch */
    ptrdiff_t batch_rows; /* how many rows that has, in all shares of it */
    uint64_t mask_seed;   /* what random numbers depend on, besides the place */
    uint64_t mask_step;
    const int64_t *params; /* the plan's row of integers */
    input_t *inputs;       /* these rows of each of the plan's inputs */
    steps_t *steps;        /* of each axis of steps, axis 1 first */
    const void *target;    /* these rows of y */
    /* Their sample weights, or NULL. Where losses have weights of their own, column
       1 + i is that of loss i, each column by itself and weight_lead numbers long;
       weight_lead is 0 where all have those of column 0. */
    const void *weight;
    ptrdiff_t weight_lead;
    void *activations; /* the thread's own: tensors share memory, threads do not */
    void *statistics;  /* its own as well */
    void *gradients;   /* its own; NULL outside of training */
    precision_t precision;
    int accumulate;   /* add to the gradients instead of overwriting them */
    double loss;      /* adds up the loss that is minimised */
    double *reported; /* adds up what is reported of each of the plan's losses */
} walk_t;

/* One op of a walk, with what its record says of these rows. */
typedef struct {
    const op_t *op;
    const tensor_t *tensors;
    walk_t *walk;
    ptrdiff_t dim[4];
    void *input[MAX_INPUTS]; /* NULL where absent */
    void *output[MAX_OUTPUTS];
} call_t;

typedef void (*op_function)(const call_t *call);

/* An op that shares meet at: the walks of all, which have rows each. */
typedef struct {
    const op_t *op;
    const tensor_t *tensors;
    walk_t *const *walks;
    int n_walks;
    void *parameters;
} meeting_t;

typedef void (*meeting_function)(const meeting_t *meeting);

/* By kind. NULL where shares meet, or do not. */
extern op_function op_functions_f32[N_OPS], op_functions_f64[N_OPS];
extern const meeting_function meeting_functions_f32[N_OPS],
    meeting_functions_f64[N_OPS];
/* Whether the table of ops says IN_PYTHON. */
extern const int op_is_in_python[N_OPS];

/* Where a walk's rows of a tensor lie; NULL for a tensor that is absent. */
static inline void *locate(const tensor_t *tensors, int32_t number, const walk_t *walk,
                           void *parameters, size_t itemsize) {
    if (number < 0) return NULL;
    const tensor_t *tensor = tensors + number;
    ptrdiff_t offset =
        walk->phase == PHASE_TRAIN ? tensor->train_offset : tensor->predict_offset;
    const char *start;
    switch (tensor->space) {
    case SPACE_ACTIVATION:
        if (tensor->axis) {
            start = (const char *)walk->steps[tensor->axis - 1].activations;
            offset *= walk->steps[tensor->axis - 1].capacity;
        } else {
            start = (const char *)walk->activations;
            offset *= walk->capacity;
        }
        break;
    case SPACE_PARAMETER:
        start = (const char *)parameters;
        break;
    case SPACE_GRADIENT:
        start = (const char *)walk->gradients;
        break;
    case SPACE_STATISTIC:
        start = (const char *)walk->statistics;
        break;
    case SPACE_INPUT:
        start = (const char *)walk->inputs[tensor->index].rows;
        break;
    default:
        start = (const char *)walk->target;
    }
    return (void *)(start + (offset + tensor->first) * (ptrdiff_t)itemsize);
}

/* How many copies a walk has of what there is one of for each row, or for each step. */
static inline ptrdiff_t count_on(int32_t axis, const walk_t *walk) {
    return axis ? walk->steps[axis - 1].count : walk->count;
}

/* A dimension of an op over so many rows. */
static inline ptrdiff_t dim_of(const op_t *op, int i, ptrdiff_t rows) {
    return op->per_sample >> i & 1 ? op->dim[i] * rows : op->dim[i];
}

static inline call_t call_of(const op_t *op, const tensor_t *tensors, walk_t *walk,
                             void *parameters, size_t itemsize) {
    call_t call = {.op = op, .tensors = tensors, .walk = walk};
    ptrdiff_t rows = count_on(op->axis, walk);
    for (int i = 0; i < 4; i++) call.dim[i] = dim_of(op, i, rows);
    for (int i = 0; i < op->n_inputs; i++)
        call.input[i] = locate(tensors, op->input[i], walk, parameters, itemsize);
    for (int i = 0; i < op->n_outputs; i++)
        call.output[i] = locate(tensors, op->output[i], walk, parameters, itemsize);
    return call;
}

/* What an op works on: how many rows of the batch, or how many steps. */
static inline ptrdiff_t count_of(const call_t *call) {
    return count_on(call->op->axis, call->walk);
}

/* The steps that an op looks across; NULL where rows have as many steps each. */
static inline const steps_t *steps_of(const call_t *call) {
    return call->op->across ? call->walk->steps + (call->op->across - 1) : NULL;
}

/* The weights of a walk's samples for a loss; NULL where each is 1. */
static inline const void *weights_of(const walk_t *walk, int32_t loss,
                                     size_t itemsize) {
    if (!walk->weight) return NULL;
    return (const char *)walk->weight +
           (1 + loss) * walk->weight_lead * (ptrdiff_t)itemsize;
}

/* Numbers from one row of a tensor to the next, for who reads rows of so many. */
static inline ptrdiff_t lead_of(const call_t *call, int32_t number, ptrdiff_t width) {
    if (number < 0) return width;
    ptrdiff_t lead = call->tensors[number].lead;
    return lead ? lead : width;
}

/* Integers of an op's own. */
static inline const int64_t *params_of(const call_t *call) {
    return call->walk->params + call->op->params;
}

/* Of ops that work on rows: how many, and the numbers of each. */
static inline ptrdiff_t rows_of(const call_t *call) { return call->dim[2]; }
static inline ptrdiff_t columns_of(const call_t *call) { return call->dim[3]; }

/* Which random numbers an op draws is a function of (seed, step, number of the op, place):
   the same in the backward pass as in the forward pass, and for any number of threads. */
static inline uint64_t stream_of(const call_t *call) {
    return call->walk->mask_step << 16 | (uint64_t)call->op->code;
}

/* Number of the first row within the mini-batch. */
static inline ptrdiff_t first_row_of(const call_t *call) {
    const op_t *op = call->op;
    const walk_t *walk = call->walk;
    return op->dim[2] *
           (op->axis ? walk->steps[op->axis - 1].batch_first : walk->batch_row);
}

/* Numbers in an output. */
static inline ptrdiff_t size_of(const call_t *call, int i) {
    int32_t number = call->op->output[i];
    if (number < 0) return 0;
    const tensor_t *tensor = call->tensors + number;
    return tensor->size * (tensor->per_sample ? count_on(tensor->axis, call->walk) : 1);
}

/* Whether an output is added to: gradients also from the second chunk on. */
static inline int adds(const call_t *call, int i) {
    int32_t number = call->op->output[i];
    return call->op->accumulate || (call->walk->accumulate && number >= 0 &&
                                    call->tensors[number].space == SPACE_GRADIENT);
}

/* Makes an output that is added up zero, unless it is added to. */
static inline void begin_sum(const call_t *call, int i, size_t itemsize) {
    if (!call->output[i] || adds(call, i)) return;
    const tensor_t *tensor = call->tensors + call->op->output[i];
    size_t size = (size_t)size_of(call, i) * itemsize;
    char *row = (char *)call->output[i];
    if (!tensor->lead) {
        memset(row, 0, size);
        return;
    }
    /* Of a view: as many rows as its base has. */
    ptrdiff_t rows = call->tensors[tensor->base].size / tensor->lead *
                     count_on(tensor->axis, call->walk);
    for (ptrdiff_t j = 0; j < rows; j++, row += tensor->lead * (ptrdiff_t)itemsize)
        memset(row, 0, size / (size_t)rows);
}

#endif
