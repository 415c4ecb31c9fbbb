# The records of csrc/plan.h, as Cython sees them.
from libc.stdint cimport int32_t, int64_t

cdef extern from "ops/table.h":
    enum:
        WHOLE_BATCH
        N_OPS
        OP_PRODUCT
        OP_ADD
        OP_ADD_GRADIENT
        OP_CUSTOM_LOSS
        OP_CUSTOM_AUGMENT

cdef extern from "tables/tables.h":
    const int op_flags[]

cdef extern from "plan.h":
    enum space:
        SPACE_INPUT
        SPACE_TARGET
        SPACE_PARAMETER
        SPACE_GRADIENT
        SPACE_ACTIVATION
        SPACE_STATISTIC

    enum phase:
        PHASE_TRAIN
        PHASE_PREDICT
        PHASE_EVALUATE

    enum:
        MAX_INPUTS
        MAX_OUTPUTS
        BLOCK_ALIGNMENT

    ctypedef struct tensor_t:
        int32_t space
        int32_t per_sample
        int32_t base
        int32_t index
        int32_t axis
        int32_t reserved
        int64_t size
        int64_t first
        int64_t lead
        int64_t train_offset
        int64_t predict_offset

    ctypedef struct op_t:
        int32_t kind
        int32_t code
        int32_t phase
        int32_t accumulate
        int32_t transpose
        int32_t per_sample
        int32_t input[6]
        int32_t output[4]
        int32_t params
        int32_t loss
        int32_t n_inputs
        int32_t n_outputs
        int32_t axis
        int32_t across
        int64_t dim[4]
        int64_t lead[3]
        int64_t stride[4]
        double scalar[4]

    ctypedef struct row_gradient_t:
        int32_t block
        int32_t tokens
        int32_t gradient
        int32_t reserved

    ctypedef struct block_t:
        int64_t offset
        int64_t size
        double penalty
        double l1
        double l2
        double learning_rate
        double weight_decay
        double max_norm
        int64_t columns
        double running
        int32_t trainable
        int32_t reserved
