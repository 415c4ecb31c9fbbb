from libc.stdint cimport int32_t, int64_t, uint64_t

from cython cimport floating

from fastnn.plan.structs cimport MAX_INPUTS, MAX_OUTPUTS, N_OPS, op_t, tensor_t

cdef extern from "ops/product/sparse.h":
    ctypedef struct sparse_rows_t:
        const Py_ssize_t *rows
        const void *starts
        const void *columns
        const void *values
        int long_starts
        int long_columns
        int wide

cdef extern from "ops/product/bf16.h":
    ctypedef void (*product_kernel_bf16)(
        Py_ssize_t, Py_ssize_t, Py_ssize_t, const float *, Py_ssize_t, Py_ssize_t,
        const float *, Py_ssize_t, Py_ssize_t, float, float *, Py_ssize_t, void *,
    ) noexcept nogil
    ctypedef struct Precision "precision_t":
        product_kernel_bf16 kernel
        Py_ssize_t least
        void *workspace
        Py_ssize_t n_products

cdef extern from "ops/call.h":
    ctypedef struct Input "input_t":
        const void *rows
        sparse_rows_t sparse

    ctypedef struct Steps "steps_t":
        Py_ssize_t count
        Py_ssize_t capacity
        Py_ssize_t batch_first
        const Py_ssize_t *starts
        Py_ssize_t *numbers
        void *activations

    ctypedef struct Walk "walk_t":
        int phase
        Py_ssize_t count
        Py_ssize_t capacity
        Py_ssize_t batch_row
        Py_ssize_t batch_rows
        uint64_t mask_seed
        uint64_t mask_step
        const int64_t *params
        Input *inputs
        Steps *steps
        const void *target
        const void *weight
        Py_ssize_t weight_lead
        void *activations
        void *statistics
        void *gradients
        Precision precision
        bint accumulate
        double loss
        double *reported

    ctypedef struct Call "call_t":
        const op_t *op
        const tensor_t *tensors
        Walk *walk
        Py_ssize_t dim[4]
        void *input[MAX_INPUTS]
        void *output[MAX_OUTPUTS]

    ctypedef struct Meeting "meeting_t":
        const op_t *op
        const tensor_t *tensors
        Walk **walks
        int n_walks
        void *parameters

    ctypedef void (*op_function)(const Call *) noexcept nogil
    ctypedef void (*meeting_function)(const Meeting *) noexcept nogil
    op_function op_functions_f32[N_OPS]
    op_function op_functions_f64[N_OPS]
    const meeting_function meeting_functions_f32[N_OPS]
    const meeting_function meeting_functions_f64[N_OPS]
    const bint op_is_in_python[N_OPS]

    void *locate_number "locate"(
        const tensor_t *, int32_t, const Walk *, void *, size_t) noexcept nogil
    Call call_of(const op_t *, const tensor_t *, Walk *, void *, size_t) noexcept nogil
    Py_ssize_t count_on(int32_t, const Walk *) noexcept nogil
    const void *weights_of(const Walk *, int32_t, size_t) noexcept nogil
    Py_ssize_t lead_of(const Call *, int32_t, Py_ssize_t) noexcept nogil
    bint adds(const Call *, int) noexcept nogil
    void begin_sum(const Call *, int, size_t) noexcept nogil

cdef void execute(
    const op_t *ops, Py_ssize_t n_ops, const tensor_t *tensors,
    Walk *walk, floating *parameters,
) noexcept nogil

cdef floating *locate(
    const tensor_t *tensors, int32_t number, const Walk *walk, floating *parameters,
) noexcept nogil
