"""The names in csrc/tables/elementwise.h, and the record dtypes of csrc/plan.h."""

import os

import numpy as np

from fastnn.plan.structs cimport (
    BLOCK_ALIGNMENT,
    WHOLE_BATCH,
    N_OPS,
    PHASE_EVALUATE,
    PHASE_PREDICT,
    PHASE_TRAIN,
    SPACE_ACTIVATION,
    SPACE_GRADIENT,
    SPACE_INPUT,
    SPACE_PARAMETER,
    SPACE_STATISTIC,
    SPACE_TARGET,
    block_t,
    op_flags,
    op_t,
    row_gradient_t,
    tensor_t,
)

cdef extern from "ops/table.h":
    enum:
        CROSSES, IN_PLACE, RANDOM, READS_SPARSE, READS_TOKENS, READS_VIEWS

cdef extern from "tables/tables.h":
    const char *op_names[]
    const double op_costs[]
    const char *activation_names[]
    const int activation_reads[]
    const double activation_defaults[]
    const char *activation_aliases[]
    const char *aliased_activations[]
    const char *loss_names[]
    const char *loss_links[]
    const int loss_is_of_rows[]
    const char *optimizer_names[]
    const int optimizer_slots[]
    enum:
        NOTHING, OUTPUT, INPUT
        N_ACTIVATIONS
        N_ACTIVATION_ALIASES
        N_LOSSES
        N_OPTIMIZERS

cdef extern from "tables/elementwise.h":
    enum:
        n_scalars "N_SCALARS"
        average_rate "AVERAGE_RATE"
        coupled_decay "COUPLED_DECAY"
        decoupled_decay "DECOUPLED_DECAY"
        clip_value "CLIP_VALUE"
        clip_norm "CLIP_NORM"
        mask_seed "MASK_SEED"
        mask_step "MASK_STEP"
        mixed_share "MIXED_SHARE"

cdef extern from "ops/row_norm/row_norm.h":
    enum:
        RMS_NORM, LAYER_NORM

cdef extern from "ops/recurrent/recurrent.h":
    enum:
        SIMPLE_RNN, LSTM, GRU, GRU_RESET_BEFORE
        LAST_STATE, STATES_AS_INPUT, STATES_AS_TAKEN
        GROUP, SCRATCH_ROWS, SCRATCH_BLOCKS

cdef extern from "ops/augment/warp.h":
    enum:
        WARP_FLIP, WARP_SHIFT, WARP_ROTATION, WARP_ZOOM, WARP_EVEN_ZOOM
        FILL_CONSTANT, FILL_NEAREST, FILL_REFLECT, FILL_WRAP

cdef extern from "ops/random/dropout.h":
    enum:
        chances "CHANCES"

cdef extern from "plan.h":
    enum:
        max_inputs "MAX_INPUTS"
        max_outputs "MAX_OUTPUTS"

cdef extern from "base/instructions.h":
    const char *instruction_sets[]
    enum:
        N_INSTRUCTION_SETS
    int instruction_limit()
    int instruction_level()

# Positions in these tuples are the codes that an op or an engine carries.
ACTIVATIONS = tuple(activation_names[i].decode() for i in range(N_ACTIVATIONS))
LOSSES = tuple(loss_names[i].decode() for i in range(N_LOSSES))
OPTIMIZERS = tuple(optimizer_names[i].decode() for i in range(N_OPTIMIZERS))

# What the slope of an activation is computed from: None, "output" or "input".
ACTIVATION_READS = {
    name: {NOTHING: None, OUTPUT: "output", INPUT: "input"}[activation_reads[i]]
    for i, name in enumerate(ACTIVATIONS)
}
# Default of the activation's own parameter.
ACTIVATION_DEFAULTS = {
    name: activation_defaults[i] for i, name in enumerate(ACTIVATIONS)
}
ACTIVATION_ALIASES = {
    activation_aliases[i].decode(): aliased_activations[i].decode()
    for i in range(N_ACTIVATION_ALIASES)
}
LOSS_LINKS = {name: loss_links[i].decode() for i, name in enumerate(LOSSES)}
# The losses that look at a whole row of outputs, and not at each by itself.
ROW_LOSSES = tuple(name for i, name in enumerate(LOSSES) if loss_is_of_rows[i])
OPTIMIZER_SLOTS = {name: optimizer_slots[i] for i, name in enumerate(OPTIMIZERS)}

# Columns of a step table, one row a step: the first are the rule's, then come
# averaging, decay and clipping, which random masks it draws, and how samples are mixed:
# from MIXED_SHARE on.
N_SCALARS = n_scalars
AVERAGE_RATE = average_rate
COUPLED_DECAY = coupled_decay
DECOUPLED_DECAY = decoupled_decay
CLIP_VALUE = clip_value
CLIP_NORM = clip_norm
MASK_SEED = mask_seed
MASK_STEP = mask_step
MIXED_SHARE = mixed_share

# Codes of the normalisation of rows.
ROW_NORMS = {"rms_norm": RMS_NORM, "layer_norm": LAYER_NORM}

# Codes of the maps that samples are warped by, and of what stands beyond their edges.
WARPS = {
    "flip": WARP_FLIP,
    "shift": WARP_SHIFT,
    "rotation": WARP_ROTATION,
    "zoom": WARP_ZOOM,
    "even_zoom": WARP_EVEN_ZOOM,
}
FILL_MODES = {
    "constant": FILL_CONSTANT,
    "nearest": FILL_NEAREST,
    "reflect": FILL_REFLECT,
    "wrap": FILL_WRAP,
}

# Codes of the recurrent layers, and of what comes out of them; and how much scratch
# their ops use: samples that go through time together, and rows and blocks for each.
RECURRENT_CELLS = {
    "simple_rnn": SIMPLE_RNN,
    "lstm": LSTM,
    "gru": GRU,
    "gru_reset_before": GRU_RESET_BEFORE,
}
RECURRENT_RETURNS = {
    "last": LAST_STATE,
    "as_input": STATES_AS_INPUT,
    "as_taken": STATES_AS_TAKEN,
}
RECURRENT_SCRATCH = GROUP, SCRATCH_ROWS, SCRATCH_BLOCKS

# The rate of dropout is a multiple of one over this, and below 1.
CHANCES = chances

# The instruction sets that code of ours is compiled for, each with those before it; the
# last one that may be used, and which form of the loops is.
INSTRUCTION_SETS = tuple(
    instruction_sets[i].decode() for i in range(N_INSTRUCTION_SETS)
)
if instruction_limit() < 0:
    raise ValueError(
        "the environment variable FASTNN_INSTRUCTIONS must be unset or one of "
        f"{INSTRUCTION_SETS}, got {os.environ.get('FASTNN_INSTRUCTIONS')!r}"
    )
INSTRUCTION_LIMIT = INSTRUCTION_SETS[instruction_limit()]
INSTRUCTION_SET = INSTRUCTION_SETS[instruction_level()]

cdef op_t an_op
cdef tensor_t a_tensor
cdef block_t a_block
cdef row_gradient_t a_row_gradient
OP_DTYPE = np.asarray(<op_t[:1]> &an_op).dtype
TENSOR_DTYPE = np.asarray(<tensor_t[:1]> &a_tensor).dtype
BLOCK_DTYPE = np.asarray(<block_t[:1]> &a_block).dtype
ROW_GRADIENT_DTYPE = np.asarray(<row_gradient_t[:1]> &a_row_gradient).dtype

ALIGNMENT = BLOCK_ALIGNMENT
# Tensors that an op reads and writes at most.
MAX_INPUTS = max_inputs
MAX_OUTPUTS = max_outputs
PHASES = {
    "train": PHASE_TRAIN,
    "predict": PHASE_PREDICT,
    "evaluate": PHASE_EVALUATE,
}
# The rows of the table of ops: numbers of the kinds, flags, and what a number costs.
KINDS = {op_names[i].decode(): i for i in range(N_OPS)}
FLAGS = {
    "in_place": IN_PLACE,
    "random": RANDOM,
    "reads_sparse": READS_SPARSE,
    "whole_batch": WHOLE_BATCH,
    "reads_views": READS_VIEWS,
    "reads_tokens": READS_TOKENS,
    "crosses": CROSSES,
}
OP_FLAGS = np.array([op_flags[i] for i in range(N_OPS)])
OP_COSTS = np.array([op_costs[i] for i in range(N_OPS)])
SPACES = {
    "input": SPACE_INPUT,
    "target": SPACE_TARGET,
    "parameter": SPACE_PARAMETER,
    "gradient": SPACE_GRADIENT,
    "activation": SPACE_ACTIVATION,
    "statistic": SPACE_STATISTIC,
}
